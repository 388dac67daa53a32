//! What a runner is told once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use confinement::{Limits, Mode};
use domain::run::Policy;
use domain::{Incarnation, Timestamp};
use effects::{Surroundings, WayOut};
use project::InterpreterFacts;

use crate::attempt::Terms;
use crate::dependencies::DependencyOptions;
use crate::zygote::IMPORT_TIMEOUT;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Where chance comes from: uniform in [0, 1).
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Where idempotency keys come from.
pub type Keys = Arc<dyn Fn() -> String + Send + Sync>;

/// How many attempts run at once for each core.
pub const ATTEMPTS_PER_CORE: usize = 8;
/// How many zygotes are kept warm.
pub const WARM_ZYGOTES: usize = 16;

/// See the fields.
#[derive(Clone)]
pub struct RunnerOptions {
    /// This boot.
    pub incarnation: Incarnation,
    /// The `aftercall` binary, to be started again as launcher.
    pub program: PathBuf,
    /// Where runtimes are extracted.
    pub runtimes: PathBuf,
    /// Where deployments lie.
    pub deployments: PathBuf,
    /// Where the launcher of this boot is written down, for the next to look for what it left.
    pub launcher_file: PathBuf,
    /// Below it each child has its folder; in memory where the system has a place for that.
    pub tmp_root: PathBuf,
    /// What runs Python.
    pub interpreter: InterpreterFacts,
    /// Where projects' packages come from.
    pub dependencies: DependencyOptions,
    /// How much confinement is asked for.
    pub mode: Mode,
    /// Of each child, unless its project says otherwise.
    pub limits: Limits,
    /// Of each attempt, unless its project says otherwise.
    pub terms: Terms,
    /// Of each run, unless its project says otherwise.
    pub policy: Policy,
    /// Attempts that run at once.
    pub concurrency: usize,
    /// Zygotes that are kept warm.
    pub warm_zygotes: usize,
    /// For a project's imports.
    pub import_timeout: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where chance comes from.
    pub chance: Chance,
    /// Where idempotency keys come from: nobody can guess one.
    pub keys: Keys,
    /// What carries the requests of user code out.
    pub way_out: Arc<dyn WayOut>,
}

impl Surroundings for RunnerOptions {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn chance(&self) -> f64 {
        (self.chance)()
    }

    fn key(&self) -> String {
        (self.keys)()
    }
}

/// The limits of a child, unless configured: 1 GB of address space, CPU as long as its deadline, 256 descriptors, files of
/// 64 MB.
#[must_use]
pub fn default_limits() -> Limits {
    Limits {
        cpu: Duration::from_secs(600),
        address_space: 1 << 30,
        file_size: 64 * 1024 * 1024,
        open_files: 256,
    }
}

/// See [`IMPORT_TIMEOUT`].
#[must_use]
pub const fn default_import_timeout() -> Duration {
    IMPORT_TIMEOUT
}
