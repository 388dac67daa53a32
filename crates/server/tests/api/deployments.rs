//! Deploying, promoting, rolling back.

use std::collections::BTreeMap;

use domain::Environment;
use insta::assert_snapshot;
use project::Package;
use serde_json::{Value, json};

use crate::client::{Ask, get, post, pretty};
use crate::house::{House, conversation};

fn tar(source: &str) -> Vec<u8> {
    let files = BTreeMap::from([("functions/end_function.py".to_owned(), source.as_bytes().to_vec())]);
    Package::from_files(files).unwrap().to_tar()
}

fn deploy(source: &str) -> Ask {
    post("/v1/deployments?project=support&message=Ask%20for%20the%20postcode").bytes(api::TAR, tar(source))
}

const SOURCE: &str = "def end_function(conv):\n    pass\n";

#[tokio::test]
async fn a_first_deployment_makes_the_project_and_is_active_in_sandbox() {
    let house = House::new().await;
    assert_eq!(house.send(conversation("call-1")).await.code(), "AC0107");
    let answer = house.ask(deploy(SOURCE)).await;
    assert_snapshot!("deployed", answer.told());
    let again = house.ask(deploy(SOURCE)).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["new"]),
        (200, &json!(false))
    );
    assert_eq!(
        again.json()["deployment"]["id"],
        answer.json()["deployment"]["id"]
    );
    assert_eq!(house.send(conversation("call-1")).await.status, 202);
    assert_snapshot!(
        "listed",
        pretty(&house.read("/v1/deployments?project=support").await)
    );
}

#[tokio::test]
async fn what_is_no_project_is_refused_with_file_and_fix() {
    let house = House::new().await;
    let ask = |body: Vec<u8>| post("/v1/deployments?project=support").bytes(api::TAR, body);
    let archive = |files: &[(&str, &str)]| {
        let mut builder = Vec::new();
        for (name, content) in files {
            builder.extend(tar_entry(name, content.as_bytes()));
        }
        builder.extend([0; 1024]);
        builder
    };
    assert_snapshot!(
        "no_entry_file",
        house.ask(ask(archive(&[("README.md", "hello")]))).await.told()
    );
    assert_snapshot!("no_archive", house.ask(ask(vec![7; 2048])).await.told());
    let bad_config = archive(&[
        ("end_function.py", SOURCE),
        ("project.yaml", "aftercall:\n  limits:\n    memory_mb: lots\n"),
    ]);
    assert_snapshot!("bad_configuration", house.ask(ask(bad_config)).await.told());
    let form = post("/v1/deployments?project=support").bytes("application/gzip", tar(SOURCE));
    assert_snapshot!("archive_of_another_type", house.ask(form).await.told());
    let unnamed = post("/v1/deployments").bytes(api::TAR, tar(SOURCE));
    assert_snapshot!("deploy_without_a_project", house.ask(unnamed).await.told());
    let misnamed = post("/v1/deployments?project=My%20Project").bytes(api::TAR, tar(SOURCE));
    assert_snapshot!("bad_project_name", house.ask(misnamed).await.told());
    assert_eq!(house.read("/v1/status").await["queue"]["unfinished"], 0);
}

/// One file of a tar archive, by hand.
fn tar_entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

#[tokio::test]
async fn a_deployment_is_named_by_any_prefix_that_only_it_has() {
    let house = House::new().await;
    let first = house.deploy("support", 0xaa, Environment::Sandbox).await;
    let mut near = *first.as_bytes();
    near[3] = 0xab;
    let near = domain::DeploymentId::from_bytes(near);
    let facts = crate::house::facts(&"support".parse().unwrap(), near);
    store::Store::put_deployment(&*house.store, store::DeploymentRecord { facts })
        .await
        .unwrap();

    assert_eq!(
        house.read("/v1/deployments/aaaaaaab").await["id"],
        near.to_string()
    );
    assert_eq!(
        house.read(&format!("/v1/deployments/{first}")).await["active_in"],
        json!(["sandbox"])
    );
    assert_snapshot!(
        "ambiguous_prefix",
        house.ask(get("/v1/deployments/aaaa")).await.told()
    );
    assert_snapshot!(
        "unknown_prefix",
        house.ask(get("/v1/deployments/beef")).await.told()
    );
    assert_snapshot!("short_prefix", house.ask(get("/v1/deployments/aa")).await.told());
}

#[tokio::test]
async fn promoting_frees_what_was_held_and_can_be_taken_back() {
    let house = House::with_support().await;
    house.send(json!({"id": "live-1", "environment": "live"})).await;
    let activate = |deployment: &str| {
        post("/v1/activations")
            .json(json!({"project": "support", "environment": "live", "deployment": deployment}))
    };
    assert_snapshot!("promoted", house.ask(activate("a1a1a1")).await.told());
    let runs = house.read("/v1/runs?environment=live").await;
    assert_eq!(
        (&runs["runs"][0]["status"], &runs["runs"][0]["hold"]),
        (&json!("queued"), &Value::Null)
    );
    house.deploy("support", 0xb2, Environment::Live).await;
    let back = house.ask(activate("a1a1a1")).await.json();
    assert_eq!(
        (&back["previous"], &back["deployment"]),
        (&json!("b2".repeat(32)), &json!("a1".repeat(32)))
    );
    assert_eq!(house.ask(activate("beef")).await.code(), "AC0210");
}

#[tokio::test]
async fn an_activation_that_is_not_understood_names_the_field() {
    let house = House::with_support().await;
    let ask = |body: Value| post("/v1/activations").json(body);
    let bad = json!({"environment": "production", "deployment": "a1a1"});
    assert_snapshot!("activation_bad_environment", house.ask(ask(bad)).await.told());
    assert_snapshot!(
        "activation_without_deployment",
        house.ask(ask(json!({"environment": "live"}))).await.told()
    );
    let none = json!({"project": "sales", "environment": "live", "deployment": "a1a1"});
    assert_eq!(house.ask(ask(none)).await.code(), "AC0107");
}
