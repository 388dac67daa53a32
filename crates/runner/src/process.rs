//! How an attempt gets its process: the one seam behind which ways of having a fresh process are interchangeable.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::{Code, ForkWay, ResourceUse};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use crate::tmp::TmpFolder;

/// How a child is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It ended: a wait status.
    Ended {
        /// As `wait4` gives it.
        status: i32,
        /// What it used.
        usage: ResourceUse,
    },
    /// It never was.
    NotForked {
        /// What the system said.
        error: String,
    },
    /// What it was forked from is gone, and it with it.
    ZygoteGone,
    /// We ended what it was forked from, for no fault of its own.
    ZygoteEnded,
}

/// A fresh process that waits for its `start` frame.
pub struct Child {
    /// Frames both ways.
    pub channel: UnixStream,
    /// What its native code prints.
    pub output: pipe::Receiver,
    /// To end it.
    pub killer: Killer,
    /// How it is over.
    pub exited: oneshot::Receiver<Exit>,
    /// Removed once the child is over and this is dropped.
    pub tmp: TmpFolder,
}

/// Ends one process, whether it has begun or is about to.
#[derive(Clone, Default)]
pub struct Killer(Arc<Mutex<Target>>);

#[derive(Default)]
struct Target {
    pidfd: Option<OwnedFd>,
    wanted: bool,
    begun: bool,
}

impl Killer {
    /// Sends SIGKILL; to a child whose fork is under way, as soon as it is there.
    pub fn kill(&self) {
        let mut target = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        target.wanted = true;
        target.send(Signal::KILL);
    }

    /// Kills when the answer is dropped, unless it is said to be over before.
    pub fn unless_over(&self) -> KilledUnlessOver {
        KilledUnlessOver {
            killer: self.clone(),
            over: false,
        }
    }

    /// Asks a child that is to be killed to write down first where it is.
    pub fn ask_for_stack(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(Signal::QUIT);
    }

    /// The process is there. Without a descriptor, where the kernel has none, it cannot be signalled.
    pub fn arm(&self, pidfd: Option<OwnedFd>) {
        let mut target = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        target.begun = true;
        target.pidfd = pidfd;
        if target.wanted {
            target.send(Signal::KILL);
        }
    }

    /// Whether the process has been there.
    pub fn has_begun(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).begun
    }
}

/// Held by whoever listens to a process: should that break off, nobody else would end it.
pub struct KilledUnlessOver {
    killer: Killer,
    over: bool,
}

impl KilledUnlessOver {
    /// It goes by itself, or somebody else has it from here on.
    pub fn over(mut self) {
        self.over = true;
    }
}

impl Drop for KilledUnlessOver {
    fn drop(&mut self) {
        if !self.over {
            self.killer.kill();
        }
    }
}

impl Target {
    fn send(&self, signal: Signal) {
        let Some(pidfd) = &self.pidfd else { return };
        match pidfd_send_signal(pidfd, signal) {
            // It ended on its own a moment ago.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::error!(%error, ?signal, "a process cannot be signalled"),
        }
    }
}

/// Why no process could be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SpawnError {
    /// What people meet.
    pub code: Code,
    /// In a sentence.
    pub message: String,
}

impl SpawnError {
    pub(crate) fn could_not_start(error: &io::Error) -> Self {
        Self {
            code: Code::CouldNotStart,
            message: format!("no process for the attempt: {error}"),
        }
    }
}

/// Something that gives attempts of one deployment their processes.
#[async_trait]
pub trait ProcessSource: Send + Sync {
    /// A fresh process. What is wrong with a fork that was asked for comes through [`Child::exited`].
    async fn child(&self) -> Result<Child, SpawnError>;

    /// Which way its processes are made.
    fn way(&self) -> ForkWay;

    /// What confinement holds, as its canary found.
    fn confinement(&self) -> &str;

    /// Whether it can give no more.
    fn is_gone(&self) -> bool;
}
