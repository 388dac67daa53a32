//! Listings of runs by filter. A query is made of the filters that are given; every value is bound, none is spliced in.

use std::fmt::Write as _;

use domain::Timestamp;
use jiff::SignedDuration;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::columns::{RUN_COLUMNS, RunRow, micros, run_columns};
use super::read;
use super::readers::Reader;
use super::seal::Sealer;
use crate::{Page, RunFilter, RunSummary, StoreError};

/// Runs of one page where the caller does not say.
const PAGE: u32 = 100;
/// Most runs of one page.
const PAGE_MAX: u32 = 1_000;
/// How long before a run was accepted its id may have been made, and how far a clock may have been set back since.
const MADE_BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// One page.
pub(super) fn runs(reader: &mut Reader, filter: &RunFilter) -> Result<Page<RunSummary>, StoreError> {
    let limit = match filter.limit {
        0 => PAGE,
        limit => limit.min(PAGE_MAX),
    };
    let (sql, values) = query(&reader.sealer, filter, limit + 1);
    let mut rows = reader.at_one_moment(|connection| rows(connection, &sql, values))?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|(row, _)| row.run);
    let items = rows
        .into_iter()
        .map(|(row, external_id)| read::summary(reader.key(row.conversation)?.as_ref(), row, &external_id));
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next,
    })
}

fn rows(connection: &Connection, sql: &str, values: Vec<Value>) -> rusqlite::Result<Vec<(RunRow, Vec<u8>)>> {
    connection
        .prepare_cached(sql)?
        .query_map(params_from_iter(values), |row| {
            Ok((RunRow::read(row)?, row.get(RUN_COLUMNS)?))
        })?
        .collect()
}

/// Conditions with their values, in order.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// `condition` has a `?` for the value.
    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql
            .push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    fn among(&mut self, column: &str, values: impl ExactSizeIterator<Item = String>) {
        if values.len() == 0 {
            return;
        }
        let marks = vec!["?"; values.len()].join(", ");
        self.sql
            .push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        // Writing to a string cannot fail.
        let _ = write!(self.sql, "{column} IN ({marks})");
        self.values.extend(values.map(Value::Text));
    }
}

fn query(sealer: &Sealer, filter: &RunFilter, limit: u32) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    if let Some(external_id) = &filter.external_id {
        let hash = sealer.external_id_hash(external_id).to_vec();
        conditions.and("conversation.external_id_hash = ?", hash);
    }
    if let Some(number) = &filter.number {
        let with_number =
            "run.conversation_id IN (SELECT conversation_id FROM conversation_number WHERE number_hash = ?)";
        conditions.and(with_number, sealer.number_hash(number).to_vec());
    }
    if let Some(project) = &filter.project {
        conditions.and("run.project = ?", project.as_str().to_owned());
    }
    let environments = filter
        .environments
        .iter()
        .map(|environment| environment.as_str().to_owned());
    conditions.among("run.environment", environments);
    conditions.among("run.word", filter.words.iter().cloned());
    if let Some(deployment) = filter.deployment {
        conditions.and("run.deployment = ?", deployment.as_bytes().to_vec());
    }
    if let Some(since) = filter.since {
        conditions.and("run.accepted_at >= ?", micros(since));
        // Ids sort by the time of their making, which lets the search stop where it would else go on to the first run.
        conditions.and(
            "run.run_id >= ?",
            first_id(since.saturating_sub(MADE_BEFORE).unwrap_or(since)).to_vec(),
        );
    }
    if let Some(after) = filter.after {
        conditions.and("run.run_id < ?", after.as_bytes().to_vec());
    }
    let Conditions { sql, mut values } = conditions;
    values.push(i64::from(limit).into());
    let columns = run_columns!();
    let sql = format!(
        "SELECT {columns}, conversation.external_id FROM run JOIN conversation USING (conversation_id){sql} \
         ORDER BY run.run_id DESC LIMIT ?"
    );
    (sql, values)
}

/// The lowest id (UUID version 7) that can have been made then.
fn first_id(then: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(then.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10])
        .into_uuid()
        .into_bytes()
}
