//! A host is out: the run waits, without a process and without using up an attempt.

use super::{Command, Event, RunState, Status, StepError, Transition, not_allowed};
use crate::Timestamp;

pub(super) fn began(state: &RunState, host: &str, until: Timestamp, now: Timestamp) -> Transition {
    let commands = vec![Command::KillChild { epoch: state.epoch }, Command::WakeAt(until)];
    let mut state = state.clone();
    state.set_idle(Status::Waiting, until, now);
    state.waiting_for = Some(host.to_owned());
    // It could be begun, and nothing interrupted it.
    state.faults = 0;
    state.interruptions = 0;
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
