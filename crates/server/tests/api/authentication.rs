//! Who may do what.

use domain::Environment;
use insta::assert_snapshot;
use serde_json::{Value, json};
use server::{ServeError, ServeOptions};

use crate::client::{Ask, delete, get, post};
use crate::house::{House, Plan, conversation};

const NO_RUN: &str = "019b8d99-6900-7000-8000-00000000ffff";

/// Every route but those that anybody may ask, with the scope that it needs.
fn routes() -> Vec<(&'static str, Ask)> {
    let none = || json!({});
    vec![
        ("ingest", post("/v1/conversations").json(conversation("scopes"))),
        ("ingest", get("/v1/runs")),
        ("ingest", get(&format!("/v1/runs/{NO_RUN}"))),
        ("ingest", get(&format!("/v1/runs/{NO_RUN}/logs"))),
        ("operate", get("/v1/conversations/nobody")),
        ("operate", post(&format!("/v1/runs/{NO_RUN}/retry")).json(none())),
        ("operate", post(&format!("/v1/runs/{NO_RUN}/cancel"))),
        ("operate", post(&format!("/v1/runs/{NO_RUN}/decide")).json(none())),
        ("operate", post("/v1/decisions").json(none())),
        ("operate", get("/v1/hosts")),
        ("operate", post("/v1/pauses").json(json!({"host": "a.example"}))),
        (
            "operate",
            post("/v1/resumptions").json(json!({"host": "a.example"})),
        ),
        ("operate", get("/v1/deployments")),
        ("operate", get("/v1/deployments/a1a1")),
        ("operate", get("/v1/status")),
        ("admin", post("/v1/deployments").bytes(api::TAR, "")),
        ("admin", post("/v1/activations").json(none())),
        ("admin", post("/v1/keys").json(none())),
        ("admin", get("/v1/keys")),
        ("admin", delete(&format!("/v1/keys/{NO_RUN}"))),
        ("admin", get("/v1/config")),
    ]
}

#[tokio::test]
async fn every_route_asks_for_a_key_of_its_scope() {
    let house = House::with_support().await;
    let described: Value = serde_json::from_str(&server::OPENAPI_JSON).unwrap();
    let paths = described["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    let open = 4; // /healthz, /readyz, /v1/openapi.json, pages of errors
    assert_eq!(
        operations,
        routes().len() + open,
        "a route is missing from this test"
    );
    let everywhere = ["sandbox", "pre-release", "live"];
    let scopes = ["ingest", "operate", "admin"];
    for (held, scope) in scopes.iter().enumerate() {
        let key = house.key(scope, None, &everywhere).await;
        for (index, (needed, ask)) in routes().into_iter().enumerate() {
            let answer = ask.key(&key).over_tcp(house.address).await;
            let allowed = held >= scopes.iter().position(|one| *one == needed).unwrap();
            assert_eq!(
                answer.status != 403,
                allowed,
                "{scope}, route {index}: {:?}",
                answer.body
            );
        }
    }
    for (_, ask) in routes() {
        let answer = ask.over_tcp(house.address).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "AC0701"));
    }
}

#[tokio::test]
async fn keys_that_do_not_work_are_told_apart_by_why() {
    let house = House::with_support().await;
    let ask = || get("/v1/runs");
    assert_snapshot!("no_key", ask().over_tcp(house.address).await.told());
    let basic = ask()
        .header("authorization", "Basic YTpi")
        .over_tcp(house.address)
        .await;
    assert_eq!(basic.code(), "AC0701");
    let mistyped = house.admin[..house.admin.len() - 1].to_owned() + "!";
    assert_snapshot!(
        "mistyped_key",
        ask().key(&mistyped).over_tcp(house.address).await.told()
    );
    let foreign = House::with(Plan {
        unix_socket: true,
        ..Plan::default()
    })
    .await;
    let stranger = crypto::ApiKeySecret::generate(&crypto::OsEntropy).unwrap();
    assert_snapshot!(
        "unknown_key",
        ask()
            .key(stranger.expose())
            .over_tcp(foreign.address)
            .await
            .told()
    );
    let ingest = house.key("ingest", None, &["sandbox"]).await;
    assert_snapshot!(
        "scope_missing",
        get("/v1/config")
            .key(&ingest)
            .over_tcp(house.address)
            .await
            .told()
    );
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_request_on() {
    let house = House::with_support().await;
    let secret = house.key("ingest", None, &["sandbox"]).await;
    let ask = || get("/v1/runs").key(&secret).over_tcp(house.address);
    assert_eq!(ask().await.status, 200);
    assert_eq!(ask().await.status, 200, "by now it is held in memory");
    let keys = house.read("/v1/keys").await;
    let id = keys["keys"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(house.ask(delete(&format!("/v1/keys/{id}"))).await.status, 204);
    assert_snapshot!(ask().await.told());
}

#[tokio::test]
async fn a_key_sees_and_touches_its_own_project_and_environments_only() {
    let house = House::with_support().await;
    house.deploy("sales", 0xb2, Environment::Live).await;
    let support = house.run_of("s-1").await;
    let ask = post("/v1/conversations?project=sales&environment=live").json(conversation("s-1"));
    let sales = house.ask(ask).await.json()["run_id"].as_str().unwrap().to_owned();
    let key = house.key("admin", Some("support"), &["sandbox"]).await;
    let as_support = |ask: Ask| ask.key(&key).over_tcp(house.address);

    let runs = as_support(get("/v1/runs")).await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    assert_eq!(runs["runs"][0]["run_id"], support.to_string());
    for path in ["", "/logs"] {
        assert_eq!(
            as_support(get(&format!("/v1/runs/{sales}{path}"))).await.status,
            404
        );
    }
    for what in ["retry", "cancel"] {
        assert_eq!(
            as_support(post(&format!("/v1/runs/{sales}/{what}"))).await.status,
            404
        );
    }
    let found = as_support(get("/v1/conversations/s-1")).await.json();
    assert_eq!(
        (&found["project"], &found["others"]),
        (&json!("support"), &json!([]))
    );
    let forbidden = [
        get("/v1/runs?project=sales"),
        get("/v1/runs?environment=live"),
        get("/v1/deployments?project=sales"),
        get("/v1/conversations/s-1?project=sales"),
        get("/v1/config"),
        post("/v1/conversations?project=sales").json(conversation("s-2")),
        post("/v1/conversations").json(json!({"id": "s-3", "environment": "live"})),
        post("/v1/activations").json(json!({"environment": "live", "deployment": "a1a1"})),
        post("/v1/activations")
            .json(json!({"project": "sales", "environment": "sandbox", "deployment": "b2b2"})),
        post("/v1/keys").json(json!({"label": "k", "environments": ["sandbox"], "scope": "admin"})),
        post("/v1/keys")
            .json(json!({"label": "k", "project": "support", "environments": ["live"], "scope": "ingest"})),
        post("/v1/deployments?project=sales").bytes(api::TAR, ""),
    ];
    for (index, ask) in forbidden.into_iter().enumerate() {
        let answer = as_support(ask).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (403, "AC0703"),
            "{index}"
        );
    }
    assert_eq!(as_support(get("/v1/deployments/b2b2")).await.code(), "AC0210");
    assert_eq!(
        as_support(get("/v1/keys")).await.json()["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn over_the_local_socket_the_servers_own_user_needs_no_key() {
    let mut house = House::with(Plan {
        unix_socket: true,
        ..Plan::default()
    })
    .await;
    let socket = house.socket.clone().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(get("/v1/config").over_socket(&socket).await.status, 200);
    let ingest = house.key("ingest", None, &["sandbox"]).await;
    assert_eq!(
        get("/v1/config").key(&ingest).over_socket(&socket).await.status,
        403,
        "a key that is shown counts"
    );
    house.stop();
    (&mut house.stopped).await.unwrap();
    assert!(!socket.exists(), "the socket's file stayed behind");
}

#[tokio::test]
async fn without_keys_only_this_machine_is_served_and_no_other_site() {
    let house = House::with(Plan {
        insecure_no_auth: true,
        ..Plan::default()
    })
    .await;
    let config = || get("/v1/config");
    for host in ["localhost:8700", "127.0.0.1", "[::1]:8700", "LOCALHOST"] {
        assert_eq!(
            config().header("host", host).over_tcp(house.address).await.status,
            200,
            "{host}"
        );
    }
    let rebound = config()
        .header("host", "evil.example:8700")
        .over_tcp(house.address)
        .await;
    assert_snapshot!("rebound_name", rebound.told());
    let crossed = config()
        .header("origin", "https://evil.example")
        .over_tcp(house.address)
        .await;
    assert_snapshot!("other_site", crossed.told());
    let own = config()
        .header("origin", "http://127.0.0.1:8700")
        .over_tcp(house.address)
        .await;
    assert_eq!(own.status, 200);

    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let options = ServeOptions {
            listen: vec!["127.0.0.1:0".parse().unwrap(), address.parse().unwrap()],
            unix_socket: None,
            insecure_no_auth: true,
            limits: server::Limits::default(),
        };
        let refused = server::bind(options, house.app()).await.err().unwrap();
        assert!(matches!(refused, ServeError::InsecureAddress(_)), "{refused}");
    }
}

#[tokio::test]
async fn what_watches_the_process_needs_no_key() {
    let house = House::new().await;
    for path in ["/healthz", "/readyz", "/v1/openapi.json"] {
        assert_eq!(get(path).over_tcp(house.address).await.status, 200, "{path}");
    }
}
