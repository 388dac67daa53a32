//! Runs, cancelled and retried.

use domain::{Environment, RunId};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::attempts::{claim, fail, succeed};
use crate::client::post;
use crate::house::House;

#[tokio::test]
async fn cancelling_a_running_run_ends_its_child() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let claimed = claim(&house).await;
    let cancel = || post(&format!("/v1/runs/{run}/cancel"));
    assert_snapshot!("cancelled", house.ask(cancel()).await.told());
    assert_eq!(*house.engine.kills.lock().unwrap(), [(run, claimed.epoch)]);
    assert_snapshot!("cancelled_twice", house.ask(cancel()).await.told());
    let detail = house.read(&format!("/v1/runs/{run}")).await;
    assert_eq!(detail["attempts"][0]["outcome"], "cancelled");
}

#[tokio::test]
async fn a_retry_may_name_another_deployment() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let retry = |body: Value| post(&format!("/v1/runs/{run}/retry")).json(body);
    assert_snapshot!("retried_too_early", house.ask(retry(json!({}))).await.told());
    fail(&house).await;
    house.deploy("support", 0xc3, Environment::PreRelease).await;
    house.deploy("sales", 0xd4, Environment::Sandbox).await;
    let another = json!({"deployment": "d4d4"});
    assert_snapshot!(
        "another_projects_deployment",
        house.ask(retry(another.clone())).await.told()
    );
    let bound = house.key("operate", Some("support"), &["sandbox"]).await;
    let told = retry(another).key(&bound).over_tcp(house.address).await.told();
    assert!(
        !told.contains("sales"),
        "who may not know of it is told of it: {told}"
    );
    assert!(told.contains("No deployment's id begins with d4d4"), "{told}");
    assert_snapshot!(
        "misspelt_field",
        house.ask(retry(json!({"deploymnet": "c3c3"}))).await.told()
    );
    assert_snapshot!(
        "retried",
        house.ask(retry(json!({"deployment": "c3c3c3"}))).await.told()
    );
    let again = succeed(&house).await;
    assert_eq!(again.deployment.to_string(), "c3".repeat(32));
}

#[tokio::test]
async fn what_succeeded_is_run_again_only_when_that_is_said() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    succeed(&house).await;
    let retry = || post(&format!("/v1/runs/{run}/retry"));
    assert_snapshot!("retried_though_it_succeeded", house.ask(retry()).await.told());
    let cancelled = house.ask(post(&format!("/v1/runs/{run}/cancel"))).await;
    assert_snapshot!("cancelled_though_it_succeeded", cancelled.told());
    let told = house.read(&format!("/v1/runs/{run}")).await;
    assert_eq!(
        (&told["run"]["status"], &told["run"]["reruns"]),
        (&json!("succeeded"), &Value::Null)
    );

    let answer = house.ask(retry().json(json!({"again": true}))).await.json();
    assert_eq!(
        (&answer["status"], &answer["reruns"]),
        (&json!("queued"), &json!(1))
    );
}

#[tokio::test]
async fn what_people_ask_for_follows_the_policy_of_the_deployment_that_it_is_about() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    let first = fail(&house).await.deployment;
    let other = house.deploy("support", 0xc3, Environment::PreRelease).await;
    for (path, body) in [
        (format!("/v1/runs/{run}/retry"), json!({"deployment": "c3c3c3"})),
        (format!("/v1/runs/{run}/cancel"), json!({})),
        (format!("/v1/runs/{run}/retry"), json!({})),
        (
            "/v1/activations".to_owned(),
            json!({"project": "support", "environment": "live", "deployment": "a1a1a1"}),
        ),
    ] {
        let answer = house.ask(post(&path).json(body)).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    }
    let asked = house.engine.policies.lock().unwrap().clone();
    assert_eq!(asked, [other, other, other, first].map(Some));
}

#[tokio::test]
async fn a_retry_needs_no_body() {
    let house = House::with_support().await;
    let run = house.run_of("call-1").await;
    fail(&house).await;
    let answer = house.ask(post(&format!("/v1/runs/{run}/retry"))).await;
    assert_eq!(answer.json()["status"], "queued");
}

#[tokio::test]
async fn runs_that_do_not_exist_cannot_be_decided() {
    let house = House::with_support().await;
    let nobody: RunId = "019b8d99-6900-7000-8000-00000000ffff".parse().unwrap();
    assert_eq!(
        house.ask(post(&format!("/v1/runs/{nobody}/cancel"))).await.code(),
        "AC0704"
    );
    assert_eq!(house.ask(post("/v1/runs/abc/retry")).await.code(), "AC0704");
}
