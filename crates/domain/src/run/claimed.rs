//! A runner takes a run.

use super::{Command, Event, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;
use crate::deployment::DeploymentId;
use crate::ids::{AttemptNumber, Incarnation};

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
    state.status = Status::Running;
    state.epoch = state.epoch.next();
    state.attempt = AttemptNumber(state.attempt.0 + 1);
    state.claimed_by = Some(incarnation);
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
