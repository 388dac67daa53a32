//! The thread that moves what is in the logs to the databases, so that no commit has to.
//!
//! It works beside the writer, a few times a second. Under a load that never pauses it would never catch up, and the log
//! never begin anew: once the log is long, it makes the writer pause between two batches for the little that is left.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::failure::Failure;
use super::gate::Gate;
use super::writer::{Alarm, OnFatal, Shared};

/// Between two looks while there are commits.
const PACE: Duration = Duration::from_millis(50);
/// Fewer frames than this part of the longest log are left until there are more, or it is quiet: a page that many commits
/// changed is moved once. Larger parts move less, but what is then synced at once holds up the commits of that moment.
const WORTH_PART: u32 = 4;
/// The writer is made to pause for no more frames than these: 2 MiB.
const LAST_FRAMES: u32 = 512;
/// How often it is tried to get that near.
const PASSES: u32 = 8;
/// Where that does not help, since the disk is too slow, the writer is made to pause once the log is so many times too long.
const OVERSHOOT: u32 = 2;
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Without a commit for this long everything is moved.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Default)]
struct State {
    frames: u32,
    commits: u64,
    closed: bool,
}

/// What the writer tells the checkpointer.
#[derive(Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

impl Log {
    /// A commit was written; the log has so many frames now.
    pub fn committed(&self, frames: u32) {
        let mut state = self.state();
        state.frames = frames;
        state.commits += 1;
        // Only a checkpointer that sleeps until there is something need be woken; it paces itself afterwards.
        let first = state.commits == 1;
        drop(state);
        if first {
            self.changed.notify_all();
        }
    }

    /// The writer is gone: a last checkpoint, and then no more.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a commit, then for the pace. Answers frames and commits since the last call; `None`: closed.
    fn wait(&self, had_some: bool) -> Option<(u32, u64)> {
        let state = self.state();
        let state = if had_some {
            state
        } else {
            self.changed
                .wait_while(state, |state| state.commits == 0 && !state.closed)
                .unwrap_or_else(PoisonError::into_inner)
        };
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, PACE, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        Some((state.frames, std::mem::take(&mut state.commits)))
    }
}

/// A database as the checkpointer has it.
pub(super) struct Database {
    pub connection: Connection,
    /// To sync it by. It must not be closed before all of SQLite's are: closing it gives up their locks (POSIX).
    pub file: Arc<File>,
}

/// The checkpointer's own things.
pub(super) struct Checkpointer {
    pub main: Database,
    pub keys: Database,
    pub log: Arc<Log>,
    pub gate: Arc<Gate>,
    pub shared: Arc<Shared>,
    pub wal_frames: u32,
    pub on_fatal: OnFatal,
}

/// What a pass found, in frames.
struct Pass {
    log: u32,
    done: u32,
}

impl Pass {
    const NONE: Self = Self { log: 0, done: 0 };

    const fn left(&self) -> u32 {
        self.log.saturating_sub(self.done)
    }
}

impl Checkpointer {
    /// Works until the log is closed.
    pub fn run(self) {
        // Without it the log would grow until the disk is full.
        let _alarm = Alarm(|| (self.on_fatal)("the store's checkpointer panicked"));
        let outcome = self.work().and_then(|()| self.finish());
        if let Err(reason) = outcome {
            (self.on_fatal)(&format!("a checkpoint failed: {reason}"));
        }
    }

    fn work(&self) -> Result<(), String> {
        let (mut had_some, mut quiet) = (false, Duration::ZERO);
        while let Some((frames, commits)) = self.log.wait(had_some) {
            had_some = true;
            if commits > 0 {
                quiet = Duration::ZERO;
                if frames >= self.wal_frames / WORTH_PART {
                    self.advance()?;
                }
                continue;
            }
            quiet += PACE;
            if quiet >= QUIET {
                self.settle()?;
                (had_some, quiet) = (false, Duration::ZERO);
            }
        }
        Ok(())
    }

    /// Moves what can be moved beside the writer, and lets a log that has grown long begin anew.
    fn advance(&self) -> Result<(), String> {
        for database in [&self.keys, &self.main] {
            let mut pass = self.pass(database)?;
            if pass.log < self.wal_frames {
                continue;
            }
            // Each pass leaves what was written while it went on, which is less than it moved itself.
            for _ in 0..PASSES {
                if pass.left() <= LAST_FRAMES {
                    break;
                }
                pass = self.pass(database)?;
            }
            if pass.left() <= LAST_FRAMES || pass.log >= self.wal_frames.saturating_mul(OVERSHOOT) {
                let _holding = self.gate.hold();
                self.checkpoint(database, PASSIVE)?;
            }
        }
        Ok(())
    }

    /// Moves what it finds, and brings it to the disk. SQLite syncs a database only with the last frame of its log: all at
    /// once, just when the writer waits. Synced here, a pass at a time, there is little left to be synced then.
    fn pass(&self, database: &Database) -> Result<Pass, String> {
        let pass = self.checkpoint(database, PASSIVE)?;
        let synced = database.file.sync_data();
        synced.map_err(|error| format!("the database cannot be synced: {error}"))?;
        Ok(pass)
    }

    /// Moves everything, so that the next commit begins the log anew. The file keeps its length, since a commit that
    /// overwrites costs a fraction of one that makes it longer; only one that outgrew its limit is given back.
    fn settle(&self) -> Result<(), String> {
        for database in [&self.keys, &self.main] {
            if self.checkpoint(database, PASSIVE)?.log > self.wal_frames {
                self.empty(database)?;
            }
        }
        Ok(())
    }

    /// Moves everything and empties the files.
    fn finish(&self) -> Result<(), String> {
        self.empty(&self.keys)?;
        self.empty(&self.main)
    }

    fn empty(&self, database: &Database) -> Result<(), String> {
        self.checkpoint(database, PASSIVE)?;
        let _holding = self.gate.hold();
        self.checkpoint(database, "PRAGMA wal_checkpoint(TRUNCATE)")
            .map(drop)
    }

    fn checkpoint(&self, database: &Database, sql: &str) -> Result<Pass, String> {
        crate::fail_point!("store.checkpoint");
        match self.shared.may_grow() {
            Some(_growing) => checkpoint(&database.connection, sql),
            None => Ok(Pass::NONE),
        }
    }
}

/// A disk that is full, or a reader that is slow, only means that less was moved. After any other error what was moved
/// may not be on the disk, and the log must not be overwritten: the process has to end.
fn checkpoint(connection: &Connection, sql: &str) -> Result<Pass, String> {
    let frames = |row: &rusqlite::Row<'_>, column| {
        let frames: i64 = row.get(column)?;
        Ok::<_, rusqlite::Error>(u32::try_from(frames.max(0)).unwrap_or(u32::MAX))
    };
    let pass = |row: &rusqlite::Row<'_>| {
        Ok(Pass {
            log: frames(row, 1)?,
            done: frames(row, 2)?,
        })
    };
    let error = match connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([], pass))
    {
        Ok(pass) => return Ok(pass),
        Err(error) => error,
    };
    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) {
        tracing::debug!(%error, "a checkpoint found the database busy");
        return Ok(Pass::NONE);
    }
    match Failure::from(error) {
        Failure::Full => {
            tracing::warn!("no space on the disk to move the log to the database");
            Ok(Pass::NONE)
        }
        Failure::Fatal(reason) => Err(reason),
        Failure::Request(error) => Err(error.to_string()),
    }
}
