//! A runner takes a run.

use super::{Command, Event, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;
use crate::deployment::DeploymentId;
use crate::ids::Incarnation;

pub(super) fn step(
    state: &RunState,
    event: &Event,
    incarnation: Incarnation,
    active: DeploymentId,
    now: Timestamp,
) -> Result<Transition, StepError> {
    if !state.is_claimable(now) {
        return Err(not_allowed(state, event));
    }
    let mut state = state.clone();
    state.stop_idling(now); // a host that it waited for is tried again
    state.status = Status::Running;
    state.epoch = state.epoch.next();
    state.attempt = state.next_attempt();
    state.claimed_by = Some(incarnation);
    if state.deployment.is_none() {
        state.deployed_since = state.attempt;
    }
    let deployment = *state.deployment.get_or_insert(active);
    let start = Command::StartAttempt {
        number: state.attempt,
        epoch: state.epoch,
        deployment,
        alone: state.alone,
    };
    Ok(Transition {
        state,
        commands: vec![start],
    })
}
