//! What is started, and what came of it: the same on every system.

use std::ffi::OsString;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;

use crate::policy::ZygotePolicy;

/// A program to start. Nothing but what stands here reaches it: no environment, no other descriptor.
#[derive(Debug)]
pub struct Spawn {
    /// The program's file; no search path is looked at.
    pub program: PathBuf,
    /// Its arguments after the zeroth, which is the program's path.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// How it is confined; `None` leaves out limits and confinement.
    pub policy: Option<ZygotePolicy>,
    /// Its descriptors, each with the number that it gets there (below [`Spawn::DESCRIPTORS`]). 0, 1 and 2 are
    /// `/dev/null` unless they are given.
    pub fds: Vec<(OwnedFd, RawFd)>,
}

impl Spawn {
    /// Descriptor numbers that a program can be given are below this.
    pub const DESCRIPTORS: RawFd = 64;
}

/// A program that was started. It ends when the thread that started it ends.
#[derive(Debug)]
pub struct Spawned {
    /// Its process id; the caller reaps it ([`crate::reap()`]).
    pub pid: i32,
    /// A descriptor that means this process and no later one of the same id; `None` where the kernel has none.
    pub pidfd: Option<OwnedFd>,
    /// The Landlock ABI that its layer was made for; `None` without such a layer.
    pub landlock_abi: Option<u32>,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
#[error("could not start {}: {step}: {source}", program.display())]
pub struct SpawnError {
    /// The program.
    pub program: PathBuf,
    /// What was being done.
    pub step: String,
    /// What the system said.
    pub source: io::Error,
}

impl From<SpawnError> for io::Error {
    fn from(error: SpawnError) -> Self {
        io::Error::new(error.source.kind(), error)
    }
}

/// A process whose parent has ended is given another.
pub(crate) fn expect_parent(expected: i32, now: i32) -> io::Result<()> {
    if now == expected {
        return Ok(());
    }
    let message = format!("the parent process {expected} has ended");
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}

/// What this machine has to confine with, found by trying.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Support {
    /// Landlock's ABI; `None` where the kernel has none or has it switched off.
    pub landlock_abi: Option<u32>,
    /// seccomp filters, and a program of ours for this architecture.
    pub seccomp: bool,
    /// Process descriptors (`pidfd_open`).
    pub pidfd: bool,
    /// `close_range` with its close-on-exec flag.
    pub close_range: bool,
    /// User namespaces for this user.
    pub user_namespaces: bool,
    /// Whether this process may do everything (effective user 0).
    pub root: bool,
}
