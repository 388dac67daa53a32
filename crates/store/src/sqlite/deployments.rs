//! Deployments, and which of them is active where.

use std::str::FromStr;

use domain::run::{Event, Policy};
use domain::{DeploymentId, Environment, ProjectName};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{RunRow, micros, parsed, run_columns, stored};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use crate::{Activation, DeploymentRecord, StoreError};

/// Held runs that are freed in one transaction: the writer is not kept from others by a million of them.
const FREED_AT_ONCE: u32 = 500;

/// Held runs: of which project and environment, at most how many.
pub(super) const HELD: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM run WHERE project = ?1 AND environment = ?2 AND hold IS NOT NULL AND hold = 'no_active_deployment' \
         ORDER BY run_id LIMIT ?3"
);

/// A record to be kept.
pub(super) struct PutDeployment(pub DeploymentRecord);

/// A deployment to be made active. What was held for want of one is freed afterwards, by [`FreeHeld`].
pub(super) struct Activate(pub Activation);

/// Frees some of the runs that an activation made free to run. Answers how many; 0: none are left.
pub(super) struct FreeHeld {
    pub activation: Activation,
    pub policy: Policy,
}

impl Write for PutDeployment {
    type Answer = ();
    const LANE: Lane = Lane::Claim;
    const FAIL_POINTS: Option<[&'static str; 2]> = Some([
        "store.put_deployment.before_commit",
        "store.put_deployment.after_commit",
    ]);

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let facts = &self.0.facts;
        let record = serde_json::to_string(&self.0).map_err(|error| StoreError::Failed(error.to_string()))?;
        batch
            .connection
            .prepare_cached(
                "INSERT INTO deployment (deployment, project, created_at, record) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (deployment) DO NOTHING",
            )?
            .execute(params![
                facts.id.as_bytes(),
                facts.project.as_str(),
                micros(facts.created_at),
                record
            ])?;
        Ok(())
    }
}

impl Write for Activate {
    type Answer = ();
    const LANE: Lane = Lane::Claim;

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let Activation {
            project,
            environment,
            deployment,
            at,
        } = &self.0;
        let of: Option<String> = batch
            .connection
            .prepare_cached("SELECT project FROM deployment WHERE deployment = ?1")?
            .query_row([deployment.as_bytes()], |row| row.get(0))
            .optional()?;
        if of.as_deref() != Some(project.as_str()) {
            return Err(
                StoreError::Failed(format!("project {project} has no deployment {deployment}")).into(),
            );
        }
        batch
            .connection
            .prepare_cached(
                "INSERT INTO activation (project, environment, deployment, activated_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (project, environment) \
                 DO UPDATE SET deployment = excluded.deployment, activated_at = excluded.activated_at",
            )?
            .execute(params![project.as_str(), environment.as_str(), deployment.as_bytes(), micros(*at)])?;
        Ok(())
    }
}

impl Write for FreeHeld {
    type Answer = u64;
    const LANE: Lane = Lane::Claim;

    fn rows(&self) -> usize {
        FREED_AT_ONCE as usize
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<u64, Failure> {
        let held = held(batch.connection, &self.activation)?;
        let now = stored(self.activation.at);
        let mut freed = 0;
        for mut row in held {
            let refused = |error| StoreError::Refused { run: row.run, error };
            let transition = domain::run::step(&row.state, &Event::DeploymentActivated, now, &self.policy)
                .map_err(refused)?;
            batch.counts.moved(Some(&row.state), &transition.state);
            row.update(batch.connection, transition.state, now)?;
            freed += 1;
        }
        Ok(freed)
    }
}

fn held(connection: &Connection, activation: &Activation) -> rusqlite::Result<Vec<RunRow>> {
    let mut held = connection.prepare_cached(HELD)?;
    let (project, environment) = (activation.project.as_str(), activation.environment.as_str());
    held.query_map(params![project, environment, FREED_AT_ONCE], RunRow::read)?
        .collect()
}

/// Everywhere that runs are held although a deployment is active: an activation was cut off before it had freed them all.
pub(super) fn unfinished_activations(connection: &Connection) -> Result<Vec<Activation>, StoreError> {
    let sql = "SELECT project, environment, deployment, activated_at FROM activation WHERE EXISTS \
               (SELECT 1 FROM run WHERE run.project = activation.project \
                AND run.environment = activation.environment AND run.hold IS NOT NULL)";
    let mut statement = connection.prepare(sql).map_err(unread)?;
    let activations = statement.query_map([], |row| {
        Ok(Activation {
            project: parsed(row, 0)?,
            environment: parsed(row, 1)?,
            deployment: DeploymentId::from_bytes(row.get(2)?),
            at: super::columns::time(row, 3)?,
        })
    });
    activations.and_then(Iterator::collect).map_err(unread)
}

/// One record.
pub(super) fn deployment(
    connection: &Connection,
    id: DeploymentId,
) -> Result<Option<DeploymentRecord>, StoreError> {
    let record: Option<String> = connection
        .prepare_cached("SELECT record FROM deployment WHERE deployment = ?1")
        .and_then(|mut statement| statement.query_row([id.as_bytes()], |row| row.get(0)).optional())
        .map_err(unread)?;
    record.map(|record| read_record(&record)).transpose()
}

/// A project's, newest first, with where each is active.
pub(super) fn deployments(
    connection: &Connection,
    project: &ProjectName,
) -> Result<Vec<(DeploymentRecord, Vec<Environment>)>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT record, (SELECT group_concat(environment) FROM activation \
                             WHERE activation.project = deployment.project \
                             AND activation.deployment = deployment.deployment) \
             FROM deployment WHERE project = ?1 ORDER BY created_at DESC, deployment",
        )
        .map_err(unread)?;
    let rows = statement.query_map([project.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows: Vec<(String, Option<String>)> = rows.and_then(Iterator::collect).map_err(unread)?;
    rows.into_iter()
        .map(|(record, active)| {
            let active = active.iter().flat_map(|active| active.split(','));
            let mut active = active
                .map(Environment::from_str)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            active.sort_unstable();
            Ok((read_record(&record)?, active))
        })
        .collect()
}

/// What is active.
pub(super) fn active(
    connection: &Connection,
    project: &ProjectName,
    environment: Environment,
) -> Result<Option<DeploymentId>, StoreError> {
    connection
        .prepare_cached("SELECT deployment FROM activation WHERE project = ?1 AND environment = ?2")
        .and_then(|mut statement| {
            let key = params![project.as_str(), environment.as_str()];
            statement
                .query_row(key, |row| Ok(DeploymentId::from_bytes(row.get(0)?)))
                .optional()
        })
        .map_err(unread)
}

/// Those that have a deployment, by name.
pub(super) fn projects(connection: &Connection) -> Result<Vec<ProjectName>, StoreError> {
    connection
        .prepare_cached("SELECT DISTINCT project FROM deployment ORDER BY project")
        .and_then(|mut statement| statement.query_map([], |row| parsed(row, 0))?.collect())
        .map_err(unread)
}

fn read_record(record: &str) -> Result<DeploymentRecord, StoreError> {
    serde_json::from_str(record)
        .map_err(|error| StoreError::Failed(format!("a deployment's record cannot be read: {error}")))
}
