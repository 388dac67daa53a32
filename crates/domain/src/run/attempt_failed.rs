//! An attempt failed, by its own doing or because it could not be begun: again later, or never.

use super::{Command, End, Policy, RunState, Status, Transition};
use crate::Timestamp;
use crate::error_code::Code;

pub(super) fn step(state: &RunState, code: Code, jitter: f64, now: Timestamp, policy: &Policy) -> Transition {
    let mut state = state.clone();
    state.last_error = Some(code);
    if code.is_fault_of_surroundings() {
        // It has not run: whether it would fail, or interrupt us again, is as open as before.
        state.faults += 1;
        let due_at = policy.fault_backoff.until(state.faults, jitter, now);
        return again_at(state, due_at, policy);
    }
    state.failures += 1;
    state.retry_since = state.next_attempt();
    state.faults = 0;
    state.interruptions = 0;
    state.alone = false;
    if state.failures >= policy.attempts {
        return dead_letter(state, Code::AttemptsUsedUp);
    }
    let due_at = policy.backoff.until(state.failures, jitter, now);
    again_at(state, due_at, policy)
}

fn again_at(mut state: RunState, due_at: Timestamp, policy: &Policy) -> Transition {
    if state.age(due_at) > policy.age_limit {
        return dead_letter(state, Code::AgeLimit);
    }
    state.status = Status::Backoff;
    state.claimed_by = None;
    state.due_at = due_at;
    Transition {
        state,
        commands: vec![Command::WakeAt(due_at)],
    }
}

/// Ends a run for good: nothing is attempted any more unless a person asks.
pub(super) fn dead_letter(mut state: RunState, reason: Code) -> Transition {
    state.finish(End::Failed);
    state.dead_letter = Some(reason);
    Transition {
        state,
        commands: vec![Command::DeadLetter { reason }],
    }
}
