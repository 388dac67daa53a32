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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::super::{Policy, step};
    use super::*;
    use crate::deployment::DeploymentId;
    use crate::ids::Incarnation;

    fn after(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn running() -> RunState {
        let claimed = Event::Claimed {
            incarnation: Incarnation::from_uuid(Uuid::from_u128(1)),
            active: DeploymentId::from_bytes([1; 32]),
        };
        let state = RunState::accepted(after(0), None);
        step(&state, &claimed, after(0), &Policy::default())
            .unwrap()
            .state
    }

    fn decided(decision: Decision, open: u32, unsettled_failures: u32) -> Event {
        Event::Decided {
            decision,
            open,
            unsettled_failures,
        }
    }

    #[test]
    fn a_parked_run_goes_on_once_everything_is_said_and_is_given_up_only_while_it_waits() {
        let running = running();
        let parked = Event::Parked { epoch: running.epoch };
        let policy = Policy::default();
        let parked = step(&running, &parked, after(1), &policy).unwrap().state;
        let more = step(&parked, &decided(Decision::Happened, 1, 0), after(2), &policy).unwrap();
        assert_eq!((more.state, more.commands), (parked.clone(), vec![]));
        let all = step(&parked, &decided(Decision::Keep, 0, 0), after(2), &policy).unwrap();
        assert_eq!(
            (all.state.status, all.commands),
            (Status::Queued, vec![Command::WakeAt(after(2))])
        );
        let given_up = step(&parked, &decided(Decision::Abort, 0, 0), after(2), &policy).unwrap();
        assert_eq!(given_up.state.end, Some(End::Cancelled));
        for decision in [Decision::Happened, Decision::Abort] {
            assert!(step(&running, &decided(decision, 0, 0), after(2), &policy).is_err());
        }
        assert!(
            step(
                &given_up.state,
                &decided(Decision::Abort, 0, 0),
                after(3),
                &policy
            )
            .is_err()
        );
    }

    #[test]
    fn what_is_said_of_a_run_that_is_over_changes_only_how_its_end_is_told() {
        let running = running();
        let returned = Event::Returned {
            epoch: running.epoch,
            unsettled_failures: 2,
            unheard_unknown: false,
            jitter: 0.5,
        };
        let policy = Policy::default();
        let over = step(&running, &returned, after(1), &policy).unwrap().state;
        let one = step(&over, &decided(Decision::Happened, 0, 1), after(2), &policy).unwrap();
        assert_eq!(one.state, over);
        let both = step(&over, &decided(Decision::Happened, 0, 0), after(3), &policy).unwrap();
        assert_eq!(
            (both.state.end, both.state.last_error),
            (Some(End::Succeeded), None)
        );
        assert_eq!((both.state.status, both.commands), (Status::Ended, vec![]));
    }
}
