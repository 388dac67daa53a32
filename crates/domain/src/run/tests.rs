//! The promises of the lifecycle.
#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn boot(n: u128) -> Incarnation {
    Incarnation::from_uuid(Uuid::from_u128(n))
}

fn deployment(n: u8) -> DeploymentId {
    DeploymentId::from_bytes([n; 32])
}

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn claim(state: &RunState, now: Timestamp) -> RunState {
    let event = Event::Claimed {
        incarnation: boot(1),
        active: deployment(1),
    };
    step(state, &event, now, &Policy::default()).unwrap().state
}

fn running() -> RunState {
    claim(&RunState::accepted(NOW, None), NOW)
}

fn fail(state: &RunState, now: Timestamp) -> Transition {
    let event = Event::AttemptFailed {
        epoch: state.epoch,
        code: Code::FunctionRaised,
        jitter: 0.5,
    };
    step(state, &event, now, &Policy::default()).unwrap()
}

#[test]
fn a_claim_numbers_the_attempt_and_raises_the_epoch() {
    let state = running();
    assert_eq!(
        (state.status, state.epoch, state.attempt),
        (Status::Running, Epoch(1), AttemptNumber(1))
    );
    assert_eq!(state.deployment, Some(deployment(1)));
}

#[test]
fn a_running_run_is_not_claimed_again() {
    let again = Event::Claimed {
        incarnation: boot(2),
        active: deployment(1),
    };
    assert!(matches!(
        step(&running(), &again, NOW, &Policy::default()),
        Err(StepError::NotAllowed { .. })
    ));
}

#[test]
fn automatic_retries_stay_on_the_deployment_that_began() {
    let failed = fail(&running(), NOW).state;
    let event = Event::Claimed {
        incarnation: boot(1),
        active: deployment(2),
    };
    let again = step(&failed, &event, failed.due_at, &Policy::default()).unwrap();
    assert_eq!(again.state.deployment, Some(deployment(1)));
}

#[test]
fn the_fifth_failure_makes_a_dead_letter() {
    let mut state = RunState::accepted(NOW, None);
    for _ in 0..4 {
        state = fail(&claim(&state, state.due_at), state.due_at).state;
        assert_eq!(state.status, Status::Backoff);
    }
    let last = fail(&claim(&state, state.due_at), state.due_at);
    assert_eq!(last.state.end, Some(End::Failed));
    assert_eq!(
        last.commands,
        vec![Command::DeadLetter {
            reason: Code::AttemptsUsedUp
        }]
    );
    assert_eq!(
        last.state.last_error,
        Some(Code::FunctionRaised),
        "the reason that its author can mend is kept"
    );
}

#[test]
fn an_old_run_is_not_retried_but_its_first_attempt_is_always_made() {
    let late = after(100 * 3600);
    let state = claim(&RunState::accepted(NOW, None), late);
    assert_eq!(
        fail(&state, late).commands,
        vec![Command::DeadLetter {
            reason: Code::AgeLimit
        }]
    );
}

#[test]
fn waiting_costs_no_attempt_and_no_age() {
    let state = running();
    let began = Event::OutageBegan {
        epoch: state.epoch,
        host: "crm.example".into(),
        until: after(600),
    };
    let waiting = step(&state, &began, NOW, &Policy::default()).unwrap();
    assert_eq!(waiting.commands[0], Command::KillChild { epoch: Epoch(1) });
    let late = after(71 * 3600);
    let back = step(&waiting.state, &Event::HostAdmitted, late, &Policy::default())
        .unwrap()
        .state;
    assert_eq!(
        (back.status, back.failures, back.age(late)),
        (Status::Queued, 0, SignedDuration::ZERO)
    );
}

#[test]
fn three_interruptions_make_it_run_alone_and_a_fourth_sets_it_aside() {
    let mut state = RunState::accepted(NOW, None);
    for round in 1..=3 {
        let running = claim(&state, NOW);
        state = step(
            &running,
            &Event::Interrupted { epoch: running.epoch },
            NOW,
            &Policy::default(),
        )
        .unwrap()
        .state;
        assert_eq!(
            (state.status, state.failures, state.alone),
            (Status::Queued, 0, round == 3)
        );
    }
    let running = claim(&state, NOW);
    let end = step(
        &running,
        &Event::Interrupted { epoch: running.epoch },
        NOW,
        &Policy::default(),
    )
    .unwrap();
    assert_eq!(
        end.commands,
        vec![Command::DeadLetter {
            reason: Code::Quarantined
        }]
    );
}

#[test]
fn a_released_run_counts_nothing() {
    let running = running();
    let back = step(
        &running,
        &Event::Released { epoch: running.epoch },
        NOW,
        &Policy::default(),
    )
    .unwrap()
    .state;
    assert_eq!(
        (back.status, back.failures, back.interruptions),
        (Status::Queued, 0, 0)
    );
}

#[test]
fn what_a_cancelled_child_still_says_is_stale() {
    let running = running();
    let cancelled = step(&running, &Event::CancelRequested, NOW, &Policy::default()).unwrap();
    assert_eq!(
        cancelled.commands,
        vec![Command::KillChild { epoch: running.epoch }]
    );
    let late = Event::Returned {
        epoch: running.epoch,
        unsettled_failures: 0,
        unheard_unknown: false,
        jitter: 0.0,
    };
    assert!(matches!(
        step(&cancelled.state, &late, NOW, &Policy::default()),
        Err(StepError::Stale { .. })
    ));
}

#[test]
fn a_retry_by_hand_starts_counting_anew_and_may_change_the_deployment() {
    let mut state = running();
    state.failures = 4;
    let dead = fail(&state, NOW).state;
    let retry = Event::RetryRequested {
        deployment: Some(deployment(9)),
        again: false,
    };
    let again = step(&dead, &retry, after(99), &Policy::default()).unwrap().state;
    assert_eq!(
        (again.status, again.end, again.failures),
        (Status::Queued, None, 0)
    );
    assert_eq!(claim(&again, after(99)).deployment, Some(deployment(9)));
}

#[test]
fn what_succeeded_is_run_again_only_on_purpose_and_that_is_counted() {
    let running = running();
    let returned = Event::Returned {
        epoch: running.epoch,
        unsettled_failures: 0,
        unheard_unknown: false,
        jitter: 0.0,
    };
    let done = step(&running, &returned, NOW, &Policy::default()).unwrap().state;
    let retry = |again| {
        let event = Event::RetryRequested {
            deployment: None,
            again,
        };
        step(&done, &event, after(1), &Policy::default())
    };
    assert_eq!(retry(false), Err(StepError::Succeeded));
    let again = retry(true).unwrap().state;
    assert_eq!((again.status, again.reruns), (Status::Queued, 1));
    let cancel = step(&done, &Event::CancelRequested, after(1), &Policy::default());
    assert!(matches!(cancel, Err(StepError::NotAllowed { .. })), "{cancel:?}");
}

#[test]
fn swallowed_failures_are_flagged_retried_or_failed_as_configured() {
    let running = running();
    let returned = Event::Returned {
        epoch: running.epoch,
        unsettled_failures: 1,
        unheard_unknown: false,
        jitter: 0.0,
    };
    let with = |on| Policy {
        on_swallowed_failure: on,
        ..Policy::default()
    };
    let end = |on| step(&running, &returned, NOW, &with(on)).unwrap().state;
    assert_eq!(
        end(OnSwallowedFailure::Flag).end,
        Some(End::CompletedWithFailures)
    );
    assert_eq!(end(OnSwallowedFailure::Retry).status, Status::Backoff);
    assert_eq!(end(OnSwallowedFailure::Fail).end, Some(End::Failed));
}

#[test]
fn a_held_run_is_not_claimable_until_a_deployment_is_active() {
    let held = RunState::accepted(NOW, Some(Hold::NoActiveDeployment));
    assert!(!held.is_claimable(after(1)));
    let freed = step(&held, &Event::DeploymentActivated, after(2), &Policy::default())
        .unwrap()
        .state;
    assert!(freed.is_claimable(after(2)));
}

proptest! {
    #[test]
    fn backoff_stays_in_its_range(failures in 1u32..40, jitter in 0.0f64..1.0) {
        let wait = Backoff::default().wait(failures, jitter);
        prop_assert!(wait >= SignedDuration::ZERO && wait <= SignedDuration::from_mins(30));
    }

    #[test]
    fn no_sequence_of_events_breaks_the_rules(choices in prop::collection::vec((0u8..12, 0u64..3), 1..60)) {
        let mut state = RunState::accepted(NOW, None);
        let mut now = NOW;
        for (choice, lag) in choices {
            now += SignedDuration::from_secs(7);
            let epoch = Epoch(state.epoch.0.saturating_sub(lag));
            let event = match choice {
                0..=2 => Event::Claimed { incarnation: boot(1), active: deployment(choice) },
                3 => Event::Returned { epoch, unsettled_failures: 0, unheard_unknown: lag == 1, jitter: 0.1 },
                4 => Event::AttemptFailed { epoch, code: Code::FunctionRaised, jitter: 0.0 },
                5 => Event::Interrupted { epoch },
                6 => Event::Released { epoch },
                7 => Event::OutageBegan { epoch, host: "h".into(), until: now },
                8 => Event::HostAdmitted,
                9 => Event::Decided { decision: Decision::NotSent },
                10 => Event::CancelRequested,
                _ => Event::RetryRequested { deployment: None, again: lag == 1 },
            };
            let Ok(next) = step(&state, &event, now, &Policy::default()) else { continue };
            let next = next.state;
            prop_assert!(next.epoch >= state.epoch, "epochs never go back");
            prop_assert!(next.attempt >= state.attempt, "attempts are never renumbered");
            prop_assert_eq!(next.end.is_some(), next.status == Status::Ended);
            prop_assert_eq!(next.claimed_by.is_some(), next.status == Status::Running);
            prop_assert!(next.failures < 5 || next.status == Status::Ended);
            if let Some(claimed) = event.epoch() {
                prop_assert_eq!(claimed, state.epoch, "a stale attempt changed something");
            }
            state = next;
        }
    }
}
