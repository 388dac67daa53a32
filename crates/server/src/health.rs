//! `GET /healthz` and `GET /readyz`, for whoever watches the process. They need no key and say nothing that does.

use std::time::Duration;

use api::{Health, Readiness};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use store::StoreHealth;

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

/// Whether the server does its work.
///
/// It does if the store answers, what an earlier boot left is taken back, and conversations are taken: the disk is not
/// full, the queue is below its limit, it is not stopping. What was accepted is worked on all the same.
#[utoipa::path(
    operation_id = "getReadiness", security(()),
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 503, description = "It does not, or not yet; `why` says what is in the way", body = Readiness),
    ),
)]
pub(crate) async fn ready(State(shared): SharedState) -> (StatusCode, Json<Readiness>) {
    let store = &shared.app.store;
    // A real read: how the store thinks it is would not tell.
    let read = tokio::time::timeout(STORE_TIMEOUT, async {
        store.projects().await?;
        store.health().await
    });
    let health = read.await.ok().and_then(Result::ok);
    let readiness = readiness(
        health.as_ref(),
        shared.app.engine.is_recovered(),
        shared.drain.has_begun(),
    );
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness))
}

/// `health` is the store's; `None` if it does not answer.
fn readiness(health: Option<&StoreHealth>, recovered: bool, draining: bool) -> Readiness {
    let refusing = match health {
        _ if draining => Some("the server is stopping"),
        None => Some("the store does not answer"),
        Some(health) if health.read_only => Some("the disk of the data folder is full (AC0106)"),
        Some(health) if health.unfinished >= health.queue_limit => Some("the queue is at its limit (AC0105)"),
        Some(_) => None,
    };
    let why = refusing.or((!recovered).then_some("what an earlier boot left is not taken back yet"));
    Readiness {
        ready: why.is_none(),
        store_open: health.is_some(),
        recovered,
        draining,
        accepting: refusing.is_none(),
        why: why.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_the_way_is_told_by_the_name_of_it() {
        let health = |read_only, unfinished| StoreHealth {
            read_only,
            runs: Default::default(),
            unfinished,
            queue_limit: 2,
            commits: 0,
            stranded: Vec::new(),
        };
        for (health, recovered, draining, accepting, why) in [
            (Some(health(false, 1)), true, false, true, None),
            (Some(health(false, 1)), false, false, true, Some("earlier boot")),
            (Some(health(true, 0)), true, false, false, Some("AC0106")),
            (Some(health(false, 2)), true, false, false, Some("AC0105")),
            (Some(health(false, 0)), true, true, false, Some("stopping")),
            (None, true, false, false, Some("store")),
        ] {
            let told = readiness(health.as_ref(), recovered, draining);
            assert_eq!(
                (told.ready, told.accepting),
                (why.is_none(), accepting),
                "{told:?}"
            );
            assert_eq!(told.why.is_some(), why.is_some(), "{told:?}");
            let text = told.why.unwrap_or_default();
            assert!(text.contains(why.unwrap_or_default()), "{text}");
        }
    }
}
