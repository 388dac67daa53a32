//! What an operator has stopped, and runs that wait for hosts.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::run::{Event, Policy};
use domain::{Environment, ProjectName, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::columns::{RunRow, micros, parsed, run_columns, time, unknown};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use crate::{PauseScope, StoreError, Waiting};

/// Waiting runs that are let go on in one transaction: the writer is not kept from others by 40,000 of them.
pub(super) const ADMITTED_AT_ONCE: u32 = 500;

/// Runs that wait for one host, longest waiting first, at most how many.
pub(super) const WAITING: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM run INDEXED BY run_waiting WHERE status = 'waiting' AND waiting_for = ?1 \
     AND (?2 = '' OR project = ?2) AND (?3 = '' OR environment = ?3) ORDER BY due_at, run_id LIMIT ?4"
);

/// A pause to be kept, or to be lifted. Answers whether that changed something.
pub(super) struct SetPause {
    pub scope: PauseScope,
    pub paused: bool,
    pub now: Timestamp,
}

impl Write for SetPause {
    type Answer = bool;
    const LANE: Lane = Lane::Claim;

    /// To lift one takes no space, and lets runs end.
    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<bool, Failure> {
        let (project, environment, host) = texts(&self.scope);
        let changed = if self.paused {
            batch
                .connection
                .prepare_cached(
                    "INSERT INTO pause (project, environment, host, paused_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![project, environment, host, micros(self.now)])?
        } else {
            batch
                .connection
                .prepare_cached("DELETE FROM pause WHERE project = ?1 AND environment = ?2 AND host = ?3")?
                .execute(params![project, environment, host])?
        };
        Ok(changed > 0)
    }
}

fn texts(scope: &PauseScope) -> (&str, &str, &str) {
    (
        scope.project.as_ref().map_or("", ProjectName::as_str),
        scope.environment.map_or("", Environment::as_str),
        scope.host.as_deref().unwrap_or_default(),
    )
}

/// Lets some of the runs go on that wait for one host: the first at `first`, each further one `apart` later. Answers how many.
pub(super) struct AdmitWaiting {
    pub origin: String,
    pub scope: PauseScope,
    pub first: Timestamp,
    pub apart: SignedDuration,
    pub policy: Policy,
    pub now: Timestamp,
}

impl Write for AdmitWaiting {
    type Answer = u32;
    const LANE: Lane = Lane::Claim;

    fn rows(&self) -> usize {
        ADMITTED_AT_ONCE as usize
    }

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<u32, Failure> {
        let (project, environment, _) = texts(&self.scope);
        let waiting: Vec<RunRow> = batch
            .connection
            .prepare_cached(WAITING)?
            .query_map(
                params![self.origin, project, environment, ADMITTED_AT_ONCE],
                RunRow::read,
            )?
            .collect::<rusqlite::Result<_>>()?;
        let (mut due, mut admitted) = (self.first, 0);
        for mut row in waiting {
            let refused = |error| StoreError::Refused { run: row.run, error };
            // It waits on until its turn: as if the host were admitted then.
            let transition =
                domain::run::step(&row.state, &Event::HostAdmitted, due, &self.policy).map_err(refused)?;
            batch.counts.moved(Some(&row.state), &transition.state);
            row.update(batch.connection, transition.state, self.now)?;
            due = due.saturating_add(self.apart).unwrap_or(Timestamp::MAX);
            admitted += 1;
        }
        Ok(admitted)
    }
}

impl SqliteStore {
    /// Lets go on what waits for hosts of a scope, some at a time.
    pub(super) async fn admit_all(
        &self,
        scope: &PauseScope,
        apart: Duration,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let apart = SignedDuration::try_from(apart).unwrap_or(SignedDuration::MAX);
        let all = self.readers.read(|reader| waiting(&reader.main)).await?;
        let meant = all.into_iter().filter(|one| one.is_meant_by(scope));
        let origins: BTreeSet<String> = meant.map(|one| one.origin).collect();
        let mut count = 0;
        for origin in origins {
            let mut first = now;
            loop {
                let request = AdmitWaiting {
                    origin: origin.clone(),
                    scope: scope.clone(),
                    first,
                    apart,
                    policy: policy.clone(),
                    now,
                };
                let admitted = self.write(request, 0).await?;
                count += u64::from(admitted);
                if admitted < ADMITTED_AT_ONCE {
                    break;
                }
                let passed = apart.saturating_mul(i32::try_from(admitted).unwrap_or(i32::MAX));
                first = first.saturating_add(passed).unwrap_or(Timestamp::MAX);
            }
        }
        Ok(count)
    }
}

/// Every pause, with since when.
pub(super) fn all(connection: &Connection) -> Result<Vec<(PauseScope, Timestamp)>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let text = |column: usize| {
            let text: String = row.get(column)?;
            Ok::<_, rusqlite::Error>((!text.is_empty()).then_some(text))
        };
        let scope = PauseScope {
            project: text(0)?
                .map(|name| name.parse().map_err(|_| unknown(0, &name)))
                .transpose()?,
            environment: text(1)?
                .map(|name| name.parse().map_err(|_| unknown(1, &name)))
                .transpose()?,
            host: text(2)?,
        };
        Ok((scope, time(row, 3)?))
    };
    connection
        .prepare_cached("SELECT project, environment, host, paused_at FROM pause ORDER BY 1, 2, 3")
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(unread)
}

/// How many runs wait for what, and when the first of them looks again.
pub(super) fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Waiting {
            origin: row.get(0)?,
            project: parsed(row, 1)?,
            environment: parsed(row, 2)?,
            runs: row.get::<_, i64>(3)?.unsigned_abs(),
            first_due: time(row, 4)?,
        })
    };
    connection
        .prepare_cached(
            "SELECT waiting_for, project, environment, count(*), min(due_at) FROM run \
             WHERE status = 'waiting' AND waiting_for IS NOT NULL \
             GROUP BY waiting_for, project, environment ORDER BY 2, 3, 1",
        )
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(unread)
}
