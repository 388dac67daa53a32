//! API keys over the API itself.

use domain::Environment;
use insta::assert_snapshot;
use serde_json::json;

use crate::client::{delete, get, post, pretty};
use crate::house::House;

#[tokio::test]
async fn a_key_is_made_shown_once_listed_and_ended() {
    let house = House::with_support().await;
    let request = json!({
        "label": "crm export", "project": "support", "environments": ["live", "sandbox", "live"], "scope": "ingest"
    });
    let made = house.ask(post("/v1/keys").json(request)).await;
    assert_snapshot!("key_made", made.told());
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let id = made.json()["key"]["id"].as_str().unwrap().to_owned();
    house.tick(60);
    assert_eq!(house.ask(delete(&format!("/v1/keys/{id}"))).await.status, 204);
    house.tick(60);
    assert_eq!(
        house.ask(delete(&format!("/v1/keys/{id}"))).await.status,
        204,
        "ending it again does no harm"
    );
    let listed = house.read("/v1/keys").await;
    assert_snapshot!("keys_listed", pretty(&listed));
    assert!(
        !listed.to_string().contains(&secret[3..20]),
        "a secret was listed"
    );
}

#[tokio::test]
async fn a_bound_admin_key_sees_and_ends_only_keys_that_open_nothing_beyond_it() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Sandbox).await;
    let sandbox = house.key("admin", None, &["sandbox"]).await;
    let support = house.key("admin", Some("support"), &["sandbox", "live"]).await;
    for (project, environments) in [
        (None, vec!["sandbox"]),
        (None, vec!["live"]),
        (None, vec!["sandbox", "live"]),
        (Some("support"), vec!["live"]),
        (Some("support"), vec!["sandbox", "pre-release"]),
        (Some("sales"), vec!["sandbox"]),
    ] {
        house.key("ingest", project, &environments).await;
    }
    let all = house.read("/v1/keys").await["keys"].as_array().unwrap().clone();
    type Within = fn(Option<&str>, &[&str]) -> bool;
    let of_sandbox: Within = |_, environments| environments == ["sandbox"];
    let of_support: Within = |project, environments| {
        project == Some("support") && environments.iter().all(|one| ["sandbox", "live"].contains(one))
    };
    for (own, within, count) in [(&sandbox, of_sandbox, 3), (&support, of_support, 2)] {
        let listed = get("/v1/keys").key(own).over_tcp(house.address).await.json();
        let listed: Vec<_> = listed["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["id"].clone())
            .collect();
        assert_eq!(listed.len(), count, "{listed:?}");
        for key in &all {
            let environments: Vec<_> = key["environments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_str().unwrap())
                .collect();
            let allowed = within(key["project"].as_str(), &environments);
            assert_eq!(listed.contains(&key["id"]), allowed, "{key}");
            // Its own would end it here and now.
            if key["scope"] == "admin" && allowed {
                continue;
            }
            let end = delete(&format!("/v1/keys/{}", key["id"].as_str().unwrap()));
            let ended = end.key(own).over_tcp(house.address).await.status.as_u16();
            assert_eq!(ended, if allowed { 204 } else { 404 }, "{key}");
        }
    }
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_refused_by_field() {
    let house = House::with_support().await;
    for (name, request) in [
        (
            "key_without_label",
            json!({"label": " ", "environments": ["live"], "scope": "ingest"}),
        ),
        (
            "key_without_environments",
            json!({"label": "k", "environments": [], "scope": "ingest"}),
        ),
        (
            "key_of_unknown_scope",
            json!({"label": "k", "environments": ["live"], "scope": "root"}),
        ),
        (
            "key_with_bad_project",
            json!({"label": "k", "project": "A B", "environments": ["live"], "scope": "ingest"}),
        ),
        (
            "key_with_unknown_field",
            json!({"label": "k", "environments": ["live"], "scope": "ingest", "expires": 1}),
        ),
    ] {
        assert_snapshot!(name, house.ask(post("/v1/keys").json(request)).await.told());
    }
    let no_json = post("/v1/keys").text("{\"label\": nope}");
    assert_snapshot!("key_that_is_not_json", house.ask(no_json).await.told());
    assert_eq!(house.read("/v1/keys").await["keys"].as_array().unwrap().len(), 1);
    let nobody = delete("/v1/keys/019b8d99-6900-7000-8000-00000000ffff");
    assert_snapshot!("no_such_key", house.ask(nobody).await.told());
}

#[tokio::test]
async fn a_failure_never_shows_a_secret_in_debug_output() {
    let created = api::CreatedKey {
        key: serde_json::from_value(json!({
            "id": "019b8d99-6900-7000-8000-000000000001", "label": "k", "project": null, "environments": [],
            "scope": "admin", "created_at": "2026-01-05T10:00:00Z", "revoked_at": null
        }))
        .unwrap(),
        secret: "ac_secret".to_owned(),
    };
    assert!(!format!("{created:?}").contains("ac_secret"));
}
