//! What is promised about claims, and about what attempts leave.

use domain::run::{Command, Decision, End, Event, Policy, Status, StepError};
use domain::{AttemptEnd, AttemptNumber, Code, Environment, Epoch};
use jiff::SignedDuration;

use super::given::{
    Given, accept, activate, after, apply, boot, claim, claim_as, conversation, deployment_id, failed, fails,
    failure_report, ids, queued, refused, report, returned, returns, returns_too_late, run_id, shop, start,
    state,
};
use crate::StoreError;

/// By due time, then by id, and none before its time.
pub async fn due_runs_are_claimed_oldest_first(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    for (number, at) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 99)] {
        accept(&store, conversation(number), after(at)).await;
    }
    let claimed = claim(&store, 3, after(30)).await;
    assert_eq!(ids(&claimed), [run_id(2), run_id(4), run_id(3)]);
    assert_eq!(ids(&claim(&store, 3, after(30)).await), [run_id(1)]);
    let first = &claimed[0];
    assert_eq!(
        (first.number, first.epoch, first.alone),
        (AttemptNumber(1), Epoch(1), false)
    );
    assert_eq!(first.deployment, deployment_id(1));
    assert_eq!(
        (&first.project, first.environment),
        (&shop(), Environment::Sandbox)
    );
}

/// And its attempt is on record before anybody begins it.
pub async fn a_claimed_run_is_not_claimed_again(store: Given) {
    queued(&store, 1..2).await;
    let claimed = claim(&store, 10, after(60)).await;
    assert_eq!(claim(&store, 10, after(60)).await, []);
    let detail = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(detail.attempts.len(), 1);
    let attempt = &detail.attempts[0];
    assert_eq!(
        (attempt.number, attempt.epoch),
        (claimed[0].number, claimed[0].epoch)
    );
    assert_eq!((attempt.incarnation, attempt.claimed_at), (boot(1), after(60)));
    assert_eq!((attempt.end.as_ref(), attempt.ended_at), (None, None));
}

/// Until its time, and then it goes on under the next number.
pub async fn a_failed_attempt_backs_off_and_keeps_its_logs(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let left = failure_report(run.number, after(60));
    let applied = apply(&store, run.run, failed(&run), Some(left.clone()), after(60)).await;
    // Half of the first range of ten seconds.
    assert_eq!(
        (applied.state.status, applied.state.due_at),
        (Status::Backoff, after(65))
    );
    assert_eq!(applied.state.last_error, Some(Code::FunctionRaised));
    assert_eq!(store.next_due().await.unwrap(), Some(after(65)));
    assert_eq!(claim(&store, 1, after(64)).await, []);

    let again = claim(&store, 1, after(65)).await.remove(0);
    assert_eq!((again.number, again.epoch), (AttemptNumber(2), Epoch(2)));
    let detail = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(detail.attempts.len(), 2);
    assert_eq!(detail.attempts[0].end, Some(left.end));
    assert_eq!(detail.attempts[0].logs, left.logs);
    assert!(detail.metrics.is_empty() && detail.state_after.is_none());
}

/// With every attempt on record.
pub async fn a_run_whose_attempts_are_used_up_is_a_dead_letter(store: Given) {
    queued(&store, 1..2).await;
    let attempts = Policy::default().attempts;
    let mut last = None;
    for number in 1..=attempts {
        let run = claim(&store, 1, after(i64::from(number) * 3_600)).await.remove(0);
        let at = after(i64::from(number) * 3_600 + 1);
        last = Some(fails(&store, &run, at).await);
    }
    let last = last.unwrap();
    assert_eq!(last.state.end, Some(End::Failed));
    let reason = Code::AttemptsUsedUp;
    assert_eq!(last.commands, [Command::DeadLetter { reason }]);
    let detail = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(detail.attempts.len(), attempts as usize);
    assert_eq!(detail.summary.state.dead_letter, Some(reason));
    assert_eq!(claim(&store, 1, after(1_000_000)).await, []);
}

/// Neither its end nor anything that it left.
pub async fn a_stale_epoch_changes_nothing(store: Given) {
    queued(&store, 1..2).await;
    let old = claim(&store, 1, after(60)).await.remove(0);
    apply(
        &store,
        old.run,
        Event::Interrupted { epoch: old.epoch },
        None,
        after(61),
    )
    .await;
    let new = claim_as(&store, boot(2), 1, false, after(62)).await.remove(0);
    let before = store.run(old.run).await.unwrap();

    let error = returns_too_late(&store, &old, after(63)).await;
    let stale = StepError::Stale {
        claimed: old.epoch,
        current: new.epoch,
    };
    assert!(matches!(error, StoreError::Refused { error, .. } if error == stale));
    assert_eq!(store.run(old.run).await.unwrap(), before);

    returns(&store, &new, after(64)).await;
    let error = returns_too_late(&store, &new, after(65)).await;
    assert!(
        matches!(error, StoreError::Refused { .. }),
        "a run ends once: {error:?}"
    );
}

/// The runs of a boot that is gone are found by any other, and by that one not.
pub async fn an_interrupted_attempt_is_marked_and_the_run_goes_on(store: Given) {
    queued(&store, 1..4).await;
    let claimed = claim(&store, 2, after(60)).await;
    assert_eq!(store.orphans(boot(1), 10).await.unwrap(), []);
    let orphans = store.orphans(boot(2), 10).await.unwrap();
    assert_eq!(
        orphans.iter().map(|orphan| orphan.run).collect::<Vec<_>>(),
        ids(&claimed)
    );
    assert_eq!(store.orphans(boot(2), 1).await.unwrap().len(), 1);

    let event = Event::Interrupted {
        epoch: orphans[0].epoch,
    };
    let applied = apply(&store, orphans[0].run, event, None, after(70)).await;
    assert_eq!(applied.commands, [Command::WakeAt(after(70))]);
    assert_eq!((applied.state.interruptions, applied.state.failures), (1, 0));
    assert_eq!(store.orphans(boot(2), 10).await.unwrap().len(), 1);
    let detail = store.run(orphans[0].run).await.unwrap().unwrap();
    assert_eq!(detail.attempts[0].end, Some(AttemptEnd::Interrupted));
    assert_eq!(detail.attempts[0].ended_at, Some(after(70)));
}

/// The supervisor stopped in good order.
pub async fn a_released_run_goes_on_uncounted(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let applied = apply(
        &store,
        run.run,
        Event::Released { epoch: run.epoch },
        None,
        after(61),
    )
    .await;
    assert_eq!(
        (applied.state.status, applied.state.interruptions),
        (Status::Queued, 0)
    );
    let detail = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(detail.attempts[0].end, Some(AttemptEnd::Interrupted));
    assert_eq!(
        claim(&store, 1, after(61)).await.remove(0).number,
        AttemptNumber(2)
    );
}

/// It was there at too many interruptions.
pub async fn a_run_that_must_be_alone_is_claimed_alone_or_not_at_all(store: Given) {
    queued(&store, 1..4).await;
    let until_alone = i64::from(Policy::default().interruptions_until_alone);
    for time in 0..until_alone {
        let run = claim(&store, 1, after(1 + time)).await.remove(0);
        assert_eq!(run.run, run_id(1));
        apply(
            &store,
            run.run,
            Event::Interrupted { epoch: run.epoch },
            None,
            start(),
        )
        .await;
    }
    assert!(state(&store, run_id(1)).await.alone);
    assert_eq!(
        claim(&store, 10, after(60)).await,
        [],
        "nothing is begun before it while something runs"
    );
    let alone = claim_as(&store, boot(1), 10, true, after(60)).await;
    assert_eq!(ids(&alone), [run_id(1)]);
    assert!(alone[0].alone);
    assert_eq!(
        ids(&claim_as(&store, boot(1), 10, true, after(60)).await),
        [run_id(2), run_id(3)]
    );
}

/// The one is not due before its time, the other never, unless something happens.
pub async fn an_outage_waits_and_parking_needs_a_decision(store: Given) {
    queued(&store, 1..3).await;
    let claimed = claim(&store, 2, after(60)).await;
    let outage = Event::OutageBegan {
        epoch: claimed[0].epoch,
        host: "crm.example".into(),
        until: after(600),
    };
    let waiting = apply(&store, run_id(1), outage, None, after(61)).await;
    assert_eq!(waiting.state.status, Status::Waiting);
    let parked = apply(
        &store,
        run_id(2),
        Event::Parked {
            epoch: claimed[1].epoch,
        },
        None,
        after(61),
    )
    .await;
    assert_eq!(parked.state.status, Status::NeedsDecision);
    assert_eq!(state(&store, run_id(2)).await, parked.state);
    assert_eq!(claim(&store, 10, after(599)).await, []);
    assert_eq!(store.health().await.unwrap().unfinished, 1);

    let admitted = apply(&store, run_id(1), Event::HostAdmitted, None, after(361)).await;
    assert_eq!(admitted.state.not_counted, SignedDuration::from_secs(300));
    let decision = Decision::NotSent;
    let decided = Event::Decided {
        decision,
        open: 0,
        unsettled_failures: 0,
    };
    apply(&store, run_id(2), decided, None, after(361)).await;
    assert_eq!(claim(&store, 10, after(361)).await.len(), 2);
}

/// The host is tried again; what the wait took is not the run's age.
pub async fn a_run_that_waits_for_a_host_comes_due_by_itself(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let outage = Event::OutageBegan {
        epoch: run.epoch,
        host: "crm.example".into(),
        until: after(600),
    };
    apply(&store, run.run, outage, None, after(61)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(after(600)));
    let again = claim(&store, 1, after(661)).await.remove(0);
    assert_eq!((again.number.0, again.opening.retry_since.0), (2, 0));
    let state = state(&store, run.run).await;
    assert_eq!((state.status, state.failures), (Status::Running, 0));
    assert_eq!(state.not_counted, SignedDuration::from_secs(600));
}

/// Another one may have become active meanwhile; it is for runs that have not begun.
pub async fn retries_stay_on_the_deployment_that_began(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    fails(&store, &run, after(60)).await;
    activate(&store, &shop(), Environment::Sandbox, 2).await;
    accept(&store, conversation(2), after(61)).await;
    let mut claimed = claim(&store, 2, after(120)).await;
    claimed.sort_by_key(|run| run.run);
    let deployments: Vec<_> = claimed.iter().map(|run| run.deployment).collect();
    assert_eq!(deployments, [deployment_id(1), deployment_id(2)]);
}

/// The step would be allowed, but nothing of it is kept.
pub async fn a_report_for_another_attempt_is_refused_whole(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let before = store.run(run.run).await.unwrap();
    let wrong = report(AttemptNumber(7), after(61));
    let error = refused(&store, run.run, returned(&run), Some(wrong), after(61)).await;
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    assert!(!error.can_pass());
    assert_eq!(store.run(run.run).await.unwrap(), before);
    assert_eq!(store.health().await.unwrap().runs, [("running".to_owned(), 1)]);
}

/// It ended all the same.
pub async fn a_failed_attempt_without_a_report_tells_its_code(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    apply(&store, run.run, failed(&run), None, after(61)).await;
    let detail = store.run(run.run).await.unwrap().unwrap();
    let [attempt] = &detail.attempts[..] else {
        panic!("{detail:?}")
    };
    let code = match &attempt.end {
        Some(AttemptEnd::Failed { code, .. }) => Some(*code),
        _ => None,
    };
    assert_eq!(
        (code, attempt.ended_at),
        (Some(Code::FunctionRaised), Some(after(61)))
    );
    assert_eq!(detail.summary.state.last_error, code);
}

/// Also if what it is of cannot be told any more.
pub async fn a_stranded_run_is_told_until_it_goes_on(store: Given) {
    queued(&store, 1..3).await;
    for run in claim(&store, 2, after(60)).await {
        for _ in 0..2 {
            let why = StoreError::Damaged("a row is missing".into());
            store.strand(run.run, why, after(61)).await;
        }
    }
    store
        .strand(run_id(9), StoreError::Sealed("a key".into()), after(62))
        .await;
    let told = store.health().await.unwrap().stranded;
    let runs: Vec<_> = told.iter().map(|one| (one.run, one.of.is_some())).collect();
    assert_eq!(runs, [(run_id(1), true), (run_id(2), true), (run_id(9), false)]);
    assert_eq!(told[0].of, Some((shop(), Environment::Sandbox)));
    assert_eq!(
        (told[0].code, told[0].message.as_str(), told[0].since),
        (Code::StoreFailed, "a row is missing", after(61))
    );
    apply(&store, run_id(1), Event::CancelRequested, None, after(70)).await;
    let told = store.health().await.unwrap().stranded;
    assert_eq!(told[0].run, run_id(2));
    // The next boot takes it back as any other.
    let orphans = store.orphans(boot(2), 10).await.unwrap();
    assert_eq!(orphans.iter().map(|one| one.run).collect::<Vec<_>>(), [run_id(2)]);
}
