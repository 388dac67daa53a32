//! What an operator has stopped, and runs that wait for hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::run::{Event, Policy};
use domain::{Environment, ProjectName, Timestamp};
use jiff::SignedDuration;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::columns::{RunRow, integer, micros, parsed, run_columns, time, unknown};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use crate::{Meant, PauseScope, StoreError, Waiting};

/// Waiting runs that are let go on in one transaction: the writer is not kept from others by 40,000 of them.
pub(super) const ADMITTED_AT_ONCE: u64 = 500;

/// Runs of a project and environment that wait for one host, oldest first, at most how many.
pub(super) const WAITING: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM run INDEXED BY run_waiting WHERE status = 'waiting' AND waiting_for = ?1 \
     AND project = ?2 AND environment = ?3 ORDER BY run_id LIMIT ?4"
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

/// Lets some of the runs go on that wait for one host, oldest first, each at its time. Answers how many.
pub(super) struct AdmitWaiting {
    pub origin: String,
    pub project: ProjectName,
    pub environment: Environment,
    pub due: Vec<Timestamp>,
    pub policy: Policy,
    pub now: Timestamp,
}

impl Write for AdmitWaiting {
    type Answer = usize;
    const LANE: Lane = Lane::Claim;

    fn rows(&self) -> usize {
        self.due.len()
    }

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<usize, Failure> {
        let of = params![
            self.origin,
            self.project.as_str(),
            self.environment.as_str(),
            self.due.len() as i64
        ];
        let waiting: Vec<RunRow> = batch
            .connection
            .prepare_cached(WAITING)?
            .query_map(of, RunRow::read)?
            .collect::<rusqlite::Result<_>>()?;
        let admitted = waiting.len();
        for (mut row, due) in waiting.into_iter().zip(&self.due) {
            let refused = |error| StoreError::Refused { run: row.run, error };
            // It waits on until its turn: as if the host were admitted then.
            let transition =
                domain::run::step(&row.state, &Event::HostAdmitted, *due, &self.policy).map_err(refused)?;
            batch.counts.moved(Some(&row.state), &transition.state);
            row.update(batch.connection, transition.state, self.now)?;
        }
        Ok(admitted)
    }
}

impl SqliteStore {
    /// Lets go on what is meant of those that wait, some at a time.
    pub(super) async fn admit_all(
        &self,
        meant: &Meant,
        apart: Duration,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let all = self.readers.read(|reader| waiting(&reader.main)).await?;
        let mut by_origin: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
        for one in all.into_iter().filter(|one| one.is_meant_by(meant)) {
            by_origin.entry(one.origin.clone()).or_default().push(one);
        }
        let apart = SignedDuration::try_from(apart).unwrap_or(SignedDuration::MAX);
        let at = |turn: u64| {
            let passed = apart.saturating_mul(i32::try_from(turn).unwrap_or(i32::MAX));
            now.saturating_add(passed).unwrap_or(Timestamp::MAX)
        };
        let mut count = 0;
        for (origin, groups) in by_origin {
            let sizes: Vec<u64> = groups.iter().map(|group| group.runs).collect();
            for (index, group) in groups.into_iter().enumerate() {
                let mut begun: u64 = 0;
                loop {
                    let places = begun..begun + ADMITTED_AT_ONCE;
                    let request = AdmitWaiting {
                        origin: origin.clone(),
                        project: group.project.clone(),
                        environment: group.environment,
                        due: places.map(|place| at(turn(&sizes, index, place))).collect(),
                        policy: policy.clone(),
                        now,
                    };
                    let admitted = self.write(request, 0).await? as u64;
                    (begun, count) = (begun + admitted, count + admitted);
                    if admitted < ADMITTED_AT_ONCE {
                        break;
                    }
                }
            }
        }
        Ok(count)
    }
}

/// Of a project and environment's runs that wait for one host and are due: the first at `first`, each further one `apart` later, some at
/// most. Their state is as before but for that.
pub(super) const SPREAD: &str = "UPDATE run SET due_at = due.at FROM ( \
         SELECT run_id, ?4 + (row_number() OVER (ORDER BY run_id) - 1) * ?5 AS at \
         FROM run INDEXED BY run_waiting WHERE status = 'waiting' AND waiting_for = ?1 \
         AND project = ?2 AND environment = ?3 AND due_at <= ?6 ORDER BY run_id LIMIT ?7 \
     ) AS due WHERE run.run_id = due.run_id";

/// See [`SPREAD`]. Answers how many.
struct SpreadDue {
    of: Waiting,
    first: Timestamp,
    apart: SignedDuration,
    now: Timestamp,
}

impl Write for SpreadDue {
    type Answer = u64;
    const LANE: Lane = Lane::Claim;

    fn rows(&self) -> usize {
        ADMITTED_AT_ONCE as usize
    }

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<u64, Failure> {
        let apart_us = i64::try_from(self.apart.as_micros()).unwrap_or(i64::MAX);
        let changed = batch.connection.prepare_cached(SPREAD)?.execute(params![
            self.of.origin,
            self.of.project.as_str(),
            self.of.environment.as_str(),
            micros(self.first),
            apart_us,
            micros(self.now),
            integer(ADMITTED_AT_ONCE)
        ])?;
        Ok(changed as u64)
    }
}

impl SqliteStore {
    /// Puts off what is due of those that wait for one host, some at a time.
    pub(super) async fn spread_due(
        &self,
        project: &ProjectName,
        environment: Environment,
        host: &str,
        first: Timestamp,
        apart: Duration,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let apart = SignedDuration::try_from(apart).unwrap_or(SignedDuration::MAX);
        let meant = Meant::Authority(host.to_owned());
        let all = self.readers.read(|reader| waiting(&reader.main)).await?;
        let of_host = all.into_iter().filter(|one| {
            one.is_meant_by(&meant) && one.project == *project && one.environment == environment
        });
        let mut count: u64 = 0;
        for of in of_host {
            loop {
                // Behind those that have a time already.
                let passed = apart.saturating_mul(i32::try_from(count).unwrap_or(i32::MAX));
                let first = first.saturating_add(passed).unwrap_or(Timestamp::MAX);
                let of = of.clone();
                let put_off = self
                    .write(
                        SpreadDue {
                            of,
                            first,
                            apart,
                            now,
                        },
                        0,
                    )
                    .await?;
                count += put_off;
                if put_off < ADMITTED_AT_ONCE {
                    break;
                }
            }
        }
        Ok(count)
    }
}

/// After how many others a run goes on that has this place in its group, where groups of these sizes take turns for as long as they
/// last.
fn turn(sizes: &[u64], group: usize, place: u64) -> u64 {
    let in_rounds_before: u64 = sizes.iter().map(|size| place.min(*size)).sum();
    let in_this_round = sizes[..group].iter().filter(|size| **size > place).count();
    in_rounds_before + in_this_round as u64
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

#[cfg(test)]
mod tests {
    use super::turn;

    #[test]
    fn groups_take_turns_for_as_long_as_they_last_and_no_turn_is_left_out() {
        let sizes = [4, 1, 2];
        let turns = |group: usize| -> Vec<u64> {
            (0..sizes[group])
                .map(|place| turn(&sizes, group, place))
                .collect()
        };
        assert_eq!(
            [turns(0), turns(1), turns(2)],
            [vec![0, 3, 5, 6], vec![1], vec![2, 4]]
        );
    }
}
