//! A host is out: the run waits, without a process and without using up an attempt.

use super::{Command, Event, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;

pub(super) fn began(state: &RunState, until: Timestamp, now: Timestamp) -> Transition {
    let commands = vec![Command::KillChild { epoch: state.epoch }, Command::WakeAt(until)];
    let mut state = state.clone();
    state.set_idle(Status::Waiting, until, now);
    Transition { state, commands }
}

pub(super) fn admitted(state: &RunState, event: &Event, now: Timestamp) -> Result<Transition, StepError> {
    if state.status != Status::Waiting {
        return Err(not_allowed(state, event));
    }
    let mut state = state.clone();
    state.stop_idling(now);
    state.enqueue(now);
    Ok(Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    })
}
