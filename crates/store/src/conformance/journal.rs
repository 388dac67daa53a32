//! The journal of a run's effects.

use domain::Environment;
use domain::effect::{
    Answer, Class, EffectNumber, Endpoint, Fingerprint, Head, Intent, Lane, Outcome, Phase, Record, Source,
};
use domain::run::{Event, Policy};

use super::given::{self, Given, after, shop};
use crate::{ClaimedRun, StoreError};

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
