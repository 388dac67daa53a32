//! What nobody can know, a person says.

use domain::effect::{
    Class, EffectNumber, Endpoint, Fingerprint, Head, Intent, Lane, Parked, Phase, Record, Source,
};
use domain::run::{Event, Policy};
use domain::{AttemptEnd, RunId};
use insta::assert_snapshot;
use serde_json::{Value, json};
use store::{ClaimedRun, Store as _};

use crate::attempts::{claim, report};
use crate::client::post;
use crate::house::House;

fn intent(house: &House, run: &ClaimedRun) -> Record {
    let head = Head::Intent(Intent {
        effect: EffectNumber(1),
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
            shape: [1; 32],
        },
        site: "functions/end_function.py:9".into(),
        url: "https://crm.example.com/notes".into(),
        headers: Vec::new(),
        key: None,
        resend: false,
        timed: false,
    });
    Record {
        at: house.now(),
        head,
        body: br#"{"text":"hello"}"#.to_vec(),
    }
}

/// A run whose first attempt was cut off while it sent, and whose second parked for that.
async fn parked(house: &House, id: &str) -> RunId {
    let run = house.run_of(id).await;
    let policy = Policy::default();
    let first = claim(house).await;
    house
        .store
        .record(run, first.epoch, 0, vec![intent(house, &first)])
        .await
        .unwrap();
    let cut = Event::Interrupted { epoch: first.epoch };
    house
        .store
        .apply(run, cut, None, &policy, house.now())
        .await
        .unwrap();
    let second = claim(house).await;
    let asks = Record {
        at: house.now(),
        head: Head::Parked(Parked::Unknown {
            attempt: second.number,
            effect: EffectNumber(1),
        }),
        body: Vec::new(),
    };
    house
        .store
        .record(run, second.epoch, 1, vec![asks])
        .await
        .unwrap();
    let parks = Event::Parked { epoch: second.epoch };
    let left = report(house, &second, AttemptEnd::Parked);
    house
        .store
        .apply(run, parks, Some(left), &policy, house.now())
        .await
        .unwrap();
    run
}

#[tokio::test]
async fn what_a_parked_run_asks_is_said_and_it_goes_on() {
    let house = House::with_support().await;
    let run = parked(&house, "call-1").await;
    let decide = |body: Value| post(&format!("/v1/runs/{run}/decide")).json(body);
    let told = house.read(&format!("/v1/runs/{run}")).await;
    assert_snapshot!("asked", crate::client::pretty(&told["run"]["next"]));
    assert_snapshot!(
        "pair_where_none_is_asked",
        house.ask(decide(json!({"verdict": "keep"}))).await.told()
    );
    let answer = json!({"verdict": "not_sent", "answer": {}});
    assert_eq!(house.ask(decide(answer)).await.code(), "AC0705");
    let wakes = house.engine.wakes.load(std::sync::atomic::Ordering::SeqCst);
    let happened = json!({"verdict": "happened", "answer": {"id": 7}});
    assert_snapshot!("decided", house.ask(decide(happened.clone())).await.told());
    assert!(house.engine.wakes.load(std::sync::atomic::Ordering::SeqCst) > wakes);
    let twice = house.ask(decide(happened)).await.json();
    assert_eq!(
        (&twice["already"], &twice["effects"]),
        (&json!(true), &json!([1]))
    );
    assert_snapshot!(
        "decided_otherwise",
        house.ask(decide(json!({"verdict": "not_sent"}))).await.told()
    );

    let told = house.read(&format!("/v1/runs/{run}")).await;
    let outcome = &told["effects"][0]["sendings"][0]["outcomes"][0];
    assert_eq!(
        (&outcome["source"], &outcome["body"]["text"]),
        (&json!("decision"), &json!(r#"{"id":7}"#))
    );
    assert_eq!(told["parked"][0]["said"], "happened");
}

#[tokio::test]
async fn a_run_is_given_up_and_a_running_one_is_not_decided() {
    let house = House::with_support().await;
    let run = parked(&house, "call-1").await;
    let abort = || post(&format!("/v1/runs/{run}/decide")).json(json!({"verdict": "abort"}));
    let key = house.key("ingest", Some("support"), &["sandbox"]).await;
    assert_eq!(abort().key(&key).over_tcp(house.address).await.code(), "AC0703");
    assert_eq!(house.ask(abort()).await.json()["run"]["status"], "cancelled");
    assert_eq!(house.ask(abort()).await.json()["already"], true);

    let other = house.run_of("call-2").await;
    claim(&house).await;
    let decide = post(&format!("/v1/runs/{other}/decide")).json(json!({"verdict": "happened"}));
    assert_snapshot!("decided_while_it_runs", house.ask(decide).await.told());
}

#[tokio::test]
async fn many_are_decided_by_their_host() {
    let house = House::with_support().await;
    let runs = [parked(&house, "call-1").await, parked(&house, "call-2").await];
    let ask = |body: Value| post("/v1/decisions").json(body);
    assert_snapshot!(
        "decided_without_a_host",
        house
            .ask(ask(json!({"verdict": "happened", "where": {}})))
            .await
            .told()
    );
    let other = house
        .ask(ask(
            json!({"verdict": "happened", "where": {"host": "erp.example.com"}}),
        ))
        .await;
    assert_eq!(
        (other.json()["decided"].clone(), other.json()["looked_at"].clone()),
        (json!([]), json!(2))
    );
    let of_crm =
        |dry: bool| json!({"verdict": "not_sent", "where": {"host": "crm.example.com"}, "dry_run": dry});
    let dry = house.ask(ask(of_crm(true))).await.json();
    assert_eq!(dry["decided"].as_array().unwrap().len(), 2);
    assert_eq!(dry["decided"][0]["run"]["status"], "needs_decision");
    let wet = house.ask(ask(of_crm(false))).await.json();
    assert_eq!(
        wet["decided"].as_array().unwrap().len(),
        2,
        "a dry run changes nothing"
    );
    for run in runs {
        let journal = house.store.journal(run).await.unwrap();
        let Head::Outcome(outcome) = &journal.last().unwrap().head else {
            panic!()
        };
        assert_eq!(
            (outcome.phase, outcome.source, outcome.heard),
            (Phase::NotSent, Source::Decision, false)
        );
        assert_eq!(
            house.read(&format!("/v1/runs/{run}")).await["run"]["status"],
            "queued"
        );
    }
    let bound = house.key("operate", Some("sales"), &["sandbox"]).await;
    let theirs = ask(of_crm(false))
        .key(&bound)
        .over_tcp(house.address)
        .await
        .json();
    assert_eq!(theirs["looked_at"], 0, "another project's key sees none of them");
}
