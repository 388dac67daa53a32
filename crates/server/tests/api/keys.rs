//! API keys over the API itself.

use insta::assert_snapshot;
use serde_json::json;

use crate::client::{delete, post, pretty};
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
