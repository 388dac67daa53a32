//! The function returned; whether that is a success, its journal says.

use super::{Command, End, OnSwallowedFailure, Policy, RunState, Status, Transition, attempt_failed};
use crate::Timestamp;
use crate::error_code::Code;

pub(super) fn step(
    state: &RunState,
    unsettled_failures: u32,
    unheard_unknown: bool,
    jitter: f64,
    now: Timestamp,
    policy: &Policy,
) -> Transition {
    let swallowed = unsettled_failures > 0;
    let attempts_left = state.failures + 1 < policy.attempts;
    match policy.on_swallowed_failure {
        OnSwallowedFailure::Retry if swallowed && attempts_left => {
            return attempt_failed::step(state, Code::SwallowedFailure, jitter, now, policy);
        }
        OnSwallowedFailure::Fail if swallowed => {
            let mut state = state.clone();
            state.last_error = Some(Code::SwallowedFailure);
            return attempt_failed::dead_letter(state, Code::SwallowedFailure);
        }
        _ => {}
    }
    let mut state = state.clone();
    state.faults = 0;
    state.interruptions = 0;
    state.alone = false;
    if unheard_unknown {
        state.set_idle(Status::NeedsDecision, Timestamp::MAX, now);
    } else if swallowed {
        state.last_error = Some(Code::SwallowedFailure);
        state.finish(End::CompletedWithFailures);
    } else {
        state.last_error = None;
        state.finish(End::Succeeded);
    }
    Transition {
        state,
        commands: vec![Command::KeepResults],
    }
}
