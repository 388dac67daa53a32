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
    open: u32,
    unsettled_failures: u32,
    now: Timestamp,
) -> Result<Transition, StepError> {
    let waits_for_it = state.status == Status::NeedsDecision;
    // What an attempt reads when it begins is not changed below it; and what does not wait cannot be given up by this.
    if state.status == Status::Running || (decision == Decision::Abort && !waits_for_it) {
        return Err(not_allowed(state, event));
    }
    let mut state = state.clone();
    let mut commands = Vec::new();
    if decision == Decision::Abort {
        state.stop_idling(now);
        state.finish(End::Cancelled);
    } else if waits_for_it && open == 0 {
        state.stop_idling(now);
        state.enqueue(now);
        commands.push(Command::WakeAt(now));
    } else if state.end == Some(End::CompletedWithFailures) && unsettled_failures == 0 {
        // It is not run again for that: its code has had its say. Only what is told of its end is what it would have been.
        state.end = Some(End::Succeeded);
        state.last_error = None;
    }
    Ok(Transition { state, commands })
}
