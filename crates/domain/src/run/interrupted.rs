//! The supervisor or the machine went. That is nobody's failure, unless it happens each time that this run runs.

use super::{Command, Policy, RunState, Transition, attempt_failed};
use crate::Timestamp;
use crate::error_code::Code;

pub(super) fn step(state: &RunState, now: Timestamp, policy: &Policy) -> Transition {
    let mut state = state.clone();
    state.interruptions += 1;
    if state.alone {
        state.last_error = Some(Code::Quarantined);
        return attempt_failed::dead_letter(state, Code::Quarantined);
    }
    state.alone = state.interruptions >= policy.interruptions_until_alone;
    state.enqueue(now);
    Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    }
}

/// The supervisor gave it back in good order: nothing is counted.
pub(super) fn released(state: &RunState, now: Timestamp) -> Transition {
    let mut state = state.clone();
    state.enqueue(now);
    Transition {
        state,
        commands: vec![Command::WakeAt(now)],
    }
}
