//! `GET /healthz` and `GET /readyz`, for whoever watches the process. They need no key and say nothing that does.

use std::time::Duration;

use api::{Health, Readiness};
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::app::SharedState;

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the process is alive.
#[utoipa::path(
    operation_id = "getHealth", security(()),
    get, path = "/healthz", tag = "server",
    responses((status = 200, description = "It is", body = Health)),
)]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health { alive: true })
}

/// Whether the server does its work: the store answers, what an earlier boot left is taken back, it is not stopping.
#[utoipa::path(
    operation_id = "getReadiness", security(()),
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 503, description = "It does not, or not yet", body = Readiness),
    ),
)]
pub(crate) async fn ready(State(shared): SharedState) -> (StatusCode, Json<Readiness>) {
    // A real read: how the store thinks it is would not tell.
    let read = tokio::time::timeout(STORE_TIMEOUT, shared.app.store.projects()).await;
    let store_open = matches!(read, Ok(Ok(_)));
    let recovered = shared.app.engine.is_recovered();
    let draining = shared.drain.has_begun();
    let ready = store_open && recovered && !draining;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            store_open,
            recovered,
            draining,
        }),
    )
}
