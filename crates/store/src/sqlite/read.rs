//! Reading: runs with all that belongs to them, conversations, documents.

use crypto::DataKey;
use domain::{
    Action, AttemptEnd, AttemptNumber, Code, ConversationId, DeploymentId, Environment, Epoch, Incarnation,
    LogEntry, Metric, ProjectName, ResourceUse, RunId, Timestamp,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{
    RUN_COLUMNS, RunRow, optional_parsed, optional_time, parsed, run_columns, time, unknown,
};
use super::failure::unread;
use super::place::Place;
use super::readers::Reader;
use super::seal::{self, FIRST_REVISION, Words};
use crate::{AttemptRow, Orphan, RunDetail, RunSummary, StoreError};

/// What stands for an external id whose key was deleted.
const ERASED: &str = "[erased]";

/// Running runs: not of which boot, at most how many. Left to itself SQLite would rather go through all runs in order
/// than sort the few that are running.
pub(super) const ORPHANS: &str = "SELECT run_id, epoch FROM run INDEXED BY run_running \
     WHERE status = 'running' AND claimed_by <> ?1 ORDER BY run_id LIMIT ?2";

/// An attempt as it is kept.
struct KeptAttempt {
    row: AttemptRow,
    logs: Option<Vec<u8>>,
    failure: Option<Vec<u8>>,
}

/// A run as it is kept.
struct KeptRun {
    row: RunRow,
    external_id: Vec<u8>,
    document: Vec<u8>,
    attempts: Vec<KeptAttempt>,
    metrics: Vec<(u32, String, Value, Option<Vec<u8>>)>,
    /// Of every attempt that returned.
    actions: Vec<(AttemptNumber, u32, Vec<u8>)>,
    state: Option<Vec<u8>>,
}

/// Everything about a run.
pub(super) fn run(reader: &mut Reader, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let Some(kept) = reader.at_one_moment(|connection| kept_run(connection, id))? else {
        return Ok(None);
    };
    let conversation = kept.row.conversation;
    let Some(key) = reader.key(conversation)? else {
        return erased(kept).map(Some);
    };
    let document = seal::open(
        &key,
        &Place::document(conversation, FIRST_REVISION),
        &kept.document,
    )?;
    let attempts = kept.attempts.into_iter().map(|attempt| attempt.open(&key, id));
    let metrics = kept.metrics.into_iter().map(|(seq, name, number, value)| {
        let value = match value {
            Some(value) => seal::open_json(&key, &Place::metric(id, seq), &value)?,
            None => clear_number(number)?,
        };
        Ok(Metric { name, value })
    });
    let actions = kept.actions.into_iter();
    let actions = actions.map(|(attempt, seq, content)| {
        seal::open_json::<Action>(&key, &Place::action(id, attempt, seq), &content)
    });
    Ok(Some(RunDetail {
        document: Some(document),
        attempts: attempts.collect::<Result<_, StoreError>>()?,
        metrics: metrics.collect::<Result<_, StoreError>>()?,
        actions: actions.collect::<Result<_, StoreError>>()?,
        state_after: state_after(&key, id, kept.state.as_deref())?,
        summary: summary(Some(&key), kept.row, &kept.external_id)?,
    }))
}

/// All that is in clear about a run whose conversation was erased.
fn erased(kept: KeptRun) -> Result<RunDetail, StoreError> {
    let metrics = kept.metrics.into_iter();
    let clear = metrics
        .filter(|(.., value)| value.is_none())
        .map(|(_, name, number, _)| {
            let value = clear_number(number)?;
            Ok(Metric { name, value })
        });
    Ok(RunDetail {
        document: None,
        attempts: kept.attempts.into_iter().map(|attempt| attempt.row).collect(),
        metrics: clear.collect::<Result<_, StoreError>>()?,
        actions: Vec::new(),
        state_after: None,
        summary: summary(None, kept.row, &kept.external_id)?,
    })
}

/// A run's row for a listing. Without a key its conversation was erased, and what it was called with it.
pub(super) fn summary(
    key: Option<&DataKey>,
    row: RunRow,
    external_id: &[u8],
) -> Result<RunSummary, StoreError> {
    let external_id = match key {
        Some(key) => seal::open_text(key, &Place::external_id(row.conversation), external_id)?,
        None => ERASED.to_owned(),
    };
    Ok(RunSummary {
        run: row.run,
        conversation: row.conversation,
        external_id,
        project: row.project,
        environment: row.environment,
        accepted_at: row.accepted_at,
        changed_at: row.changed_at,
        state: row.state,
    })
}

pub(super) fn state_after(
    key: &DataKey,
    run: RunId,
    sealed: Option<&[u8]>,
) -> Result<Option<serde_json::Value>, StoreError> {
    sealed
        .map(|sealed| seal::open_json(key, &Place::state(run), sealed))
        .transpose()
}

fn clear_number(number: Value) -> Result<serde_json::Value, StoreError> {
    let number = match number {
        Value::Integer(integer) => seal::ClearNumber::Integer(integer).to_json(),
        Value::Real(real) => seal::ClearNumber::Real(real).to_json(),
        _ => None,
    };
    number.ok_or_else(|| StoreError::Failed("a metric has no value".into()))
}

fn kept_run(connection: &Connection, id: RunId) -> rusqlite::Result<Option<KeptRun>> {
    let run = connection
        .prepare_cached(concat!(
            "SELECT ",
            run_columns!(),
            ", conversation.external_id, revision.document, result.state \
             FROM run JOIN conversation USING (conversation_id) \
             JOIN revision ON revision.conversation_id = run.conversation_id AND revision.number = ?2 \
             LEFT JOIN result USING (run_id) WHERE run.run_id = ?1"
        ))?
        .query_row(params![id.as_bytes(), FIRST_REVISION], |row| {
            let column = |index| RUN_COLUMNS + index;
            Ok((
                RunRow::read(row)?,
                row.get(column(0))?,
                row.get(column(1))?,
                row.get(column(2))?,
            ))
        })
        .optional()?;
    let Some((row, external_id, document, state)) = run else {
        return Ok(None);
    };
    Ok(Some(KeptRun {
        row,
        external_id,
        document,
        attempts: attempts(connection, id)?,
        metrics: connection
            .prepare_cached("SELECT seq, name, number, value FROM metric WHERE run_id = ?1 ORDER BY seq")?
            .query_map([id.as_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?,
        actions: actions(connection, id)?,
        state,
    }))
}

fn actions(connection: &Connection, id: RunId) -> rusqlite::Result<Vec<(AttemptNumber, u32, Vec<u8>)>> {
    connection
        .prepare_cached(
            "SELECT attempt_number, seq, content FROM action WHERE run_id = ?1 ORDER BY attempt_number, seq",
        )?
        .query_map([id.as_bytes()], |row| {
            Ok((AttemptNumber(row.get(0)?), row.get(1)?, row.get(2)?))
        })?
        .collect()
}

fn attempts(connection: &Connection, id: RunId) -> rusqlite::Result<Vec<KeptAttempt>> {
    connection
        .prepare_cached(
            "SELECT number, epoch, deployment, incarnation, claimed_at, function_started_at, ended_at, outcome, \
             unsettled_failures, code, signal, exit_status, user_us, system_us, max_rss_kib, minor_faults, confinement, \
             logs, failure FROM attempt LEFT JOIN attempt_record USING (run_id, number) \
             WHERE run_id = ?1 ORDER BY number",
        )?
        .query_map([id.as_bytes()], KeptAttempt::read)?
        .collect()
}

impl KeptAttempt {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Self {
            row: AttemptRow {
                number: AttemptNumber(row.get(0)?),
                epoch: Epoch(number(1)?),
                deployment: DeploymentId::from_bytes(row.get(2)?),
                incarnation: Incarnation::from_bytes(row.get(3)?),
                claimed_at: time(row, 4)?,
                function_started_at: optional_time(row, 5)?,
                ended_at: optional_time(row, 6)?,
                end: end(row)?,
                usage: ResourceUse {
                    user_us: number(12)?,
                    system_us: number(13)?,
                    max_rss_kib: number(14)?,
                    minor_faults: number(15)?,
                },
                logs: Vec::new(),
                confinement: row.get(16)?,
            },
            logs: row.get(17)?,
            failure: row.get(18)?,
        })
    }

    fn open(mut self, key: &DataKey, run: RunId) -> Result<AttemptRow, StoreError> {
        let number = self.row.number;
        if let Some(logs) = self.logs {
            self.row.logs = seal::open_json::<Vec<LogEntry>>(key, &Place::logs(run, number), &logs)?;
        }
        if let (Some(sealed), Some(AttemptEnd::Failed { message, error, .. })) =
            (self.failure, &mut self.row.end)
        {
            let words: Words = seal::open_json(key, &Place::failure(run, number), &sealed)?;
            (*message, *error) = (words.message, words.error);
        }
        Ok(self.row)
    }
}

fn end(row: &Row<'_>) -> rusqlite::Result<Option<AttemptEnd>> {
    let Some(outcome) = row.get::<_, Option<String>>(7)? else {
        return Ok(None);
    };
    Ok(Some(match outcome.as_str() {
        "returned" => AttemptEnd::Returned {
            unsettled_failures: row.get(8)?,
        },
        "failed" => AttemptEnd::Failed {
            code: optional_parsed::<Code>(row, 9)?.ok_or_else(|| unknown(9, "nothing"))?,
            signal: row.get(10)?,
            exit_status: row.get(11)?,
            message: String::new(),
            error: None,
        },
        "interrupted" => AttemptEnd::Interrupted,
        "cancelled" => AttemptEnd::Cancelled,
        "waiting" => AttemptEnd::Waiting,
        "parked" => AttemptEnd::Parked,
        other => return Err(unknown(7, other)),
    }))
}

/// A conversation's document, as it came first.
pub(super) fn document(reader: &Reader, conversation: ConversationId) -> Result<Vec<u8>, StoreError> {
    revision(reader, conversation, FIRST_REVISION)?
        .ok_or_else(|| unread(rusqlite::Error::QueryReturnedNoRows))
}

/// A conversation's document in a revision; `None` if there is none of this number.
pub(super) fn revision(
    reader: &Reader,
    conversation: ConversationId,
    number: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed: Option<Vec<u8>> = reader
        .main
        .prepare_cached("SELECT document FROM revision WHERE conversation_id = ?1 AND number = ?2")
        .and_then(|mut statement| {
            let row = statement.query_row(params![conversation.as_bytes(), number], |row| row.get(0));
            row.optional()
        })
        .map_err(unread)?;
    let Some(sealed) = sealed else { return Ok(None) };
    let key = reader.expect_key(conversation)?;
    seal::open(&key, &Place::document(conversation, number), &sealed).map(Some)
}

/// The conversation that a run is of.
pub(super) fn conversation_of(reader: &Reader, run: RunId) -> Result<ConversationId, StoreError> {
    reader
        .main
        .prepare_cached("SELECT conversation_id FROM run WHERE run_id = ?1")
        .and_then(|mut statement| statement.query_row([run.as_bytes()], |row| row.get(0)).optional())
        .map_err(unread)?
        .map(ConversationId::from_bytes)
        .ok_or(StoreError::NoSuchRun(run))
}

/// The project and environment of a run.
pub(super) fn whose(connection: &Connection, run: RunId) -> Result<(ProjectName, Environment), StoreError> {
    connection
        .prepare_cached("SELECT project, environment FROM run WHERE run_id = ?1")
        .and_then(|mut statement| {
            statement.query_row([run.as_bytes()], |row| Ok((parsed(row, 0)?, parsed(row, 1)?)))
        })
        .map_err(unread)
}

/// Runs that another boot still holds.
pub(super) fn orphans(
    connection: &Connection,
    incarnation: Incarnation,
    limit: u32,
) -> Result<Vec<Orphan>, StoreError> {
    connection
        .prepare_cached(ORPHANS)
        .and_then(|mut statement| {
            let orphan = |row: &Row<'_>| {
                Ok(Orphan {
                    run: RunId::from_bytes(row.get(0)?),
                    epoch: Epoch(row.get::<_, i64>(1)?.unsigned_abs()),
                })
            };
            statement
                .query_map(params![incarnation.as_bytes(), limit], orphan)?
                .collect()
        })
        .map_err(unread)
}

/// When the next run comes due.
pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached(&next_due_sql())
        .and_then(|mut statement| statement.query_row([], |row| optional_time(row, 0)))
        .map_err(unread)
}

/// Two looks at the index, one for either value of its first column.
pub(super) fn next_due_sql() -> String {
    let first = |alone| {
        format!(
            "SELECT * FROM (SELECT due_at FROM run WHERE status IN ('queued', 'backoff', 'waiting') AND hold IS NULL \
             AND alone = {alone} ORDER BY due_at LIMIT 1)"
        )
    };
    format!("SELECT min(due_at) FROM ({} UNION ALL {})", first(0), first(1))
}
