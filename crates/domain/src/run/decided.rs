//! What nobody can know, a person or a stated policy decides.

use super::{Command, Decision, End, Event, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;

pub(super) fn parked(state: &RunState, now: Timestamp) -> Transition {
    let commands = vec![Command::KillChild { epoch: state.epoch }];
    let mut state = state.clone();
    state.set_idle(Status::NeedsDecision, Timestamp::MAX, now);
    Transition { state, commands }
}

pub(super) fn step(
    state: &RunState,
    event: &Event,
    decision: Decision,
    now: Timestamp,
) -> Result<Transition, StepError> {
    if state.status != Status::NeedsDecision {
        return Err(not_allowed(state, event));
    }
    let mut state = state.clone();
    state.stop_idling(now);
    if decision == Decision::Abort {
        state.finish(End::Cancelled);
        return Ok(Transition {
            state,
            commands: Vec::new(),
        });
    }
    state.enqueue(now);
    Ok(Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    })
}
