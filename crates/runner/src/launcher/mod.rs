//! The launcher: a small process between the supervisor and the zygotes, so that nothing which runs customers' code
//! is forked from a process that holds secrets, threads or an open database.

mod client;
mod process;

pub use client::{Launcher, Spawned};
pub use process::run;

use confinement::ZygotePolicy;
use domain::ResourceUse;
use serde::{Deserialize, Serialize};

/// What the supervisor asks of the launcher (docs/protocol.md, section 3).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Spawn(SpawnRequest),
}

/// A process to be started. The descriptors that go with it: its control socket, then its output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpawnRequest {
    /// The supervisor's number for it.
    pub id: u64,
    /// Absolute.
    pub program: String,
    /// Without the program's own name.
    pub args: Vec<String>,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// Absolute.
    pub cwd: String,
    /// What it may do.
    pub policy: ZygotePolicy,
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// It runs; its pidfd comes with the packet.
    Spawned { id: u64, pid: i32 },
    /// It could not be started.
    Refused {
        id: u64,
        error: String,
        /// The kernel lacks what is required of it.
        unsupported: bool,
    },
    /// It is over: its wait status, and what it used.
    Exited {
        id: u64,
        status: i32,
        usage: ResourceUse,
    },
}
