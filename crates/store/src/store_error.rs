//! How remembering can fail.

use domain::run::StepError;
use domain::{Code, ConversationId, RunId};

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
    /// The run has gone on since it was read: read it again, then decide.
    #[error("run {0} has gone on since it was read")]
    Outdated(RunId),
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
    /// The folder's two databases are not both those of one store.
    #[error("{folder}: {torn}")]
    Torn {
        /// The folder.
        folder: String,
        /// How not.
        torn: Torn,
    },
    /// The conversation's key is gone, and with it all that it said: nobody can read it again.
    #[error("conversation {0} was erased: its key is gone")]
    Erased(ConversationId),
    /// A key does not fit, or a payload was tampered with.
    #[error("{0}")]
    Sealed(String),
    /// What is kept contradicts itself, or the rules of its tables: the same again fails again.
    #[error("{0}")]
    Damaged(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What is not right about a folder's two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// Opening it with new keys would make every conversation unreadable in silence.
    #[error(
        "keys.db is missing or empty, but aftercall.db is not: no conversation in it can be read without its keys"
    )]
    NoKeys,
    /// Opening it would begin an empty store.
    #[error("aftercall.db is missing or empty, but keys.db is that of a store which was in use")]
    NoMain,
    /// One of them was put there from another folder, or from before the other was made.
    #[error("keys.db is not that of this aftercall.db")]
    OfAnother,
}

impl Torn {
    /// What to do about it.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::NoKeys => {
                "put keys.db back from its backup; without one nobody can read these conversations again: then move the folder away and begin with an empty one"
            }
            Self::NoMain => {
                "put aftercall.db back from its backup; to begin anew, move the folder away and begin with an empty one"
            }
            Self::OfAnother => "put back the two that belong together, from one backup",
        }
    }
}

impl StoreError {
    /// Whether the same call may be carried out later with nothing mended: once a lock is given up, a disk has room, a process has
    /// started anew.
    #[must_use]
    pub const fn can_pass(&self) -> bool {
        matches!(self, Self::ReadOnly | Self::Unknown(_) | Self::Failed(_))
    }

    /// The code that people meet.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::ReadOnly => Code::StoreReadOnly,
            Self::Unknown(_) | Self::Damaged(_) | Self::Failed(_) => Code::StoreFailed,
            Self::Refused { .. } | Self::Outdated(_) => Code::NotAllowedNow,
            Self::NoSuchRun(_) => Code::NotFound,
            Self::InUse { .. } => Code::DataFolderInUse,
            Self::TooNew { .. } => Code::StoreTooNew,
            Self::Torn { .. } => Code::StoreTorn,
            Self::Erased(_) => Code::ConversationErased,
            Self::Sealed(_) => Code::WrongMasterKey,
        }
    }
}
