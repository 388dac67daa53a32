//! The server about itself.

use std::sync::atomic::Ordering;

use domain::{Code, DeploymentId, Environment, ForkWay, RunId};
use insta::assert_snapshot;
use serde_json::json;
use store::Store as _;
use uuid::Uuid;

use crate::client::{delete, get, post, pretty};
use crate::house::{House, Plan, conversation};

fn zygote(project: &str) -> api::ZygoteView {
    api::ZygoteView {
        deployment: DeploymentId::from_bytes([0xa1; 32]),
        project: project.parse().unwrap(),
        pid: 4711,
        fork_way: ForkWay::RawFork,
        reason: "one thread, no extension modules".to_owned(),
        children: 1,
        confinement: "landlock, seccomp".to_owned(),
    }
}

#[tokio::test]
async fn status_tells_queue_runner_confinement_and_store() {
    let house = House::with_support().await;
    house.send(conversation("call-1")).await;
    house.send(json!({"id": "call-2", "environment": "live"})).await;
    *house.engine.zygotes.lock().unwrap() = vec![zygote("support"), zygote("sales")];
    house.tick(3661);
    assert_snapshot!(pretty(&house.read("/v1/status").await));
    let bound = house.key("operate", Some("support"), &["sandbox"]).await;
    let seen = get("/v1/status").key(&bound).over_tcp(house.address).await.json();
    assert_eq!(
        seen["runner"]["zygotes"].as_array().unwrap().len(),
        1,
        "another project's zygote was shown"
    );
}

#[tokio::test]
async fn status_tells_whoever_may_see_them_whose_runs_cannot_begin() {
    let house = House::with_support().await;
    let stuck = |environment| api::CannotBeginView {
        deployment: DeploymentId::from_bytes([0xa1; 32]),
        project: "support".parse().unwrap(),
        environment: Some(environment),
        code: Code::CouldNotStart,
        message: "no process".to_owned(),
        since: house.now(),
    };
    *house.engine.cannot_begin.lock().unwrap() =
        [Environment::Sandbox, Environment::Live].map(stuck).to_vec();
    let bound = house.key("operate", Some("support"), &["live"]).await;
    let seen = get("/v1/status").key(&bound).over_tcp(house.address).await.json();
    assert_snapshot!(pretty(&seen["runner"]["cannot_begin"]));
}

#[tokio::test]
async fn status_tells_whoever_may_see_them_which_runs_are_stranded() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let why = || store::StoreError::Damaged("run … has no open attempt 1".to_owned());
    for one in [run, RunId::from_uuid(Uuid::nil())] {
        house.store.strand(one, why(), house.now()).await;
    }
    assert_snapshot!(pretty(&house.read("/v1/status").await["store"]));
    for (project, environment, count) in [
        ("support", "sandbox", 1),
        ("support", "live", 0),
        ("sales", "sandbox", 0),
    ] {
        let bound = house.key("operate", Some(project), &[environment]).await;
        let seen = get("/v1/status").key(&bound).over_tcp(house.address).await.json();
        let seen = seen["store"]["stranded"].as_array().unwrap().len();
        assert_eq!(seen, count, "{project} in {environment}");
    }
}

#[tokio::test]
async fn the_configuration_is_shown_with_who_set_it() {
    let house = House::new().await;
    assert_snapshot!(pretty(&house.read("/v1/config").await));
}

#[tokio::test]
async fn it_is_ready_only_once_recovered() {
    let house = House::new().await;
    house.engine.recovered.store(false, Ordering::SeqCst);
    assert_snapshot!("not_ready", get("/readyz").over_tcp(house.address).await.told());
    house.engine.recovered.store(true, Ordering::SeqCst);
    assert_snapshot!("ready", get("/readyz").over_tcp(house.address).await.told());
    assert_snapshot!("alive", get("/healthz").over_tcp(house.address).await.told());
}

#[tokio::test]
async fn a_server_that_refuses_every_conversation_is_alive_and_not_ready() {
    let plan = Plan {
        queue_limit: 1,
        ..Plan::default()
    };
    let house = House::with_support_and(plan).await;
    assert_eq!(get("/readyz").over_tcp(house.address).await.status, 200);
    assert_eq!(house.send(conversation("call-1")).await.status, 202);
    assert_snapshot!(
        "not_ready_at_the_limit",
        get("/readyz").over_tcp(house.address).await.told()
    );
    assert_eq!(get("/healthz").over_tcp(house.address).await.status, 200);
    let run = house.read("/v1/runs").await["runs"][0]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        house.ask(post(&format!("/v1/runs/{run}/cancel"))).await.status,
        200
    );
    assert_eq!(get("/readyz").over_tcp(house.address).await.status, 200);
}

#[tokio::test]
async fn a_store_that_is_closed_is_alive_and_not_ready() {
    let house = House::with_support().await;
    store::Store::close(&*house.store).await;
    assert_eq!(get("/healthz").over_tcp(house.address).await.status, 200);
    assert_eq!(get("/readyz").over_tcp(house.address).await.status, 503);
    let answer = post("/v1/conversations")
        .key(&house.admin)
        .json(conversation("call-1"));
    let answer = answer.over_tcp(house.address).await;
    assert!(
        answer.status.is_server_error() && answer.code() == "AC0604",
        "{:?}",
        answer.body
    );
}

#[tokio::test]
async fn ways_that_do_not_exist_are_named() {
    let house = House::new().await;
    assert_snapshot!("no_route", house.ask(get("/v2/runs")).await.told());
    assert_snapshot!("wrong_method", house.ask(delete("/v1/runs")).await.told());
}

#[tokio::test]
async fn whatever_a_request_is_refused_for_is_told_as_a_problem() {
    let house = House::with_support().await;
    for path in [
        "runs/%ff",
        "runs/%ff/logs",
        "conversations/%ff",
        "deployments/%ff",
    ] {
        let answer = house.ask(get(&format!("/v1/{path}"))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "AC0705".into()),
            "{path}"
        );
    }
    for ask in [
        post("/v1/runs/%ff/retry"),
        post("/v1/runs/%ff/cancel"),
        delete("/v1/keys/%ff"),
        get("/v1/runs?status=%ff"),
    ] {
        let answer = house.ask(ask).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "AC0705".into()));
    }
    assert_snapshot!("unreadable_id", house.ask(get("/v1/runs/%ff")).await.told());
    let long = house
        .ask(get(&format!("/v1/runs?after={}", "x".repeat(9000))))
        .await;
    assert_eq!((long.status.as_u16(), long.code()), (414, "AC0705".into()));
    let large = house
        .ask(get("/v1/runs").header("x-large", &"x".repeat(40_000)))
        .await;
    assert_eq!((large.status.as_u16(), large.code()), (431, "AC0705".into()));
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page_and_needs_no_key() {
    let house = House::with_support().await;
    let refused = get("/v1/runs").over_tcp(house.address).await;
    let leads_to = refused.json()["type"].as_str().unwrap().to_owned();
    let page = get(&leads_to).over_tcp(house.address).await;
    assert_eq!(page.status, 200, "{leads_to}");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(text.starts_with(&format!("# {}: ", refused.code())), "{text}");
    let unknown = get("/docs/errors/AC9999.md").over_tcp(house.address).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "AC0704".into()));
    let unreadable = get("/docs/errors/%ff").over_tcp(house.address).await;
    assert_eq!(
        (unreadable.status.as_u16(), unreadable.code()),
        (400, "AC0705".into())
    );
}
