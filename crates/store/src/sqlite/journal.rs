//! The journal of a run's effects: records are added, in order, and read again by the next attempt.

use crypto::DataKey;
use domain::effect::Record;
use domain::run::{Status, StepError};
use domain::{Epoch, RunId};
use rusqlite::{Connection, params};

use super::columns::{RunRow, integer, micros, time};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use super::place::Place;
use super::read;
use super::readers::Reader;
use super::seal::{self, Sealer};
use crate::StoreError;

/// Records of one run, ready to be written. `INTENDS`: something is about to leave.
pub(super) struct AddRecords<const INTENDS: bool> {
    pub run: RunId,
    pub epoch: Epoch,
    /// The number of the first; the others follow.
    pub first: u32,
    pub records: Vec<SealedRecord>,
}

/// One record, sealed.
#[derive(Clone)]
pub(super) struct SealedRecord {
    pub kind: &'static str,
    pub at: i64,
    pub blob: Vec<u8>,
}

impl<const INTENDS: bool> Write for AddRecords<INTENDS> {
    type Answer = ();
    const LANE: Lane = Lane::Completion;
    const FAIL_POINTS: Option<[&'static str; 2]> = Some(if INTENDS {
        ["store.intent.before_commit", "store.intent.after_commit"]
    } else {
        ["store.outcome.before_commit", "store.outcome.after_commit"]
    });

    fn rows(&self) -> usize {
        self.records.len()
    }

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        self.fence(batch.connection)?;
        add(batch.connection, self.run, self.epoch, self.first, &self.records)?;
        Ok(())
    }
}

impl<const INTENDS: bool> AddRecords<INTENDS> {
    /// Nothing is begun but by the attempt that is under way. What was begun under an epoch may be concluded also when that is over: it
    /// is a fact, and no attempt begins before it is known.
    fn fence(&self, connection: &Connection) -> Result<(), Failure> {
        let run = RunRow::find(connection, self.run)?.ok_or(StoreError::NoSuchRun(self.run))?;
        let current = run.state.epoch;
        let allowed = if INTENDS {
            current == self.epoch && run.state.status == Status::Running
        } else {
            self.epoch <= current
        };
        if allowed {
            return Ok(());
        }
        let error = StepError::Stale {
            claimed: self.epoch,
            current,
        };
        Err(StoreError::Refused { run: self.run, error }.into())
    }
}

/// Adds records behind those that are there.
pub(super) fn add(
    connection: &Connection,
    run: RunId,
    epoch: Epoch,
    first: u32,
    records: &[SealedRecord],
) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO effect (run_id, seq, epoch, kind, recorded_at, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (seq, record) in (first..).zip(records) {
        let epoch = integer(epoch.0);
        add.execute(params![
            run.as_bytes(),
            seq,
            epoch,
            record.kind,
            record.at,
            record.blob
        ])?;
    }
    Ok(())
}

/// How many there are.
pub(super) fn count(connection: &Connection, run: RunId) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM effect WHERE run_id = ?1")?
        .query_row([run.as_bytes()], |row| row.get(0))
}

/// Seals records; `None` if the conversation was erased.
pub(super) fn seal_records(
    reader: &Reader,
    run: RunId,
    first: u32,
    records: &[Record],
) -> Result<Option<Vec<SealedRecord>>, StoreError> {
    let key = reader.key(read::conversation_of(reader, run)?)?;
    key.map(|key| seal_under(&reader.sealer, &key, run, first, records))
        .transpose()
}

/// Seals records.
pub(super) fn seal_under(
    sealer: &Sealer,
    key: &DataKey,
    run: RunId,
    first: u32,
    records: &[Record],
) -> Result<Vec<SealedRecord>, StoreError> {
    let seal = |(seq, record): (u32, &Record)| {
        let blob = sealer.record(key, run, seq, record)?;
        Ok(SealedRecord {
            kind: record.head.kind(),
            at: micros(record.at),
            blob,
        })
    };
    (first..).zip(records).map(seal).collect()
}

/// Everything that was recorded of a run, in order.
pub(super) fn journal(reader: &mut Reader, run: RunId) -> Result<Vec<Record>, StoreError> {
    let rows = {
        let mut query = reader
            .main
            .prepare_cached("SELECT seq, recorded_at, record FROM effect WHERE run_id = ?1 ORDER BY seq")
            .map_err(unread)?;
        let rows = query.query_map([run.as_bytes()], |row| {
            Ok((row.get::<_, u32>(0)?, time(row, 1)?, row.get::<_, Vec<u8>>(2)?))
        });
        rows.and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unread)?
    };
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let key = reader.expect_key(read::conversation_of(reader, run)?)?;
    let open = |(seq, at, blob): (u32, domain::Timestamp, Vec<u8>)| {
        let bytes = seal::open(&key, &Place::record(run, seq), &blob)?;
        Record::from_bytes(at, bytes).map_err(|error| StoreError::Sealed(error.to_string()))
    };
    rows.into_iter().map(open).collect()
}
