//! What an error of SQLite means for the requests of a batch.

use rusqlite::ffi::{self, ErrorCode};

use crate::StoreError;

/// Why a request, or a whole batch, came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// No space. Nothing of the batch is kept.
    Full,
    /// The disk or the file cannot be trusted any more: the process must end, so that the next one reads what is really there.
    Fatal(String),
    /// This request alone cannot be carried out.
    Request(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode as E;
        let rusqlite::Error::SqliteFailure(code, _) = &error else {
            return Self::Request(told("a statement failed", &error));
        };
        match code.code {
            E::DiskFull => Self::Full,
            // The log's index is extended by writing to it, and has no other way to say that this failed for want of space.
            E::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Self::Full,
            E::SystemIoFailure
            | E::DatabaseCorrupt
            | E::NotADatabase
            | E::CannotOpen
            | E::ReadOnly
            | E::FileLockingProtocolFailed
            | E::OutOfMemory => Self::Fatal(error.to_string()),
            _ => Self::Request(told("a statement failed", &error)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Request(error)
    }
}

/// An error in words, with SQLite's own.
pub(super) fn failed(what: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(format!("{what}: {error}"))
}

/// For queries outside the writer, where an error is the caller's alone.
pub(super) fn unread(error: rusqlite::Error) -> StoreError {
    told("reading failed", &error)
}

/// An error in words, parted by whether the same again can go better.
fn told(what: &str, error: &rusqlite::Error) -> StoreError {
    use ErrorCode as E;
    let passes = matches!(
        error.sqlite_error_code(),
        Some(
            E::DatabaseBusy
                | E::DatabaseLocked
                | E::OperationInterrupted
                | E::OperationAborted
                | E::SchemaChanged
                | E::FileLockingProtocolFailed
                | E::DiskFull
                | E::SystemIoFailure
                | E::CannotOpen
                | E::OutOfMemory
        )
    );
    match passes {
        true => failed(what, error),
        false => StoreError::Damaged(format!("{what}: {error}")),
    }
}
