//! Domain values as columns, and back.

use std::str::FromStr;

use domain::run::{End, Hold, RunState, Status};
use domain::{
    AttemptNumber, ConversationId, DeploymentId, Environment, Epoch, Incarnation, ProjectName, RunId,
    Timestamp,
};
use jiff::SignedDuration;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// Stored times have microseconds.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The time as it would be read back.
pub(super) fn stored(time: Timestamp) -> Timestamp {
    of_micros(micros(time)).unwrap_or(time)
}

/// A number as SQLite has them. What does not fit is beyond every limit of ours.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The columns of `run` in the order in which [`RunRow::read`] takes them: a literal, for `concat!`.
macro_rules! run_columns {
    () => {
        "run.run_id, run.conversation_id, run.project, run.environment, run.accepted_at, run.changed_at, \
         run.status, run.\"end\", run.hold, run.epoch, run.attempt, run.failures, run.interruptions, run.alone, \
         run.claimed_by, run.deployment, run.since, run.due_at, run.not_counted, run.idle_since, run.last_error, \
         run.reruns, run.faults, run.dead_letter, run.retry_since, run.fresh_since, run.deployed_since, \
         run.waiting_for"
    };
}
pub(super) use run_columns;

/// How many those are: the index of the first column that a query adds.
pub(super) const RUN_COLUMNS: usize = 28;

/// A run's row.
#[derive(Debug, Clone)]
pub(super) struct RunRow {
    pub run: RunId,
    pub conversation: ConversationId,
    pub project: ProjectName,
    pub environment: Environment,
    pub accepted_at: Timestamp,
    pub changed_at: Timestamp,
    pub state: RunState,
}

impl RunRow {
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            run: RunId::from_bytes(row.get(0)?),
            conversation: ConversationId::from_bytes(row.get(1)?),
            project: parsed(row, 2)?,
            environment: parsed(row, 3)?,
            accepted_at: time(row, 4)?,
            changed_at: time(row, 5)?,
            state: RunState {
                status: word(row, 6, &Status::ALL, Status::as_str)?.ok_or_else(|| unknown(6, "nothing"))?,
                end: word(row, 7, &End::ALL, End::as_str)?,
                hold: word(row, 8, &[Hold::NoActiveDeployment], Hold::as_str)?,
                epoch: Epoch(row.get::<_, i64>(9)?.unsigned_abs()),
                attempt: AttemptNumber(row.get(10)?),
                failures: row.get(11)?,
                interruptions: row.get(12)?,
                alone: row.get(13)?,
                claimed_by: row.get::<_, Option<_>>(14)?.map(Incarnation::from_bytes),
                deployment: row.get::<_, Option<_>>(15)?.map(DeploymentId::from_bytes),
                since: time(row, 16)?,
                due_at: time(row, 17)?,
                not_counted: SignedDuration::from_micros(row.get(18)?),
                idle_since: optional_time(row, 19)?,
                last_error: optional_parsed(row, 20)?,
                reruns: row.get(21)?,
                faults: row.get(22)?,
                dead_letter: optional_parsed(row, 23)?,
                retry_since: AttemptNumber(row.get(24)?),
                fresh_since: AttemptNumber(row.get(25)?),
                deployed_since: AttemptNumber(row.get(26)?),
                waiting_for: row.get(27)?,
            },
        })
    }

    /// The run of this number.
    pub fn find(connection: &Connection, run: RunId) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(concat!("SELECT ", run_columns!(), " FROM run WHERE run_id = ?1"))?
            .query_row([run.as_bytes()], Self::read)
            .optional()
    }

    /// The run that a conversation's end made.
    pub fn of_conversation(
        connection: &Connection,
        conversation: ConversationId,
    ) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(concat!(
                "SELECT ",
                run_columns!(),
                " FROM run WHERE conversation_id = ?1 AND \"trigger\" = 'end'"
            ))?
            .query_row([conversation.as_bytes()], Self::read)
            .optional()
    }

    /// A new run.
    pub fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let state = &self.state;
        connection
            .prepare_cached(
                "INSERT INTO run (run_id, conversation_id, \"trigger\", project, environment, accepted_at, changed_at, \
                 status, hold, epoch, attempt, failures, interruptions, alone, since, due_at, not_counted) \
                 VALUES (?1, ?2, 'end', ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, 0, 0, ?9, ?10, 0)",
            )?
            .execute(rusqlite::params![
                self.run.as_bytes(),
                self.conversation.as_bytes(),
                self.project.as_str(),
                self.environment.as_str(),
                micros(self.accepted_at),
                micros(self.changed_at),
                state.status.as_str(),
                state.hold.map(Hold::as_str),
                micros(state.since),
                micros(state.due_at),
            ])?;
        Ok(())
    }

    /// Takes a state that the rules gave, and keeps it. It is in the row as it would be read back.
    pub fn update(
        &mut self,
        connection: &Connection,
        state: RunState,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        self.state = RunState {
            since: stored(state.since),
            due_at: stored(state.due_at),
            not_counted: SignedDuration::from_micros(whole_micros(state.not_counted)),
            idle_since: state.idle_since.map(stored),
            ..state
        };
        self.changed_at = now;
        let state = &self.state;
        connection
            .prepare_cached(
                "UPDATE run SET changed_at = :changed_at, status = :status, \"end\" = :end, hold = :hold, \
                 epoch = :epoch, attempt = :attempt, failures = :failures, interruptions = :interruptions, \
                 alone = :alone, claimed_by = :claimed_by, deployment = :deployment, since = :since, due_at = :due_at, \
                 not_counted = :not_counted, idle_since = :idle_since, last_error = :last_error, reruns = :reruns, \
                 faults = :faults, dead_letter = :dead_letter, retry_since = :retry_since, \
                 fresh_since = :fresh_since, deployed_since = :deployed_since, waiting_for = :waiting_for \
                 WHERE run_id = :run",
            )?
            .execute(named_params! {
                ":run": self.run.as_bytes(),
                ":changed_at": micros(now),
                ":status": state.status.as_str(),
                ":end": state.end.map(End::as_str),
                ":hold": state.hold.map(Hold::as_str),
                ":epoch": integer(state.epoch.0),
                ":attempt": state.attempt.0,
                ":failures": state.failures,
                ":interruptions": state.interruptions,
                ":alone": state.alone,
                ":claimed_by": state.claimed_by.as_ref().map(Incarnation::as_bytes),
                ":deployment": state.deployment.as_ref().map(DeploymentId::as_bytes),
                ":since": micros(state.since),
                ":due_at": micros(state.due_at),
                ":not_counted": whole_micros(state.not_counted),
                ":idle_since": state.idle_since.map(micros),
                ":last_error": state.last_error.map(domain::Code::as_str),
                ":reruns": state.reruns,
                ":faults": state.faults,
                ":dead_letter": state.dead_letter.map(domain::Code::as_str),
                ":retry_since": state.retry_since.0,
                ":fresh_since": state.fresh_since.0,
                ":deployed_since": state.deployed_since.0,
                ":waiting_for": state.waiting_for,
            })?;
        Ok(())
    }
}

fn whole_micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A time that is always there.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    from_micros(column, row.get(column)?)
}

/// A time that may not be there.
pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|at| from_micros(column, at))
        .transpose()
}

fn from_micros(column: usize, at: i64) -> rusqlite::Result<Timestamp> {
    of_micros(at).ok_or_else(|| unknown(column, &at.to_string()))
}

/// By way of nanoseconds, since `from_microsecond` refuses the last second that there is, which parked runs wait for.
fn of_micros(at: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(at) * 1_000).ok()
}

/// A text that a domain type reads.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| unknown(column, &text))
}

/// The same, where there may be none.
pub(super) fn optional_parsed<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| unknown(column, &text)))
        .transpose()
}

fn word<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let find = |text: String| {
        let found = all.iter().copied().find(|value| as_str(*value) == text);
        found.ok_or_else(|| unknown(column, &text))
    };
    text.map(find).transpose()
}

/// A value that no version of ours wrote there.
pub(super) fn unknown(column: usize, value: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Text,
        format!("{value:?} is not known here").into(),
    )
}
