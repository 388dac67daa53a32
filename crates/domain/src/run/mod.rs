//! A run's lifecycle, as a pure function: what state it is in, what may happen to it, and what follows.
//!
//! [`step`] is the only place that decides. A store applies it inside the transaction that records the outcome, so that
//! what is on disk is always a state that these rules allow. One file per kind of event.

mod attempt_failed;
mod claimed;
mod decided;
mod interrupted;
mod outage;
mod policy;
mod requested;
mod returned;
mod state;

pub use policy::{Backoff, OnSwallowedFailure, Policy};
pub use state::{End, Hold, RunState, Status};

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::deployment::DeploymentId;
use crate::error_code::Code;
use crate::ids::{AttemptNumber, Epoch, Incarnation};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A runner takes the run to attempt it on this deployment.
    Claimed {
        /// The boot that takes it.
        incarnation: Incarnation,
        /// What is active for the run's project and environment now; a run that began on another one stays on that.
        active: DeploymentId,
    },
    /// The function returned.
    Returned {
        /// The attempt that speaks.
        epoch: Epoch,
        /// Failed effects that nothing later made good: swallowed failures.
        unsettled_failures: u32,
        /// A write of unknown fate that no code ever heard of is left over.
        unheard_unknown: bool,
        /// Uniform in [0, 1): where in its range the backoff falls, should there be one.
        jitter: f64,
    },
    /// The attempt failed by its own doing, or could not be begun ([`Code::is_fault_of_surroundings`]), which is counted apart.
    AttemptFailed {
        /// The attempt that speaks.
        epoch: Epoch,
        /// Why.
        code: Code,
        /// Uniform in [0, 1): where in its range the backoff falls.
        jitter: f64,
    },
    /// The supervisor or the machine went while the attempt ran.
    Interrupted {
        /// The epoch that the dead boot held.
        epoch: Epoch,
    },
    /// The supervisor stops on purpose and gives the run back.
    Released {
        /// The attempt that speaks.
        epoch: Epoch,
    },
    /// A host is out: the child was ended, the run goes on when the host is admitted.
    OutageBegan {
        /// The attempt that speaks.
        epoch: Epoch,
        /// The origin that everything waits for: scheme, host and port.
        host: String,
        /// When to look again.
        until: Timestamp,
    },
    /// The host that the run waits for takes requests again.
    HostAdmitted,
    /// Only a person or a policy can say what happened to an effect.
    Parked {
        /// The attempt that speaks.
        epoch: Epoch,
    },
    /// Something was decided of one of its effects, and written down.
    Decided {
        /// What.
        decision: Decision,
        /// What else the run waits to be told; only once nothing is left does it go on.
        open: u32,
        /// Failures that are left now: a run that is over ends by them.
        unsettled_failures: u32,
    },
    /// A deployment became active for the run's project and environment.
    DeploymentActivated,
    /// A person cancels the run.
    CancelRequested,
    /// A person wants it attempted again.
    RetryRequested {
        /// On this deployment, if not the one that it began on.
        deployment: Option<DeploymentId>,
        /// Also if it succeeded: what it did is then done again, on purpose.
        again: bool,
    },
}

impl Event {
    /// The event's word, for messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claim",
            Self::Returned { .. } => "return",
            Self::AttemptFailed { .. } => "failure",
            Self::Interrupted { .. } => "interruption",
            Self::Released { .. } => "release",
            Self::OutageBegan { .. } => "outage",
            Self::HostAdmitted => "admission of the host",
            Self::Parked { .. } => "parking",
            Self::Decided { .. } => "decision",
            Self::DeploymentActivated => "activation",
            Self::CancelRequested => "cancel",
            Self::RetryRequested { .. } => "retry",
        }
    }

    /// The epoch that the event claims to speak for, where it comes from an attempt.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Returned { epoch, .. }
            | Self::AttemptFailed { epoch, .. }
            | Self::Interrupted { epoch }
            | Self::Released { epoch }
            | Self::OutageBegan { epoch, .. }
            | Self::Parked { epoch } => Some(*epoch),
            _ => None,
        }
    }
}

/// What a person says of an effect of unknown fate, or of a write that fits no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It reached the other side.
    Happened,
    /// It did not.
    NotSent,
    /// A record stands for the write.
    Keep,
    /// They are two: it is sent.
    Send,
    /// Give the run up.
    Abort,
}

/// What must be done because of a step, beside storing the new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Fork a child for this attempt.
    StartAttempt {
        /// Its number.
        number: AttemptNumber,
        /// What it must name in every later write.
        epoch: Epoch,
        /// What it runs.
        deployment: DeploymentId,
        /// Nothing else may run beside it: it was running at too many interruptions.
        alone: bool,
    },
    /// End the child that runs under this epoch, if one does.
    KillChild {
        /// The epoch that is over.
        epoch: Epoch,
    },
    /// Look at the run again then.
    WakeAt(Timestamp),
    /// Keep metrics, actions and state of the attempt that returned: they are the run's.
    KeepResults,
    /// The run is a dead letter; tell whoever is to be told.
    DeadLetter {
        /// Why no further attempt is made.
        reason: Code,
    },
}

/// A step that the rules do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The event speaks for an attempt that is not the current one: its child must be ended, its outcome ignored.
    #[error("epoch {claimed} is over, the run is at epoch {current}")]
    Stale {
        /// The epoch that the event named.
        claimed: Epoch,
        /// The run's.
        current: Epoch,
    },
    /// It succeeded, and nobody said that what it did is to be done again.
    #[error("it succeeded, and what it did would be done again")]
    Succeeded,
    /// The run is in a state in which this cannot happen.
    #[error("a run that is {status} takes no {event}")]
    NotAllowed {
        /// Where the run stands.
        status: Status,
        /// What was to happen.
        event: &'static str,
    },
}

/// A new state, and what must be done because of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// To be stored.
    pub state: RunState,
    /// To be done, in order, once it is stored.
    pub commands: Vec<Command>,
}

/// Decides what an event makes of a run.
///
/// # Errors
/// [`StepError::Stale`] if the event speaks for an epoch that is over, [`StepError::NotAllowed`] if the state does not take it.
pub fn step(
    state: &RunState,
    event: &Event,
    now: Timestamp,
    policy: &Policy,
) -> Result<Transition, StepError> {
    if let Some(claimed) = event.epoch() {
        if claimed != state.epoch {
            return Err(StepError::Stale {
                claimed,
                current: state.epoch,
            });
        }
        if state.status != Status::Running {
            return Err(not_allowed(state, event));
        }
    }
    match event {
        Event::Claimed { incarnation, active } => claimed::step(state, event, *incarnation, *active, now),
        Event::Returned {
            unsettled_failures,
            unheard_unknown,
            jitter,
            ..
        } => Ok(returned::step(
            state,
            *unsettled_failures,
            *unheard_unknown,
            *jitter,
            now,
            policy,
        )),
        Event::AttemptFailed { code, jitter, .. } => {
            Ok(attempt_failed::step(state, *code, *jitter, now, policy))
        }
        Event::Interrupted { .. } => Ok(interrupted::step(state, now, policy)),
        Event::Released { .. } => Ok(interrupted::released(state, now)),
        Event::OutageBegan { host, until, .. } => Ok(outage::began(state, host, *until, now)),
        Event::HostAdmitted => outage::admitted(state, event, now),
        Event::Parked { .. } => Ok(decided::parked(state, now)),
        Event::Decided {
            decision,
            open,
            unsettled_failures,
        } => decided::step(state, event, *decision, *open, *unsettled_failures, now),
        Event::DeploymentActivated => Ok(requested::activated(state, now)),
        Event::CancelRequested => requested::cancel(state, event, now),
        Event::RetryRequested { deployment, again } => {
            requested::retry(state, event, *deployment, *again, now)
        }
    }
}

fn not_allowed(state: &RunState, event: &Event) -> StepError {
    StepError::NotAllowed {
        status: state.status,
        event: event.name(),
    }
}

#[cfg(test)]
mod tests;
