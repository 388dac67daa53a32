//! What a zygote may do, as data: made by the supervisor, sent to the launcher as JSON.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much confinement is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All of it or nothing runs.
    Required,
    /// As much as this kernel has.
    BestEffort,
    /// None. Limits, a cleared environment and closed descriptors stay.
    Off,
}

/// Resource limits of a zygote and of each of its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time of one child. A zygote has none: it lives for as long as its deployment is in use.
    pub cpu: Duration,
    /// Address space, bytes. Counts reservations, not only what is used.
    pub address_space: u64,
    /// Size of one file, bytes.
    pub file_size: u64,
    /// Open descriptors of one child. A zygote may have more.
    pub open_files: u64,
}

/// What a zygote, and everything that it forks, may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZygotePolicy {
    /// How strictly the rest is meant.
    pub mode: Mode,
    /// What may be read: files, and folders with all that is below. Absolute; each must exist.
    pub read: Vec<PathBuf>,
    /// What may be read and executed: the interpreter and its loader. Absolute; each must exist.
    pub execute: Vec<PathBuf>,
    /// Where the children's temporary folders are made; all of it is writable to the zygote, to each child only
    /// its own folder. Absolute, must exist.
    pub tmp_root: PathBuf,
    /// Whether TCP is left to it: an installer fetches packages. Nothing that runs a project's code has any.
    #[serde(default)]
    pub network: bool,
    /// Resource limits.
    pub limits: Limits,
}

/// Where an interpreter has its parts, as it tells itself (`sys`, `sysconfig`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterpreterFacts {
    /// `sys.executable`.
    pub executable: PathBuf,
    /// `sys.prefix`: the virtual environment, or the same as `base_prefix`.
    pub prefix: PathBuf,
    /// `sys.base_prefix`: the installation.
    pub base_prefix: PathBuf,
    /// `sysconfig.get_paths()` of `stdlib` and `platstdlib`, and whatever else of `sys.path` is to be readable.
    pub library: Vec<PathBuf>,
}
