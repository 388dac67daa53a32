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

fn fail_with(code: Code, jitter: f64, state: &RunState, now: Timestamp) -> Transition {
    let event = Event::AttemptFailed {
        epoch: state.epoch,
        code,
        jitter,
    };
    step(state, &event, now, &Policy::default()).unwrap()
}

fn fail(state: &RunState, now: Timestamp) -> Transition {
    fail_with(Code::FunctionRaised, 0.5, state, now)
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
    assert_eq!(last.state.dead_letter, Some(Code::AttemptsUsedUp));
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
        (again.status, again.end, again.failures, again.dead_letter),
        (Status::Queued, None, 0, None)
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

#[test]
fn an_attempt_that_could_not_be_begun_is_no_failure_and_is_counted_apart() {
    let mut state = RunState::accepted(NOW, None);
    state.interruptions = 2;
    for n in 1..=20 {
        let now = state.due_at;
        let next = fail_with(Code::CouldNotStart, 0.999, &claim(&state, now), now).state;
        assert_eq!((next.status, next.failures, next.faults), (Status::Backoff, 0, n));
        assert_eq!(
            (next.interruptions, next.last_error),
            (2, Some(Code::CouldNotStart))
        );
        let wait = next.due_at.duration_since(now);
        assert!(
            wait <= SignedDuration::from_mins(10) && (n < 12 || wait > SignedDuration::from_mins(9)),
            "{wait}"
        );
        state = next;
    }
    let failed = fail(&claim(&state, state.due_at), state.due_at).state;
    assert_eq!((failed.failures, failed.faults), (1, 0));
}

#[test]
fn a_run_that_must_be_alone_stays_so_when_it_could_not_be_begun() {
    let mut state = RunState::accepted(NOW, None);
    state.alone = true;
    assert!(
        fail_with(Code::CouldNotStart, 0.5, &claim(&state, NOW), NOW)
            .state
            .alone
    );
}

#[test]
fn a_run_that_cannot_be_begun_ends_at_its_age_limit() {
    let late = after(72 * 3600 + 1);
    let state = claim(&RunState::accepted(NOW, None), late);
    let end = fail_with(Code::CouldNotStart, 0.5, &state, late);
    let reason = Code::AgeLimit;
    assert_eq!(end.commands, vec![Command::DeadLetter { reason }]);
}

proptest! {
    /// A machine begins nothing for hours, then is mended: every run ends as it would have, soon after, and was not tried
    /// much more often than the backoff's cap allows.
    #[test]
    fn a_machine_that_is_broken_for_hours_makes_no_dead_letter(
        broken_minutes in 1i64..600,
        jitters in prop::collection::vec(0.0f64..1.0, 64),
    ) {
        let mended = after(broken_minutes * 60);
        let mut jitters = jitters.into_iter().cycle();
        for _ in 0..20 {
            let mut state = RunState::accepted(NOW, None);
            while state.due_at < mended {
                let now = state.due_at;
                // A try that takes no time at all is the worst case.
                state = fail_with(Code::CouldNotStart, jitters.next().unwrap(), &claim(&state, now), now).state;
                prop_assert_eq!(state.status, Status::Backoff);
                prop_assert!(state.attempt.0 < 10_000, "no backoff at all");
            }
            prop_assert!(state.due_at <= mended + SignedDuration::from_mins(10));
            let running = claim(&state, state.due_at);
            let event = Event::Returned { epoch: running.epoch, unsettled_failures: 0, unheard_unknown: false, jitter: 0.0 };
            let done = step(&running, &event, state.due_at, &Policy::default()).unwrap().state;
            prop_assert_eq!((done.end, done.failures, done.faults), (Some(End::Succeeded), 0, 0));
        }
    }

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
                4 if lag == 2 => Event::AttemptFailed { epoch, code: Code::CouldNotStart, jitter: 0.3 },
                4 => Event::AttemptFailed { epoch, code: Code::FunctionRaised, jitter: 0.0 },
                5 => Event::Interrupted { epoch },
                6 => Event::Released { epoch },
                7 => Event::OutageBegan { epoch, host: "h".into(), until: now },
                8 => Event::HostAdmitted,
                9 => Event::Decided {
                    decision: Decision::NotSent,
                    open: u32::from(lag == 1),
                    unsettled_failures: u32::from(lag == 2),
                },
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
            let failed = matches!(event, Event::AttemptFailed { .. });
            prop_assert!(next.failures == 0 || next.failures == state.failures || failed);
            prop_assert!(next.faults == 0 || next.faults == state.faults || next.failures == state.failures);
            if let Some(claimed) = event.epoch() {
                prop_assert_eq!(claimed, state.epoch, "a stale attempt changed something");
            }
            state = next;
        }
    }
}
