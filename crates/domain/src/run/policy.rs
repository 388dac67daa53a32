//! What is configured about attempts, with its defaults.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How long to leave a run alone after a failed attempt: uniform in [0, min(cap, base · factor^(n-1))] after the n-th failure.
///
/// Full jitter, so that many runs that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// The range after the first failure.
    pub base: SignedDuration,
    /// By how much the range grows with each further failure.
    pub factor: u32,
    /// The range's largest size.
    pub cap: SignedDuration,
}

/// Soon again after a short want of memory or descriptors; some twelve tries an hour while a machine stays broken.
const FAULT_BACKOFF: Backoff = Backoff {
    base: SignedDuration::from_secs(2),
    factor: 2,
    cap: SignedDuration::from_mins(10),
};

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: SignedDuration::from_secs(10),
            factor: 3,
            cap: SignedDuration::from_mins(30),
        }
    }
}

impl Backoff {
    pub(super) fn until(&self, failures: u32, jitter: f64, now: Timestamp) -> Timestamp {
        now.saturating_add(self.wait(failures, jitter))
            .unwrap_or(Timestamp::MAX)
    }

    /// The wait after the `failures`-th failure, for a `jitter` uniform in [0, 1).
    #[must_use]
    pub fn wait(&self, failures: u32, jitter: f64) -> SignedDuration {
        let growth =
            f64::from(self.factor).powi(i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX));
        let range = (self.base.as_secs_f64() * growth).min(self.cap.as_secs_f64());
        SignedDuration::try_from_secs_f64(range * jitter.clamp(0.0, 1.0)).unwrap_or(self.cap)
    }
}

/// What to do when a function returned although an effect had failed and nothing made it good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSwallowedFailure {
    /// End as `completed_with_failures`.
    #[default]
    Flag,
    /// Count it as a failed attempt; when attempts are used up the last return stands.
    Retry,
    /// End as `failed`.
    Fail,
}

/// Everything configured that [`super::step`] needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Attempts after which a run is a dead letter; interruptions do not count.
    pub attempts: u32,
    /// Between failed attempts.
    pub backoff: Backoff,
    /// Between attempts that the machine, or we, could not begin. They are not counted among those that failed, so that a machine
    /// that is broken for an hour makes no dead letters.
    pub fault_backoff: Backoff,
    /// No attempt is begun after a failed one once a run is this old; waiting for hosts and parking do not count.
    pub age_limit: SignedDuration,
    /// Interruptions in a row after which a run is attempted with nothing beside it; one more sets it aside.
    pub interruptions_until_alone: u32,
    /// For swallowed failures.
    pub on_swallowed_failure: OnSwallowedFailure,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff::default(),
            fault_backoff: FAULT_BACKOFF,
            age_limit: SignedDuration::from_hours(72),
            interruptions_until_alone: 3,
            on_swallowed_failure: OnSwallowedFailure::default(),
        }
    }
}

impl Policy {
    /// No second attempt: what `invoke` uses.
    #[must_use]
    pub fn one_attempt() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }
}
