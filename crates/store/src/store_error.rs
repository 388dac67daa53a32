//! How remembering can fail.

use domain::run::StepError;
use domain::{Code, RunId};

/// A call that a store did not carry out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No space: nothing new is taken until there is; what runs can still complete.
    #[error("the disk of the data folder is full")]
    ReadOnly,
    /// The commit failed in a way that leaves open whether it happened. Ask by key before doing it again.
    #[error("the fate of a commit is unknown: {0}")]
    Unknown(String),
    /// The lifecycle does not allow it; nothing was changed.
    #[error("run {run}: {error}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why not.
        error: StepError,
    },
    /// There is no such run.
    #[error("there is no run {0}")]
    NoSuchRun(RunId),
    /// Another process has the data folder.
    #[error("another process (pid {pid}) uses the data folder {folder}")]
    InUse {
        /// The folder.
        folder: String,
        /// The process, 0 if it did not say.
        pid: u32,
    },
    /// The folder was written by a newer version.
    #[error("the data folder has schema {found}, this version knows up to {known}")]
    TooNew {
        /// In the folder.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// A key does not fit, or a payload was tampered with.
    #[error("{0}")]
    Sealed(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// The code that people meet.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::ReadOnly => Code::StoreReadOnly,
            Self::Unknown(_) | Self::Failed(_) => Code::StoreFailed,
            Self::Refused { .. } => Code::NotAllowedNow,
            Self::NoSuchRun(_) => Code::NotFound,
            Self::InUse { .. } => Code::DataFolderInUse,
            Self::TooNew { .. } => Code::StoreTooNew,
            Self::Sealed(_) => Code::WrongMasterKey,
        }
    }
}
