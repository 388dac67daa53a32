//! How connections are opened: every pragma that the promises rest on stands here.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::failed;
use crate::StoreError;

/// The oldest SQLite that does not corrupt a write-ahead log when it is reset (sqlite.org, release 3.51.3).
const SQLITE_MIN: i32 = 3_051_003;
/// For a process outside (a backup, a shell) that holds the file for a moment. Within the process nothing waits for a lock.
const BUSY: Duration = Duration::from_secs(5);
/// How long emptying the log waits for readers: the writer pauses meanwhile.
const EMPTYING: Duration = Duration::from_millis(20);
/// Of the writer's pages, KiB: what a batch touches and the upper parts of every index. Not more, since SQLite goes
/// through all of it at the end of a transaction that rearranged a tree.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Statements kept prepared by each connection.
const STATEMENTS: usize = 128;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes.
    Write,
    /// Reading.
    Read,
    /// Moving what is in the log to the database.
    Checkpoint,
}

/// Opens a database of the folder.
pub(super) fn open(path: &Path, usage: Use, vfs: Option<&str>) -> Result<Connection, StoreError> {
    assert!(
        rusqlite::version_number() >= SQLITE_MIN,
        "SQLite {} can corrupt the write-ahead log; this program needs 3.51.3",
        rusqlite::version()
    );
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    };
    opened
        .and_then(|connection| {
            configure(&connection, usage)?;
            Ok(connection)
        })
        .map_err(|error| failed(&format!("{} cannot be opened", path.display()), &error))
}

fn configure(connection: &Connection, usage: Use) -> rusqlite::Result<()> {
    connection.busy_timeout(if usage == Use::Checkpoint { EMPTYING } else { BUSY })?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Every checkpoint is the checkpointer's, in its own time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A statement keeps its plan. Else one whose values might matter to a partial index is planned again for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Persistent: it is the writer who makes a file what it is.
    if usage == Use::Write {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "query_only", usage == Use::Read)
}
