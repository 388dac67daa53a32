//! Zygotes as sources of processes.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Code, ForkWay};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::net::UnixStream;

use super::environment::{Environment, Project};
use super::start::{self, Imported, output_pipe};
use crate::process::{Child, ProcessSource, SpawnError};

/// A warm process that forks one child per attempt.
pub struct Zygote {
    environment: Arc<Environment>,
    imported: Imported,
    /// What confinement holds; empty until its canary has flown.
    pub confinement: String,
}

impl Zygote {
    /// Takes a started zygote over.
    #[must_use]
    pub fn new(environment: Arc<Environment>, imported: Imported) -> Self {
        Self {
            environment,
            imported,
            confinement: String::new(),
        }
    }

    /// What its start found.
    #[must_use]
    pub const fn imported(&self) -> &Imported {
        &self.imported
    }

    /// How many children it has.
    #[must_use]
    pub fn children(&self) -> usize {
        self.imported.control.children_alive()
    }
}

#[async_trait]
impl ProcessSource for Zygote {
    async fn child(&self) -> Result<Child, SpawnError> {
        fork(&self.environment, &self.imported).await
    }

    fn way(&self) -> ForkWay {
        self.imported.way
    }

    fn confinement(&self) -> &str {
        &self.confinement
    }

    fn is_gone(&self) -> bool {
        self.imported.control.is_gone()
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        if let Err(error) = pidfd_send_signal(&self.imported.process.pidfd, Signal::KILL) {
            tracing::debug!(pid = self.imported.process.pid, %error, "a zygote had ended before it was dropped");
        }
    }
}

async fn fork(environment: &Environment, imported: &Imported) -> Result<Child, SpawnError> {
    let failed = |error: std::io::Error| SpawnError::could_not_start(&error);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let channel = UnixStream::from_std(ours).map_err(failed)?;
    let (output, writer) = output_pipe().map_err(failed)?;
    let tmp = environment.tmp.folder();
    let (killer, exited) = imported
        .control
        .fork(tmp.name(), theirs.into(), writer)
        .await
        .map_err(failed)?;
    Ok(Child {
        channel,
        output,
        killer,
        exited,
        tmp,
    })
}

/// An interpreter of its own for each attempt: where forks hang.
pub struct Cold {
    /// Shared by all zygotes.
    pub environment: Arc<Environment>,
    /// What it is for.
    pub project: Project,
    /// As the canary found.
    pub confinement: String,
}

#[async_trait]
impl ProcessSource for Cold {
    async fn child(&self) -> Result<Child, SpawnError> {
        let started = start::start(&self.environment, &self.project, Some(ForkWay::Cold)).await;
        let imported = started.map_err(|error| SpawnError {
            code: if error.code.is_fault_of_surroundings() {
                error.code
            } else {
                Code::ImportFailedInChild
            },
            message: error.message,
        })?;
        let unfinished = imported.control.killed_unless_over();
        let mut child = fork(&self.environment, &imported).await?;
        unfinished.over();
        // The process is its own zygote: the launcher is its parent, and the one that learns how it ended.
        child.exited = imported.process.exited;
        Ok(child)
    }

    fn way(&self) -> ForkWay {
        ForkWay::Cold
    }

    fn confinement(&self) -> &str {
        &self.confinement
    }

    fn is_gone(&self) -> bool {
        false
    }
}
