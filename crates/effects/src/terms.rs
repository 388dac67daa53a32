//! What a session is of, and what stands around it.

use std::sync::Arc;
use std::time::Duration;

use domain::effect::{Catalogue, Opening};
use domain::{Environment, Epoch, ProjectName, RunId, Timestamp};

/// What a session is of.
pub struct Terms {
    /// The run.
    pub run: RunId,
    /// What its writes name.
    pub epoch: Epoch,
    /// What of its journal counts.
    pub opening: Opening,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// What is known of hosts.
    pub catalogue: Arc<Catalogue>,
    /// Whether the run may wait for a host without a process. Where nobody comes back to it (`invoke`, tests) it may not: the code
    /// hears the true error.
    pub may_wait: bool,
    /// How often a request is sent before the code or the run's wait hears of it, and within which time.
    pub tries: Tries,
    /// Who wants to know whether the child is blocked.
    pub on_blocked: OnBlocked,
}

/// Told when a child begins and ceases to be blocked: owed an answer for so long that its place is better given to another.
pub type OnBlocked = Arc<dyn Fn(bool) + Send + Sync>;

/// How small trouble is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// So often at most.
    pub count: u32,
    /// All begun within this time.
    pub within: Duration,
}

impl Default for Tries {
    /// effects.md's default: three, begun within 10 s.
    fn default() -> Self {
        Self {
            count: 3,
            within: Duration::from_secs(10),
        }
    }
}

/// Time and chance, from outside.
pub trait Surroundings: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Uniform in [0, 1).
    fn chance(&self) -> f64;
    /// A new idempotency key: nobody can guess it, and none is given twice.
    fn key(&self) -> String;
}
