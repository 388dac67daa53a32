//! What is promised about what attempts leave.

use domain::run::{Command, End, Event};
use domain::{Action, AttemptEnd, Metric};
use serde_json::json;

use super::given::{Given, after, apply, claim, log, queued, report, returned, run_id};

/// Times, usage, logs, metrics, actions, state: in the one commit that ends the run.
pub async fn a_return_keeps_everything_that_the_attempt_left(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let mut left = report(run.number, after(61));
    left.logs = vec![log("first"), log("Grüße, 電話")];
    left.metrics = vec![Metric {
        name: "intent".into(),
        value: json!("billing"),
    }];
    let sms = json!({"kind": "sms", "to_number": "+15550100", "content": "hello"});
    left.actions = vec![serde_json::from_value::<Action>(sms).unwrap()];
    left.state = Some(json!({"phone": "+15550100", "when": {"$type": "date", "value": "2026-01-05"}}));
    let applied = apply(&store, run.run, returned(&run), Some(left.clone()), after(62)).await;
    assert_eq!(applied.commands, [Command::KeepResults]);
    assert_eq!(applied.state.end, Some(End::Succeeded));

    let detail = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(detail.summary.state, applied.state);
    assert_eq!(detail.summary.changed_at, after(62));
    assert_eq!((&detail.metrics, &detail.actions), (&left.metrics, &left.actions));
    assert_eq!(detail.state_after, left.state);
    let attempt = &detail.attempts[0];
    assert_eq!(
        (attempt.end.as_ref(), &attempt.logs),
        (Some(&left.end), &left.logs)
    );
    assert_eq!(
        (attempt.usage, &attempt.confinement),
        (left.usage, &left.confinement)
    );
    assert_eq!(attempt.function_started_at, left.function_started_at);
    assert_eq!(attempt.ended_at, Some(left.ended_at));
}

/// Of a run that a person had attempted once more.
pub async fn results_of_a_later_return_replace_the_earlier(store: Given) {
    queued(&store, 1..2).await;
    for (round, at) in [(1, 100), (2, 200)] {
        let run = claim(&store, 1, after(at)).await.remove(0);
        let mut left = report(run.number, after(at));
        let name = format!("round-{round}");
        let metric = |name: &str| Metric {
            name: name.to_owned(),
            value: json!(round),
        };
        left.metrics = vec![metric(&name), metric("again")];
        left.state = Some(json!({ "round": round }));
        apply(&store, run.run, returned(&run), Some(left), after(at)).await;
        if round == 1 {
            apply(
                &store,
                run.run,
                Event::RetryRequested {
                    deployment: None,
                    again: true,
                },
                None,
                after(150),
            )
            .await;
        }
    }
    let detail = store.run(run_id(1)).await.unwrap().unwrap();
    let names: Vec<_> = detail.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["round-2", "again"]);
    assert_eq!(detail.state_after, Some(json!({"round": 2})));
    assert_eq!(detail.attempts.len(), 2);
}

/// Beside what was queued before, which may have been done. Run again on purpose, it asks for everything once more.
pub async fn a_retry_queues_only_what_was_not_queued_before(store: Given) {
    queued(&store, 1..2).await;
    let mail = |body: &str| -> Action {
        serde_json::from_value(json!({"kind": "email", "to": "a@example.com", "body": body})).unwrap()
    };
    let (a, b, c) = (mail("a"), mail("b"), mail("c"));
    let rounds = [
        (1, vec![&a, &b], vec![&a, &b]),
        (1, vec![&b, &a], vec![&a, &b]),
        // Whoever asks for two alike wants two.
        (0, vec![&a, &c, &a], vec![&a, &b, &c, &a]),
        (0, vec![&b], vec![&a, &b, &c, &a, &b]),
    ];
    for (at, (failures, asked_for, expected)) in (100..).step_by(100).zip(rounds) {
        let run = claim(&store, 1, after(at)).await.remove(0);
        let mut left = report(run.number, after(at));
        left.end = AttemptEnd::Returned {
            unsettled_failures: failures,
        };
        left.actions = asked_for.into_iter().cloned().collect();
        let event = Event::Returned {
            epoch: run.epoch,
            unsettled_failures: failures,
            unheard_unknown: false,
            jitter: 0.5,
        };
        apply(&store, run.run, event, Some(left), after(at)).await;
        let detail = store.run(run_id(1)).await.unwrap().unwrap();
        assert_eq!(detail.actions.iter().collect::<Vec<_>>(), expected, "at {at}");
        let again = Event::RetryRequested {
            deployment: None,
            again: failures == 0,
        };
        apply(&store, run.run, again, None, after(at + 50)).await;
    }
}
