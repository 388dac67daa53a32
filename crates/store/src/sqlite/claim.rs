//! Claiming: due runs get an epoch and an attempt row, before anything is forked for them.

use domain::run::{Command, Event, Policy};
use domain::{DeploymentId, Timestamp};
use rusqlite::{Connection, params};

use super::columns::{RUN_COLUMNS, RunRow, integer, micros, run_columns};
use super::failure::Failure;
use super::job::{Batch, Write};
use super::lanes::Lane;
use crate::{Claim, ClaimedRun, StoreError};

/// Due runs with what they are to run: whether alone, not after when, at most how many.
pub(super) const DUE: &str = concat!(
    "SELECT ",
    run_columns!(),
    ", coalesce(run.deployment, activation.deployment) AS active \
             FROM run LEFT JOIN activation USING (project, environment) \
             WHERE run.status IN ('queued', 'backoff', 'waiting') AND run.hold IS NULL AND run.alone = ?1 AND run.due_at <= ?2 \
             AND active IS NOT NULL ORDER BY run.due_at, run.run_id LIMIT ?3"
);

/// A claim at a time.
pub(super) struct ClaimDue {
    pub claim: Claim,
    pub policy: Policy,
    pub now: Timestamp,
}

impl Write for ClaimDue {
    /// Their documents are for the caller to read: they are empty.
    type Answer = Vec<ClaimedRun>;
    const LANE: Lane = Lane::Claim;
    const FAIL_POINTS: Option<[&'static str; 2]> =
        Some(["store.claim.before_commit", "store.claim.after_commit"]);

    fn rows(&self) -> usize {
        self.claim.limit as usize
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Vec<ClaimedRun>, Failure> {
        // First, whatever is older: its turn must not pass.
        let alone = self.due(batch.connection, true, 1)?;
        let due = match (alone.is_empty(), self.claim.nothing_runs) {
            (true, _) => self.due(batch.connection, false, self.claim.limit)?,
            (false, true) => alone,
            (false, false) => Vec::new(),
        };
        due.into_iter()
            .map(|(row, active)| self.claim(row, active, batch))
            .collect()
    }
}

impl ClaimDue {
    /// Due runs, oldest first, each with what it is to run. One whose project has nothing active any more is left.
    fn due(
        &self,
        connection: &Connection,
        alone: bool,
        limit: u32,
    ) -> rusqlite::Result<Vec<(RunRow, DeploymentId)>> {
        let mut due = connection.prepare_cached(DUE)?;
        let read = |row: &rusqlite::Row<'_>| {
            let active = DeploymentId::from_bytes(row.get(RUN_COLUMNS)?);
            Ok((RunRow::read(row)?, active))
        };
        due.query_map(params![alone, micros(self.now), limit], read)?
            .collect()
    }

    fn claim(
        &self,
        mut row: RunRow,
        active: DeploymentId,
        batch: &mut Batch<'_>,
    ) -> Result<ClaimedRun, Failure> {
        let event = Event::Claimed {
            incarnation: self.claim.incarnation,
            active,
        };
        let refused = |error| StoreError::Refused { run: row.run, error };
        let transition = domain::run::step(&row.state, &event, self.now, &self.policy).map_err(refused)?;
        let begun = transition.commands.iter().find_map(|command| match command {
            Command::StartAttempt {
                number,
                epoch,
                deployment,
                alone,
            } => Some((*number, *epoch, *deployment, *alone)),
            _ => None,
        });
        let Some((number, epoch, deployment, alone)) = begun else {
            return Err(
                StoreError::Damaged(format!("the claim of run {} begins no attempt", row.run)).into(),
            );
        };
        let opening = transition.state.opening();
        batch.counts.moved(Some(&row.state), &transition.state);
        row.update(batch.connection, transition.state, self.now)?;
        batch
            .connection
            .prepare_cached(
                "INSERT INTO attempt (run_id, number, epoch, deployment, incarnation, claimed_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                row.run.as_bytes(),
                number.0,
                integer(epoch.0),
                deployment.as_bytes(),
                self.claim.incarnation.as_bytes(),
                micros(self.now)
            ])?;
        Ok(ClaimedRun {
            run: row.run,
            conversation: row.conversation,
            project: row.project,
            environment: row.environment,
            number,
            epoch,
            deployment,
            alone,
            opening,
            document: Vec::new(),
            accepted_at: row.accepted_at,
        })
    }
}
