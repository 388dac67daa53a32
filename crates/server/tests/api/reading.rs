//! Runs and conversations, read back.

use domain::run::{Event, Policy};
use domain::{AttemptNumber, Environment};
use insta::assert_snapshot;
use serde_json::json;
use store::Store as _;

use crate::attempts::{claim, fail, succeed};
use crate::client::{get, post, pretty};
use crate::house::{House, conversation};

async fn ids(house: &House, query: &str) -> Vec<String> {
    let list = house.read(&format!("/v1/runs?{query}")).await;
    let runs = list["runs"].as_array().unwrap().iter();
    runs.map(|run| run["external_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_run_tells_everything_from_its_first_failure_to_its_end() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let path = format!("/v1/runs/{run}");
    assert_snapshot!("queued", pretty(&house.read(&path).await));
    fail(&house).await;
    assert_snapshot!("in_backoff", pretty(&house.read(&path).await));
    house.tick(60);
    let claimed = claim(&house).await;
    assert_snapshot!("running", pretty(&house.read(&path).await["run"]));
    let event = Event::Released { epoch: claimed.epoch };
    house
        .store
        .apply(run, event, None, &Policy::default(), house.now())
        .await
        .unwrap();
    succeed(&house).await;
    assert_snapshot!("succeeded", pretty(&house.read(&path).await));
    // Documents of our own read back by their own types, as the command line does.
    let detail: api::RunDetail = serde_json::from_value(house.read(&path).await).unwrap();
    assert_eq!(detail.run.attempts, AttemptNumber(3));
}

#[tokio::test]
async fn logs_are_those_of_the_attempt_that_is_asked_for() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let none = house.read(&format!("/v1/runs/{run}/logs")).await;
    assert_eq!(
        none,
        json!({"run_id": run.to_string(), "attempt": 0, "outcome": null, "logs": []})
    );
    fail(&house).await;
    house.tick(60);
    succeed(&house).await;
    assert_snapshot!(
        "logs_of_the_last_attempt",
        house.read(&format!("/v1/runs/{run}/logs")).await
    );
    let first = house.read(&format!("/v1/runs/{run}/logs?attempt=1")).await;
    assert_eq!(first["logs"][0]["content"], "attempt 1");
    assert_snapshot!(
        "no_such_attempt",
        house
            .ask(get(&format!("/v1/runs/{run}/logs?attempt=3")))
            .await
            .told()
    );
}

#[tokio::test]
async fn a_conversation_is_shown_as_it_was_sent_with_what_became_of_it() {
    let house = House::with_support().await;
    let text =
        r#"{"id":"call/1 é","big":123456789012345678901234567890,"exact":1.10,"unknown":{"z":1,"a":2}}"#;
    let answer = house.ask(post("/v1/conversations").text(text)).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    succeed(&house).await;
    let answer = house.ask(get("/v1/conversations/call%2F1%20%C3%A9")).await;
    assert!(
        answer
            .body
            .windows(text.len())
            .any(|part| part == text.as_bytes()),
        "{:?}",
        answer.body
    );
    assert_snapshot!(pretty(&answer.json()));
    let view: api::ConversationView = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(view.document.get(), text);
}

#[tokio::test]
async fn a_conversation_is_found_by_our_own_id_by_those_who_may_see_it() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    let answer = house.send(conversation("call-1")).await.json();
    let own = format!(
        "/v1/conversations/{}",
        answer["conversation_id"].as_str().unwrap()
    );
    assert_eq!(
        house.read(&own).await,
        house.read("/v1/conversations/call-1").await
    );
    let stranger = house.key("operate", Some("sales"), &["sandbox"]).await;
    let answer = get(&own).key(&stranger).over_tcp(house.address).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (404, "AC0704".into()));
}

#[tokio::test]
async fn nobody_hides_a_conversation_by_sending_another_under_its_own_id() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    let send = |project: &str, id: &str| {
        house.ask(post(&format!("/v1/conversations?project={project}")).json(conversation(id)))
    };
    let first = send("support", "call-1").await.json()["conversation_id"].clone();
    let path = format!("/v1/conversations/{}", first.as_str().unwrap());
    for project in ["sales", "support"] {
        assert_eq!(send(project, first.as_str().unwrap()).await.status, 202);
    }
    let shown = house.read(&path).await;
    assert_eq!(
        (&shown["conversation_id"], &shown["external_id"]),
        (&first, &json!("call-1"))
    );
    let others: Vec<_> = shown["others"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["project"].clone())
        .collect();
    assert_eq!(others, ["support", "sales"], "newest first");

    // Each sees its own, and of the others nothing.
    for (project, external_id, others) in [("support", "call-1", 1), ("sales", first.as_str().unwrap(), 0)] {
        let key = house.key("operate", Some(project), &["sandbox"]).await;
        let shown = get(&path).key(&key).over_tcp(house.address).await.json();
        assert_eq!(
            (&shown["project"], &shown["external_id"]),
            (&json!(project), &json!(external_id))
        );
        assert_eq!(shown["others"].as_array().unwrap().len(), others, "{shown}");
    }
}

#[tokio::test]
async fn an_id_that_several_projects_have_names_the_others() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    house.send(conversation("call-1")).await;
    house
        .ask(post("/v1/conversations?project=sales").json(conversation("call-1")))
        .await;
    house
        .ask(post("/v1/conversations?project=sales&environment=live").json(conversation("call-1")))
        .await;
    let found = house.read("/v1/conversations/call-1?project=sales").await;
    assert_eq!(
        (&found["environment"], found["others"].as_array().unwrap().len()),
        (&json!("live"), 1)
    );
    let found = house.read("/v1/conversations/call-1").await;
    assert_snapshot!(pretty(&found["others"]));
    assert_eq!(
        found["runs"].as_array().unwrap().len(),
        1,
        "runs of others are not its own"
    );
}

#[tokio::test]
async fn runs_are_found_by_everything_that_is_known_of_them() {
    let house = House::with_support().await;
    for id in ["a", "b", "c"] {
        house.send(conversation(id)).await;
        house.tick(10);
    }
    let other = json!({"id": "d", "environment": "live", "caller_number": "+15550177"});
    house.send(other).await;
    succeed(&house).await;

    assert_eq!(ids(&house, "").await, ["d", "c", "b", "a"]);
    assert_eq!(ids(&house, "status=succeeded").await, ["a"]);
    assert_eq!(
        ids(&house, "status=succeeded,queued&environment=sandbox").await,
        ["c", "b", "a"]
    );
    assert_eq!(ids(&house, "environment=live").await, ["d"]);
    assert_eq!(ids(&house, "number=%2B15550177").await, ["d"]);
    assert_eq!(ids(&house, "number=%2B15550199").await, ["c", "b", "a"]);
    assert_eq!(ids(&house, "conversation=b").await, ["b"]);
    assert_eq!(ids(&house, "deployment=A1A1A1").await, ["a"]);
    assert_eq!(ids(&house, "since=2026-01-05T10:00:20Z").await, ["d", "c"]);
    assert_eq!(ids(&house, "project=support").await.len(), 4);
    assert_snapshot!(pretty(&house.read("/v1/runs?limit=2").await));
}

#[tokio::test]
async fn pages_of_runs_are_disjoint_and_together_all() {
    let house = House::with_support().await;
    for number in 0..7 {
        house.send(json!({"id": format!("c-{number}")})).await;
    }
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = house.read(&format!("/v1/runs?limit=3{after}")).await;
        all.extend(
            page["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| run["external_id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(all, ["c-6", "c-5", "c-4", "c-3", "c-2", "c-1", "c-0"]);
}

#[tokio::test]
async fn questions_that_make_no_sense_are_answered_by_what_would() {
    let house = House::with_support().await;
    for (name, query) in [
        ("bad_status", "status=done"),
        ("bad_limit", "limit=0"),
        ("bad_since", "since=yesterday"),
        ("bad_after", "after=7"),
        ("twice", "limit=1&limit=2"),
        ("bad_deployment", "deployment=xyz"),
        ("unknown_deployment", "deployment=abcd"),
    ] {
        assert_snapshot!(name, house.ask(get(&format!("/v1/runs?{query}"))).await.told());
    }
    assert_snapshot!("no_such_run", house.ask(get("/v1/runs/call-1")).await.told());
    assert_snapshot!(
        "no_such_conversation",
        house.ask(get("/v1/conversations/call-1")).await.told()
    );
}
