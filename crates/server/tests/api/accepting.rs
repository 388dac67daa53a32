//! One conversation by itself.

use std::sync::atomic::Ordering;

use domain::Environment;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::client::{get, post};
use crate::house::{House, Plan, conversation};

#[tokio::test]
async fn a_conversation_is_accepted_and_its_run_queued() {
    let house = House::with_support().await;
    let answer = house.send(conversation("call-1")).await;
    assert_snapshot!(answer.told());
    assert_eq!(house.engine.wakes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_same_again_is_the_same_run_however_it_is_written() {
    let house = House::with_support().await;
    let first = house.send(conversation("call-1")).await;
    let again = house.send(conversation("call-1")).await;
    assert_snapshot!(again.told());
    assert_eq!(again.json()["run_id"], first.json()["run_id"]);
    let reordered = r#"{ "state": {"tries":2, "topic":"delivery"}, "turns": [{"text":"Hello.","role":"agent"},
        {"role":"user","text":"Hi."}], "callee_number":"+15550199", "caller_number":"\u002b15550100", "channel":"voice", "id":"call-1" }"#;
    let answer = house
        .ask(post("/v1/conversations?project=support").text(reordered))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["run_id"]),
        (200, &first.json()["run_id"])
    );
}

#[tokio::test]
async fn other_content_under_the_same_id_is_refused_and_shown() {
    let house = House::with_support().await;
    house.send(conversation("call-1")).await;
    let mut other = conversation("call-1");
    other["turns"][1]["text"] = "Hi there.".into();
    other["state"]["tries"] = json!(2.0);
    other["language"] = "en-GB".into();
    other.as_object_mut().unwrap().shift_remove("callee_number");
    assert_snapshot!(house.send(other).await.told());
    let kept = house.read("/v1/conversations/call-1").await;
    assert_eq!(kept["document"], conversation("call-1"));
}

#[tokio::test]
async fn a_key_that_may_not_read_conversations_learns_where_they_differ_and_not_what_is_kept() {
    let house = House::with_support().await;
    let mut kept = conversation("call-1");
    kept["caller_number"] = json!("+15550142");
    kept["state"] = json!({"card": "kept in confidence"});
    let first = house.send(kept.clone()).await.json()["run_id"].clone();
    let mut guess = json!({"id": "call-1", "turns": [{"role": "user", "text": "a guess"}]});
    guess["state"] = json!({"card": null});
    for (scope, may_read) in [("ingest", false), ("operate", true), ("admin", true)] {
        let key = house.key(scope, Some("support"), &["sandbox"]).await;
        let alone = post("/v1/conversations").key(&key).json(guess.clone());
        let batch = post("/v1/conversations").key(&key).ndjson(guess.to_string());
        let alone = alone.over_tcp(house.address).await;
        let batch = batch.over_tcp(house.address).await.lines().remove(0);
        assert_eq!(alone.status, 409);
        for problem in [alone.json(), batch["problem"].clone()] {
            assert_eq!(problem["kept_run_id"], first, "{scope}: {problem}");
            let differences = problem["differences"].as_array().unwrap();
            let at = |path: &str| {
                let found = differences.iter().find(|one| one["path"] == path);
                found.unwrap_or_else(|| panic!("{scope}: {path} is missing in {problem}"))
            };
            assert_eq!(at("/state/card")["sent"], Value::Null);
            assert!(at("/state/card").as_object().unwrap().contains_key("sent"));
            assert_eq!(at("/caller_number").get("kept").is_some(), may_read, "{scope}");
            let told = problem.to_string();
            for secret in ["+15550142", "kept in confidence"] {
                assert_eq!(told.contains(secret), may_read, "{scope}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_without_an_active_deployment_is_held_and_says_so() {
    let house = House::with_support().await;
    let live = json!({"id": "call-1", "environment": "live"});
    assert_snapshot!(house.send(live).await.told());
    assert_eq!(house.engine.wakes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_environment_is_said_by_the_body_or_the_query_and_else_is_sandbox() {
    let house = House::with_support().await;
    for (id, body, query, expected) in [
        ("a", None, "", "sandbox"),
        ("b", None, "&environment=pre_release", "pre-release"),
        ("c", Some("live"), "&environment=live", "live"),
        ("d", Some("pre_release"), "", "pre-release"),
    ] {
        let ask = post(&format!("/v1/conversations?project=support{query}"));
        let answer = house.ask(ask.json(json!({"id": id, "environment": body}))).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let found = house.read(&format!("/v1/conversations/{id}")).await;
        assert_eq!(found["environment"], expected, "{id}");
    }
    let ask = post("/v1/conversations?project=support&environment=sandbox");
    let answer = house
        .ask(ask.json(json!({"id": "e", "environment": "live"})))
        .await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, "AC0705".into()));
    let error = &answer.json()["errors"][0];
    assert_eq!(
        (&error["path"], &error["found"]),
        (&json!("/environment"), &json!("live"))
    );
}

#[tokio::test]
async fn the_project_may_be_left_out_only_where_there_is_one() {
    let house = House::with_support().await;
    let answer = house
        .ask(post("/v1/conversations").json(conversation("call-1")))
        .await;
    assert_eq!(answer.status, 202);
    let bound = house.key("ingest", Some("support"), &["sandbox"]).await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    // A project that another way than this server made is found as soon as it is asked for.
    let answer = house
        .ask(post("/v1/conversations?project=sales").json(conversation("call-1")))
        .await;
    assert_eq!(answer.status, 202);
    assert_snapshot!(
        house
            .ask(post("/v1/conversations").json(conversation("call-2")))
            .await
            .told()
    );
    let answer = post("/v1/conversations").key(&bound).json(conversation("call-2"));
    assert_eq!(answer.over_tcp(house.address).await.status, 202);
}

#[tokio::test]
async fn what_is_not_a_conversation_is_refused_by_field() {
    let house = House::with_support().await;
    let bad = json!({
        "id": "call-1",
        "direction": "sideways",
        "turns": [{"role": "agent", "text": "Hello."}, {"role": "user", "text": 7}],
        "started_at": "yesterday"
    });
    assert_snapshot!("not_a_conversation", house.send(bad).await.told());
    let ask = post("/v1/conversations?project=support");
    assert_snapshot!(
        "not_json",
        house.ask(ask.clone().text("{\"id\": 'call-1'}")).await.told()
    );
    assert_snapshot!("empty_body", house.ask(ask.clone().text("")).await.told());
    assert_snapshot!(
        "a_key_twice",
        house.ask(ask.text(r#"{"id": "a", "id": "b"}"#)).await.told()
    );
    assert_eq!(house.read("/v1/runs").await["runs"], json!([]));
}

#[tokio::test]
async fn what_the_request_itself_lacks_is_named() {
    let house = House::with_support().await;
    let conversation = conversation("call-1").to_string();
    let form = post("/v1/conversations").bytes("application/x-www-form-urlencoded", conversation.clone());
    assert_snapshot!("wrong_media_type", house.ask(form).await.told());
    let misspelt = post("/v1/conversations?enviroment=live").text(&conversation);
    assert_snapshot!("misspelt_parameter", house.ask(misspelt).await.told());
    let unknown = post("/v1/conversations?project=suport").text(&conversation);
    assert_snapshot!("unknown_project", house.ask(unknown).await.told());
    let nowhere = post("/v1/conversations?environment=production").text(&conversation);
    assert_snapshot!("unknown_environment", house.ask(nowhere).await.told());
    let packed = post("/v1/conversations")
        .text(&conversation)
        .header("content-encoding", "gzip");
    assert_snapshot!("encoded_body", house.ask(packed).await.told());
}

#[tokio::test]
async fn a_full_queue_refuses_with_a_time_to_come_back_and_keeps_nothing() {
    let house = House::with_support_and(Plan {
        queue_limit: 2,
        ..Plan::default()
    })
    .await;
    assert_eq!(house.send(conversation("call-1")).await.status, 202);
    assert_eq!(house.send(conversation("call-2")).await.status, 202);
    assert_snapshot!(house.send(conversation("call-3")).await.told());
    assert_eq!(
        house.send(conversation("call-1")).await.status,
        200,
        "what is known is answered all the same"
    );
    assert_eq!(house.read("/v1/runs").await["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_document_may_name_its_project_but_not_another_than_the_request() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    let of = |id: &str, project: &str| json!({"id": id, "project": project});
    let send = |path: &'static str, body| house.ask(post(path).json(body));
    let taken = send("/v1/conversations", of("call-1", "sales")).await;
    assert_eq!(taken.status, 202, "{:?}", taken.body);
    assert_eq!(house.read("/v1/conversations/call-1").await["project"], "sales");
    let same = send("/v1/conversations?project=sales", of("call-1", "sales")).await;
    assert_eq!(same.status, 200, "{:?}", same.body);
    let both = send("/v1/conversations?project=support", of("call-2", "sales")).await;
    assert_snapshot!("two_projects", both.told());
    assert_eq!(
        send("/v1/conversations", of("call-3", "market")).await.code(),
        "AC0107"
    );
    assert_eq!(
        send("/v1/conversations", of("call-4", "No Name")).await.code(),
        "AC0705"
    );
    let key = house.key("ingest", Some("support"), &["sandbox"]).await;
    let foreign = post("/v1/conversations").json(of("call-5", "sales")).key(&key);
    assert_eq!(foreign.over_tcp(house.address).await.code(), "AC0703");

    // Line by line, and one that says nothing is told what is missing.
    let lines = format!(
        "{}\n{}\n{}\n",
        of("a", "sales"),
        of("b", "support"),
        json!({"id": "c"})
    );
    let answers = house.ask(post("/v1/conversations").ndjson(lines)).await.lines();
    let statuses: Vec<_> = answers.iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [202, 202, 400]);
    for (id, project) in [("a", "sales"), ("b", "support")] {
        assert_eq!(
            house.read(&format!("/v1/conversations/{id}")).await["project"],
            project
        );
    }
}

#[tokio::test]
async fn a_platform_that_tells_of_a_call_in_several_events_adds_revisions() {
    let house = House::with_support().await;
    let tell = |document: Value| post("/v1/conversations?project=support&source=dialer").json(document);
    let ended = json!({"id": "call-1", "turns": [{"role": "user", "text": "Hello."}]});
    let analysed =
        json!({"id": "call-1", "turns": [{"role": "user", "text": "Hello."}], "summary": "a greeting"});
    let first = house.ask(tell(ended.clone())).await;
    assert_eq!(first.status, 202);
    let run = first.json()["run_id"].clone();
    for (document, revision) in [
        (&analysed, json!(2)),
        (&analysed, Value::Null),
        (&ended, Value::Null),
    ] {
        let answer = house.ask(tell(document.clone())).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let answer = answer.json();
        assert_eq!((&answer["run_id"], &answer["revision"]), (&run, &revision));
    }
    let found = house.read("/v1/conversations/call-1").await;
    assert_eq!((&found["document"], &found["source"]), (&ended, &json!("dialer")));
    assert_eq!(found["revisions"][0]["number"], 2);
    assert_eq!(found["runs"].as_array().unwrap().len(), 1);
    let later = house.read("/v1/conversations/call-1?revision=2").await;
    assert_eq!(later["document"], analysed);
    let none = house.ask(get("/v1/conversations/call-1?revision=3")).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "AC0704".into()));

    let bad = post("/v1/conversations?project=support&source=My%20Dialer").json(ended.clone());
    let bad = house.ask(bad).await;
    assert_eq!((bad.status.as_u16(), bad.code()), (400, "AC0705".into()));
    // Handed in by ourselves it is another conversation, which stays as it is.
    let native = |document: &Value| post("/v1/conversations?project=support").json(document.clone());
    assert_eq!(house.ask(native(&ended)).await.status, 202);
    assert_eq!(house.ask(native(&analysed)).await.status, 409);
}
