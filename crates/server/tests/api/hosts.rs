//! The hosts that runs wait for, and what an operator has stopped.

use domain::AttemptEnd;
use domain::run::{Event, Policy};
use insta::assert_snapshot;
use serde_json::{Value, json};
use store::Store as _;

use crate::attempts::{claim, report};
use crate::client::{get, post};
use crate::house::House;

/// A run that waits for this origin.
async fn waits(house: &House, id: &str, origin: &str) {
    house.run_of(id).await;
    let claimed = claim(house).await;
    let out = Event::OutageBegan {
        epoch: claimed.epoch,
        host: origin.to_owned(),
        until: house.now() + std::time::Duration::from_secs(600),
    };
    let left = report(house, &claimed, AttemptEnd::Waiting);
    house
        .store
        .apply(claimed.run, out, Some(left), &Policy::default(), house.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_paused_is_stopped_kept_and_let_go_on_one_after_the_other() {
    let house = House::with_support().await;
    waits(&house, "call-1", "https://crm.example.com:8443").await;
    waits(&house, "call-2", "https://crm.example.com:8443").await;
    let pause = |body: Value| post("/v1/pauses").json(body);
    let crm = json!({"host": "CRM.example.com"});
    assert_snapshot!("paused", house.ask(pause(crm.clone())).await.told());
    assert_eq!(house.ask(pause(crm.clone())).await.json()["changed"], false);
    assert_snapshot!("hosts", house.ask(get("/v1/hosts")).await.told());
    assert_eq!(house.app().flow.pauses().len(), 1);
    assert_eq!(
        house.store.pauses().await.unwrap().len(),
        1,
        "it is kept over a restart"
    );
    assert_snapshot!(
        "no_host",
        house
            .ask(pause(json!({"host": "https://crm.example.com/"})))
            .await
            .told()
    );

    let listed = house.read("/v1/runs").await;
    assert_eq!(listed["runs"][0]["waiting_for"], "https://crm.example.com:8443");
    let resume = || post("/v1/resumptions").json(crm.clone());
    assert_snapshot!("resumed", house.ask(resume()).await.told());
    assert_eq!(house.app().flow.pauses().len(), 0);
    let due: Vec<_> = house.read("/v1/runs").await["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["status"].clone(), run["next"]["at"].clone()))
        .collect();
    let at = |text: &str| (json!("queued"), json!(text));
    assert_eq!(due, [at("2026-01-05T10:00:00.05Z"), at("2026-01-05T10:00:00Z")]);
    assert_eq!(house.ask(resume()).await.json()["changed"], false);
}

#[tokio::test]
async fn a_key_stops_only_what_is_its_own() {
    let house = House::with_support().await;
    waits(&house, "call-1", "https://crm.example.com").await;
    let bound = house
        .key("operate", Some("sales"), &["sandbox", "pre-release", "live"])
        .await;
    let told = get("/v1/hosts").key(&bound).over_tcp(house.address).await.json();
    assert_eq!(told["hosts"], json!([]));
    let pause = |key: &str, body: Value| post("/v1/pauses").key(key).json(body).over_tcp(house.address);
    let own = pause(&bound, json!({})).await.json();
    assert_eq!(own["pauses"][0]["project"], "sales");
    assert_eq!(
        pause(&bound, json!({"project": "support"})).await.code(),
        "AC0703"
    );
    let sandbox = house.key("operate", None, &["sandbox"]).await;
    assert_eq!(pause(&sandbox, json!({})).await.code(), "AC0703");
    assert_eq!(
        pause(&sandbox, json!({"environment": "live"})).await.code(),
        "AC0703"
    );
    assert_eq!(
        pause(&sandbox, json!({"environment": "sandbox"})).await.json()["changed"],
        true
    );
}
