//! What is promised about what people ask for.

use domain::run::{Command, End, Event, Status};
use domain::{AttemptEnd, AttemptNumber, AttemptReport};

use super::given::{
    Given, after, apply, claim, deployment_id, fails, failure_report, queued, refused, report, returns,
    returns_too_late, run_id, state,
};
use crate::StoreError;

/// What the child still says is of an epoch that is over.
pub async fn cancelling_ends_the_run_and_its_attempt(store: Given) {
    queued(&store, 1..3).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let applied = apply(&store, run.run, Event::CancelRequested, None, after(61)).await;
    assert_eq!(applied.state.end, Some(End::Cancelled));
    assert_eq!(applied.commands, [Command::KillChild { epoch: run.epoch }]);
    let late = returns_too_late(&store, &run, after(62)).await;
    assert!(matches!(late, StoreError::Refused { .. }));
    let detail = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(detail.attempts[0].end, Some(AttemptEnd::Cancelled));
    assert_eq!(detail.attempts[0].ended_at, Some(after(61)));

    let queued = apply(&store, run_id(2), Event::CancelRequested, None, after(61)).await;
    assert_eq!(queued.commands, []);
    assert_eq!(claim(&store, 10, after(100)).await, []);
}

/// Once, and nothing else of it; and nothing of an attempt that ended by itself.
pub async fn what_a_cancelled_attempt_logged_is_kept(store: Given) {
    queued(&store, 1..3).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    apply(&store, run.run, Event::CancelRequested, None, after(61)).await;
    let mut left = report(run.number, after(62));
    left.state = Some(serde_json::json!({"late": true}));
    store
        .keep_cancelled(run.run, run.epoch.next(), failure_report(run.number, after(62)))
        .await
        .unwrap();
    store
        .keep_cancelled(run.run, run.epoch, left.clone())
        .await
        .unwrap();
    let other = AttemptReport {
        logs: Vec::new(),
        confinement: "another".into(),
        ..left.clone()
    };
    store.keep_cancelled(run.run, run.epoch, other).await.unwrap();
    let detail = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(detail.state_after, None);
    let attempt = &detail.attempts[0];
    assert_eq!(
        (attempt.end.as_ref(), attempt.ended_at, &attempt.logs),
        (Some(&AttemptEnd::Cancelled), Some(after(61)), &left.logs)
    );
    assert_eq!(
        (attempt.function_started_at, attempt.usage, &attempt.confinement),
        (left.function_started_at, left.usage, &left.confinement)
    );

    let run = claim(&store, 1, after(70)).await.remove(0);
    returns(&store, &run, after(70)).await;
    let before = store.run(run.run).await.unwrap();
    store.keep_cancelled(run.run, run.epoch, left).await.unwrap();
    assert_eq!(store.run(run.run).await.unwrap(), before);
}

/// Nothing changes.
pub async fn cancelling_what_is_over_is_refused(store: Given) {
    queued(&store, 1..2).await;
    apply(&store, run_id(1), Event::CancelRequested, None, after(60)).await;
    let before = store.run(run_id(1)).await.unwrap();
    let error = refused(&store, run_id(1), Event::CancelRequested, None, after(61)).await;
    assert!(matches!(error, StoreError::Refused { run, .. } if run == run_id(1)));
    assert_eq!(store.run(run_id(1)).await.unwrap(), before);
}

/// Failures count from zero again, attempts are numbered on.
pub async fn a_retry_by_hand_starts_anew_on_the_deployment_asked_for(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    fails(&store, &run, after(60)).await;
    let retry = Event::RetryRequested {
        deployment: Some(deployment_id(7)),
        again: false,
    };
    let applied = apply(&store, run.run, retry, None, after(61)).await;
    assert_eq!(
        (applied.state.status, applied.state.failures),
        (Status::Queued, 0)
    );
    assert_eq!(state(&store, run.run).await, applied.state);
    let again = claim(&store, 1, after(61)).await.remove(0);
    assert_eq!(
        (again.number, again.deployment),
        (AttemptNumber(2), deployment_id(7))
    );
    let detail = store.run(run.run).await.unwrap().unwrap();
    let deployments: Vec<_> = detail.attempts.iter().map(|attempt| attempt.deployment).collect();
    assert_eq!(deployments, [deployment_id(1), deployment_id(7)]);
}

/// It is counted, and what the run shows stays until the next return.
pub async fn what_succeeded_is_run_again_only_on_purpose(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    returns(&store, &run, after(60)).await;
    let before = store.run(run.run).await.unwrap();
    let retry = |again| Event::RetryRequested {
        deployment: None,
        again,
    };
    for event in [retry(false), Event::CancelRequested] {
        let error = refused(&store, run.run, event, None, after(61)).await;
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    }
    assert_eq!(store.run(run.run).await.unwrap(), before);

    let applied = apply(&store, run.run, retry(true), None, after(61)).await;
    assert_eq!((applied.state.status, applied.state.reruns), (Status::Queued, 1));
    assert_eq!(state(&store, run.run).await, applied.state);
}

/// With and without something to keep.
pub async fn an_unknown_run_is_told(store: Given) {
    let error = refused(&store, run_id(1), Event::CancelRequested, None, after(1)).await;
    assert!(matches!(error, StoreError::NoSuchRun(run) if run == run_id(1)));
    let epoch = domain::Epoch(1);
    let left = report(AttemptNumber(1), after(1));
    let error = refused(
        &store,
        run_id(1),
        Event::Interrupted { epoch },
        Some(left),
        after(1),
    )
    .await;
    assert!(matches!(error, StoreError::NoSuchRun(run) if run == run_id(1)));
}
