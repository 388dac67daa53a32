//! The journal of a run's effects.

use domain::Environment;
use domain::effect::{
    Answer, Class, EffectNumber, Endpoint, Fingerprint, Head, Intent, Lane, Outcome, Phase, Record, Source,
};
use domain::run::{Decision, Event, Policy, Status};

use super::given::{self, Given, after, shop};
use crate::{ClaimedRun, Decided, StoreError};

async fn claimed(store: &Given) -> ClaimedRun {
    given::activate(store, &shop(), Environment::Sandbox, 1).await;
    given::accept(store, given::conversation(1), after(0)).await;
    given::claim(store, 1, after(1)).await.remove(0)
}

fn intent(run: &ClaimedRun, effect: u32) -> Record {
    Record {
        at: after(2),
        head: Head::Intent(Intent {
            effect: EffectNumber(effect),
            attempt: run.number,
            lane: Lane::main(),
            class: Class::Write,
            endpoint: Endpoint {
                method: "POST".into(),
                origin: "https://crm.example.com".into(),
                path: "/notes".into(),
            },
            fingerprint: Fingerprint {
                exact: [1; 32],
                shape: [2; 32],
            },
            site: "functions/end_function.py:3".into(),
            url: "https://crm.example.com/notes".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            key: Some(("Idempotency-Key".into(), "k-1".into())),
            resend: false,
            timed: false,
        }),
        body: b"{\"text\": \"hello\"}".to_vec(),
    }
}

fn outcome(run: &ClaimedRun, effect: u32) -> Record {
    Record {
        at: after(3),
        head: Head::Outcome(Outcome {
            effect: EffectNumber(effect),
            attempt: run.number,
            phase: Phase::Done,
            trouble: None,
            message: None,
            answer: Some(Answer {
                status: 201,
                reason: "Created".into(),
                version: "HTTP/1.1".into(),
                headers: vec![("Location".into(), "/notes/7".into())],
            }),
            tries: 1,
            latency_us: 1_500,
            streamed: false,
            expected: false,
            heard: true,
            source: Source::Live,
        }),
        body: vec![0, 159, 146, 150],
    }
}

/// In order, with their bodies, whatever bytes those hold.
pub async fn records_come_back_in_order_as_they_were(store: Given) {
    let run = claimed(&store).await;
    assert_eq!(store.journal(run.run).await.unwrap(), []);
    store
        .record(run.run, run.epoch, 0, vec![intent(&run, 1)])
        .await
        .unwrap();
    store
        .record(run.run, run.epoch, 1, vec![outcome(&run, 1), intent(&run, 2)])
        .await
        .unwrap();
    let all = [intent(&run, 1), outcome(&run, 1), intent(&run, 2)];
    assert_eq!(store.journal(run.run).await.unwrap(), all);
}

/// A stale worker can start nothing.
pub async fn only_the_attempt_that_is_under_way_begins_something(store: Given) {
    let run = claimed(&store).await;
    let released = Event::Released { epoch: run.epoch };
    store
        .apply(run.run, released, None, &Policy::default(), after(4))
        .await
        .unwrap();
    let begin = || store.record(run.run, run.epoch, 0, vec![intent(&run, 1)]);
    assert!(
        matches!(begin().await, Err(StoreError::Refused { .. })),
        "given back"
    );
    let again = given::claim(&store, 1, after(5)).await.remove(0);
    assert!(
        matches!(begin().await, Err(StoreError::Refused { .. })),
        "another epoch has it"
    );
    store
        .record(run.run, again.epoch, 0, vec![intent(&again, 1)])
        .await
        .unwrap();
}

/// It is a fact, whoever has the run now.
pub async fn what_was_begun_is_concluded_also_when_its_epoch_is_over(store: Given) {
    let run = claimed(&store).await;
    store
        .record(run.run, run.epoch, 0, vec![intent(&run, 1)])
        .await
        .unwrap();
    store
        .apply(
            run.run,
            Event::CancelRequested,
            None,
            &Policy::default(),
            after(4),
        )
        .await
        .unwrap();
    store
        .record(run.run, run.epoch, 1, vec![outcome(&run, 1)])
        .await
        .unwrap();
    assert_eq!(store.journal(run.run).await.unwrap().len(), 2);
}

/// Two that think that they are the next: one of them is wrong, and nothing of it is kept.
pub async fn a_number_is_taken_once(store: Given) {
    let run = claimed(&store).await;
    store
        .record(run.run, run.epoch, 0, vec![intent(&run, 1)])
        .await
        .unwrap();
    let twice = store.record(run.run, run.epoch, 0, vec![intent(&run, 2)]).await;
    assert!(twice.is_err(), "{twice:?}");
    assert_eq!(store.journal(run.run).await.unwrap(), [intent(&run, 1)]);
}

fn unknown(store_run: &ClaimedRun) -> Record {
    let Record { at, head, body } = outcome(store_run, 1);
    let head = match head {
        Head::Outcome(outcome) => Head::Outcome(Outcome {
            phase: Phase::NotSent,
            answer: None,
            heard: false,
            source: Source::Decision,
            ..outcome
        }),
        other => other,
    };
    Record { at, head, body }
}

fn decided(run: &ClaimedRun, first: u32, decision: Decision) -> Decided {
    Decided {
        run: run.run,
        epoch: run.epoch,
        first,
        records: vec![unknown(run)],
        event: Event::Decided {
            decision,
            open: 0,
            unsettled_failures: 0,
        },
    }
}

/// The record is there if and only if the run goes on by it.
pub async fn a_decision_is_a_record_and_a_step_or_neither(store: Given) {
    let run = claimed(&store).await;
    let policy = Policy::default();
    store
        .record(run.run, run.epoch, 0, vec![intent(&run, 1)])
        .await
        .unwrap();
    let early = store
        .decide(decided(&run, 1, Decision::NotSent), &policy, after(3))
        .await;
    assert!(
        matches!(early, Err(StoreError::Refused { .. })),
        "it runs: {early:?}"
    );
    given::apply(
        &store,
        run.run,
        Event::Parked { epoch: run.epoch },
        None,
        after(4),
    )
    .await;

    let of_before = store
        .decide(decided(&run, 0, Decision::NotSent), &policy, after(5))
        .await;
    assert!(matches!(of_before, Err(StoreError::Outdated(_))), "{of_before:?}");
    assert_eq!(store.journal(run.run).await.unwrap(), [intent(&run, 1)]);
    assert_eq!(given::state(&store, run.run).await.status, Status::NeedsDecision);

    let applied = store
        .decide(decided(&run, 1, Decision::NotSent), &policy, after(6))
        .await
        .unwrap();
    assert_eq!(applied.state.status, Status::Queued);
    assert_eq!(
        store.journal(run.run).await.unwrap(),
        [intent(&run, 1), unknown(&run)]
    );
    let twice = store
        .decide(decided(&run, 1, Decision::NotSent), &policy, after(7))
        .await;
    assert!(
        matches!(twice, Err(StoreError::Outdated(_))),
        "somebody was first: {twice:?}"
    );

    let again = given::claim(&store, 1, after(8)).await.remove(0);
    given::returns(&store, &again, after(9)).await;
    let of_another_attempt = store
        .decide(decided(&run, 2, Decision::NotSent), &policy, after(10))
        .await;
    assert!(
        matches!(of_another_attempt, Err(StoreError::Outdated(_))),
        "{of_another_attempt:?}"
    );
}
