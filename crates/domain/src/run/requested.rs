//! What people ask for: cancel, retry; and the deployment that a held run was waiting for.

use jiff::SignedDuration;

use super::{Command, End, Event, Hold, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;
use crate::deployment::DeploymentId;

pub(super) fn cancel(state: &RunState, event: &Event, now: Timestamp) -> Result<Transition, StepError> {
    if state.status == Status::Ended {
        return Err(not_allowed(state, event));
    }
    let was_running = state.status == Status::Running;
    let epoch = state.epoch;
    let mut state = state.clone();
    state.stop_idling(now);
    // What the child may still say is of an epoch that is over.
    state.epoch = epoch.next();
    state.finish(End::Cancelled);
    let commands = if was_running {
        vec![Command::KillChild { epoch }]
    } else {
        Vec::new()
    };
    Ok(Transition { state, commands })
}

pub(super) fn retry(
    state: &RunState,
    event: &Event,
    deployment: Option<DeploymentId>,
    again: bool,
    now: Timestamp,
) -> Result<Transition, StepError> {
    if !matches!(state.status, Status::Ended | Status::Backoff | Status::Waiting) {
        return Err(not_allowed(state, event));
    }
    let succeeded = state.end == Some(End::Succeeded);
    if succeeded && !again {
        return Err(StepError::Succeeded);
    }
    let mut state = state.clone();
    state.stop_idling(now);
    state.retry_since = state.next_attempt();
    if succeeded {
        state.reruns += 1;
        state.fresh_since = state.next_attempt();
    }
    state.end = None;
    state.dead_letter = None;
    state.failures = 0;
    state.faults = 0;
    state.interruptions = 0;
    state.alone = false;
    state.since = now;
    state.not_counted = SignedDuration::ZERO;
    if deployment.is_some() && deployment != state.deployment {
        state.deployment = deployment;
        state.deployed_since = state.next_attempt();
    }
    state.enqueue(now);
    Ok(Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    })
}

pub(super) fn activated(state: &RunState, now: Timestamp) -> Transition {
    let mut state = state.clone();
    if state.hold != Some(Hold::NoActiveDeployment) {
        return Transition {
            state,
            commands: Vec::new(),
        };
    }
    state.hold = None;
    state.due_at = now;
    Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    }
}
