//! Applying an event to a run, and keeping what an attempt left: all of it in one transaction.

use std::collections::HashMap;

use domain::run::{Command, Event, Policy, RunState, Status};
use domain::{AttemptEnd, AttemptNumber, Epoch, RunId, Timestamp};
use rusqlite::{Connection, named_params, params};

use super::columns::{RunRow, integer, micros};
use super::failure::Failure;
use super::job::{Batch, Write};
use super::lanes::Lane;
use super::seal::{ClearNumber, SealedReport};
use crate::{Applied, StoreError};

const POINTS: [&str; 2] = ["store.apply.before_commit", "store.apply.after_commit"];

/// One event for one run.
pub(super) struct Apply {
    pub run: RunId,
    pub event: Event,
    pub report: Option<SealedReport>,
    pub policy: Policy,
    pub now: Timestamp,
}

/// The same from a person or from recovery, who can wait longer than an attempt that is over.
pub(super) struct ApplyAsked(pub Apply);

impl Write for Apply {
    type Answer = Applied;
    const LANE: Lane = Lane::Completion;
    const FAIL_POINTS: Option<[&'static str; 2]> = Some(POINTS);

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Applied, Failure> {
        let mut row = RunRow::find(batch.connection, self.run)?.ok_or(StoreError::NoSuchRun(self.run))?;
        let before = row.state.clone();
        let refused = |error| StoreError::Refused { run: self.run, error };
        let transition = domain::run::step(&before, &self.event, self.now, &self.policy).map_err(refused)?;
        batch.counts.moved(Some(&before), &transition.state);
        row.update(batch.connection, transition.state, self.now)?;
        match &self.report {
            Some(report) => {
                self.end_attempt(batch.connection, &before, report)?;
                if transition.commands.contains(&Command::KeepResults) {
                    self.keep_results(batch.connection, report, row.state.fresh_since)?;
                }
            }
            None => self.cut_attempt(batch.connection, &before, &row.state)?,
        }
        Ok(Applied {
            state: row.state,
            commands: transition.commands,
        })
    }
}

impl Write for ApplyAsked {
    type Answer = Applied;
    const LANE: Lane = Lane::Claim;
    const FAIL_POINTS: Option<[&'static str; 2]> = Some(POINTS);

    /// What begins a run anew would use up the space in which others are to end.
    fn on_full_disk(&self) -> bool {
        !matches!(self.0.event, Event::RetryRequested { .. })
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Applied, Failure> {
        self.0.carry_out(batch)
    }
}

impl Apply {
    /// The attempt says itself how it ended.
    fn end_attempt(
        &self,
        connection: &Connection,
        before: &RunState,
        report: &SealedReport,
    ) -> Result<(), Failure> {
        let ended = Ended::of(&report.end);
        let changed = connection
            .prepare_cached(
                "UPDATE attempt SET function_started_at = :function_started_at, ended_at = :ended_at, \
                 outcome = :outcome, unsettled_failures = :unsettled_failures, code = :code, signal = :signal, \
                 exit_status = :exit_status, user_us = :user_us, system_us = :system_us, max_rss_kib = :max_rss_kib, \
                 minor_faults = :minor_faults, confinement = :confinement \
                 WHERE run_id = :run AND number = :number AND epoch = :epoch AND ended_at IS NULL",
            )?
            .execute(named_params! {
                ":run": self.run.as_bytes(),
                ":number": report.number.0,
                ":epoch": integer(before.epoch.0),
                ":function_started_at": report.function_started_at.map(micros),
                ":ended_at": micros(report.ended_at),
                ":outcome": ended.outcome,
                ":unsettled_failures": ended.unsettled_failures,
                ":code": ended.code,
                ":signal": ended.signal,
                ":exit_status": ended.exit_status,
                ":user_us": integer(report.usage.user_us),
                ":system_us": integer(report.usage.system_us),
                ":max_rss_kib": integer(report.usage.max_rss_kib),
                ":minor_faults": integer(report.usage.minor_faults),
                ":confinement": report.confinement,
            })?;
        if changed != 1 {
            let message = format!(
                "run {} has no open attempt {} at epoch {}",
                self.run, report.number, before.epoch
            );
            return Err(StoreError::Damaged(message).into());
        }
        if report.logs.is_some() || report.failure.is_some() {
            connection
                .prepare_cached(
                    "INSERT INTO attempt_record (run_id, number, logs, failure) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    self.run.as_bytes(),
                    report.number.0,
                    report.logs,
                    report.failure
                ])?;
        }
        Ok(())
    }

    /// An attempt that was under way is over, and left no report.
    fn cut_attempt(
        &self,
        connection: &Connection,
        before: &RunState,
        after: &RunState,
    ) -> rusqlite::Result<()> {
        if before.status != Status::Running || after.status == Status::Running {
            return Ok(());
        }
        let end = match self.event {
            Event::CancelRequested => AttemptEnd::Cancelled,
            Event::AttemptFailed { code, .. } => AttemptEnd::Failed {
                code,
                signal: None,
                exit_status: None,
                message: String::new(),
                error: None,
            },
            _ => AttemptEnd::Interrupted,
        };
        cut(connection, self.run, before.epoch, &end, self.now)
    }

    /// What the run shows from now on is of this attempt. Actions of an earlier one stay: they may have been carried out.
    fn keep_results(
        &self,
        connection: &Connection,
        report: &SealedReport,
        fresh_since: AttemptNumber,
    ) -> rusqlite::Result<()> {
        let run = self.run.as_bytes();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO result (run_id, attempt_number, state) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![run, report.number.0, report.state])?;
        connection
            .prepare_cached("DELETE FROM metric WHERE run_id = ?1")?
            .execute([run])?;
        let mut metric = connection.prepare_cached(
            "INSERT INTO metric (run_id, seq, name, number, value) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (seq, kept) in (0_u32..).zip(&report.metrics) {
            metric.execute(params![run, seq, kept.name, kept.number, kept.value])?;
        }
        self.queue_actions(connection, report, fresh_since)
    }

    /// One that an earlier attempt queued is not queued again: only what is asked for more often than there is of it. What was
    /// queued before the run was run again on purpose does not count.
    fn queue_actions(
        &self,
        connection: &Connection,
        report: &SealedReport,
        fresh_since: AttemptNumber,
    ) -> rusqlite::Result<()> {
        if report.actions.is_empty() {
            return Ok(());
        }
        let run = self.run.as_bytes();
        let mut queued: HashMap<[u8; 32], u32> = connection
            .prepare_cached(
                "SELECT fingerprint, count(*) FROM action \
                 WHERE run_id = ?1 AND attempt_number >= ?2 AND fingerprint IS NOT NULL GROUP BY fingerprint",
            )?
            .query_map(params![run, fresh_since.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO action (run_id, attempt_number, seq, content, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (seq, action) in (0_u32..).zip(&report.actions) {
            if let Some(left) = queued.get_mut(&action.fingerprint).filter(|left| **left > 0) {
                *left -= 1;
                continue;
            }
            insert.execute(params![
                run,
                report.number.0,
                seq,
                action.content,
                action.fingerprint
            ])?;
        }
        Ok(())
    }
}

fn cut(
    connection: &Connection,
    run: RunId,
    epoch: Epoch,
    end: &AttemptEnd,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let ended = Ended::of(end);
    connection
        .prepare_cached(
            "UPDATE attempt SET ended_at = ?3, outcome = ?4, code = ?5 \
             WHERE run_id = ?1 AND epoch = ?2 AND ended_at IS NULL",
        )?
        .execute(params![
            run.as_bytes(),
            integer(epoch.0),
            micros(now),
            ended.outcome,
            ended.code
        ])
        .map(drop)
}

/// An end as columns.
#[derive(Default)]
struct Ended {
    outcome: &'static str,
    unsettled_failures: Option<u32>,
    code: Option<&'static str>,
    signal: Option<i32>,
    exit_status: Option<i32>,
}

impl Ended {
    fn of(end: &AttemptEnd) -> Self {
        let plain = |outcome| Self {
            outcome,
            ..Self::default()
        };
        match end {
            AttemptEnd::Returned { unsettled_failures } => Self {
                unsettled_failures: Some(*unsettled_failures),
                ..plain("returned")
            },
            AttemptEnd::Failed {
                code,
                signal,
                exit_status,
                ..
            } => Self {
                code: Some(code.as_str()),
                signal: *signal,
                exit_status: *exit_status,
                ..plain("failed")
            },
            AttemptEnd::Interrupted => plain("interrupted"),
            AttemptEnd::Cancelled => plain("cancelled"),
            AttemptEnd::Waiting => plain("waiting"),
            AttemptEnd::Parked => plain("parked"),
        }
    }
}

impl rusqlite::ToSql for ClearNumber {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Integer(integer) => integer.to_sql(),
            Self::Real(real) => real.to_sql(),
        }
    }
}
