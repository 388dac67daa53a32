//! How much of what wants to leave may leave now: per host, project and environment.

mod breaker;
mod bucket;
mod hosts;
mod pauses;
mod retry_after;
#[cfg(test)]
mod tests;
mod waiting;

use domain::effect::Phase;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use hosts::{Admission, HostKey, Hosts, Permit};
pub use pauses::Scope;
pub use retry_after::retry_after;
pub use waiting::{Admitted, Flow, HOLD_LIMIT, NotNow};

/// The longest wait that is ever told: a host that says "next year" is asked again tomorrow.
pub(crate) const WAIT_LIMIT: SignedDuration = SignedDuration::from_hours(24);
/// Requests to one host at a time, if nothing else is said.
pub const CONCURRENCY: u32 = 256;
/// Requests that may leave at once after a quiet time, if there is a rate and nothing else is said.
pub const BURST: u32 = 10;

/// What one host may get.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests per second, in the long run. Default: no limit.
    pub rate: Option<f64>,
    /// Requests at once after a quiet time. Default: [`BURST`].
    pub burst: u32,
    /// Requests under way at a time. Default: [`CONCURRENCY`].
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: None,
            burst: BURST,
            concurrency: CONCURRENCY,
        }
    }
}

/// What a request tells of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The host answered as hosts do, be it "no".
    Well,
    /// It could not be reached, broke off, or said that it is broken.
    Failed {
        /// What happened, for a person.
        message: String,
    },
    /// It asks to be left alone.
    TurnedAway {
        /// Until when, if it said so.
        until: Option<Timestamp>,
        /// What it said, for a person.
        message: String,
    },
    /// Nothing: it was not sent, and not for the host's sake, or nobody waited for what came of it.
    Untold,
}

impl Outcome {
    /// What a phase tells of the host. `until`: from the answer's `Retry-After`.
    #[must_use]
    pub fn of(phase: Phase, until: Option<Timestamp>, message: impl Into<String>) -> Self {
        let message = message.into();
        match phase {
            Phase::Done | Phase::Rejected => Self::Well,
            Phase::NotSent | Phase::Unknown => Self::Failed { message },
            Phase::TurnedAway => Self::TurnedAway { until, message },
            Phase::Refused => Self::Untold,
        }
    }
}

/// The last failure of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub message: String,
}

/// What the breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum BreakerState {
    /// It lets everything through.
    Closed,
    /// It lets nothing through.
    Open {
        /// When it will try.
        until: Timestamp,
    },
    /// It tries.
    HalfOpen,
}

/// A host as a person sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct HostState {
    /// Which.
    pub key: HostKey,
    /// Whether an operator has stopped it.
    pub is_paused: bool,
    /// What it may get.
    pub limits: Limits,
    /// Requests under way.
    pub in_flight: u32,
    /// What its breaker does.
    pub breaker: BreakerState,
    /// It asked to be left alone until then.
    pub not_before: Option<Timestamp>,
    /// Its last failure.
    pub last_error: Option<LastError>,
    /// When a request last began or ended.
    pub last_used: Timestamp,
}

/// A moment later; the last moment that there is, if that is beyond it.
fn after(moment: Timestamp, wait: SignedDuration) -> Timestamp {
    moment.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
