//! `/v1/hosts`, `/v1/pauses` and `/v1/resumptions`: the hosts that end functions send to, and stopping that.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Breaker, HostErrorView, HostList, HostView, PauseAnswer, PauseRequest, PauseView, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::{Environment, ProjectName, Timestamp};
use gateway::flow::{BreakerState, HostState, Limits, Scope};
use http::HeaderMap;
use store::{Meant, PauseScope, Waiting};

use crate::app::{Shared, SharedState};
use crate::auth::{Operate, Principal};
use crate::body;
use crate::params::NoParams;
use crate::problem::{ApiError, ApiResult, bad_field, forbidden, internal};

/// How far apart runs go on that waited for one host: twenty a second, whatever its own limits, which hold beside this. 40,000 take
/// half an hour.
const APART: Duration = Duration::from_millis(50);
/// The longest name of a host, by the domain name system's rules.
const HOST_MAX: usize = 253;

/// Hosts that end functions have sent to since the server started, or that runs wait for, and what is stopped.
#[utoipa::path(
    operation_id = "listHosts",
    get, path = "/v1/hosts", tag = "hosts",
    responses((status = 200, description = "Of the key's project and environments", body = HostList)),
)]
pub(crate) async fn list(
    State(shared): SharedState,
    Operate(principal): Operate,
    _: NoParams,
) -> ApiResult<Json<HostList>> {
    let mut hosts: BTreeMap<(ProjectName, Environment, String), HostView> = BTreeMap::new();
    for state in shared.app.flow.states() {
        let key = &state.key;
        let of = (key.project.clone(), key.environment, key.host.clone());
        hosts.insert(of, view(state));
    }
    for waiting in shared.app.store.waiting().await? {
        let of = (
            waiting.project.clone(),
            waiting.environment,
            waiting.authority().to_ascii_lowercase(),
        );
        let host = hosts.entry(of).or_insert_with(|| unused(&shared, &waiting));
        host.waiting += waiting.runs;
        host.first_due = [host.first_due, Some(waiting.first_due)]
            .into_iter()
            .flatten()
            .min();
    }
    let seen = |host: &HostView| principal.may_see(&host.project, host.environment);
    Ok(Json(HostList {
        hosts: hosts.into_values().filter(seen).collect(),
        pauses: pauses(&shared, &principal).await?,
    }))
}

fn view(state: HostState) -> HostView {
    let (breaker, open_until) = match state.breaker {
        BreakerState::Closed => (Breaker::Closed, None),
        BreakerState::Open { until } => (Breaker::Open, Some(until)),
        BreakerState::HalfOpen => (Breaker::HalfOpen, None),
    };
    HostView {
        project: state.key.project,
        environment: state.key.environment,
        host: state.key.host,
        paused: state.is_paused,
        rate: state.limits.rate,
        in_flight: state.in_flight,
        concurrency: state.limits.concurrency,
        breaker,
        not_before: open_until.max(state.not_before),
        waiting: 0,
        first_due: None,
        last_error: state.last_error.map(|error| HostErrorView {
            at: error.at,
            message: error.message,
        }),
        last_used: Some(state.last_used),
    }
}

/// A host that nothing was sent to since the server started, though runs wait for it.
fn unused(shared: &Shared, waiting: &Waiting) -> HostView {
    let key = gateway::flow::HostKey {
        project: waiting.project.clone(),
        environment: waiting.environment,
        host: waiting.authority().to_ascii_lowercase(),
    };
    HostView {
        paused: shared.app.flow.pauses().iter().any(|scope| scope.holds(&key)),
        project: key.project,
        environment: key.environment,
        host: key.host,
        rate: None,
        in_flight: 0,
        concurrency: Limits::default().concurrency,
        breaker: Breaker::Closed,
        not_before: None,
        waiting: 0,
        first_due: None,
        last_error: None,
        last_used: None,
    }
}

/// Stops requests of a project, an environment, or to a host. What was sent is finished; runs that ask for more wait, which uses up no
/// patience. It is kept over a restart.
#[utoipa::path(
    operation_id = "pause",
    post, path = "/v1/pauses", tag = "hosts",
    request_body(content = PauseRequest),
    responses(
        (status = 200, description = "It is stopped", body = PauseAnswer),
        (status = 403, description = "AC0703", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn pause(
    State(shared): SharedState,
    Operate(principal): Operate,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<PauseAnswer>> {
    let request: PauseRequest = body::json(&shared, &principal, &headers, body).await?;
    let scope = scope(request, &principal)?;
    // Kept first: what is stopped must not be let go by a restart.
    let changed = shared
        .app
        .store
        .set_pause(scope.clone(), true, shared.now())
        .await?;
    shared.app.flow.pause(of_flow(scope));
    Ok(Json(PauseAnswer {
        changed,
        admitted: 0,
        pauses: pauses(&shared, &principal).await?,
    }))
}

/// Lifts exactly this pause, and lets the runs go on that wait for such a host, for whatever reason: one after the other.
#[utoipa::path(
    operation_id = "resume",
    post, path = "/v1/resumptions", tag = "hosts",
    request_body(content = PauseRequest),
    responses(
        (status = 200, description = "It goes on, unless another pause holds it", body = PauseAnswer),
        (status = 403, description = "AC0703", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resume(
    State(shared): SharedState,
    Operate(principal): Operate,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<PauseAnswer>> {
    let request: PauseRequest = body::json(&shared, &principal, &headers, body).await?;
    let scope = scope(request, &principal)?;
    let task = std::sync::Arc::clone(&shared);
    // A task of its own: whoever asks may go away, and what was lifted must also go on.
    let resumed = tokio::spawn(async move {
        let (app, now) = (&task.app, task.now());
        let changed = app.store.set_pause(scope.clone(), false, now).await?;
        // Whether it was known here does not matter: what is kept is what counts.
        let _ = app.flow.resume(&of_flow(scope.clone()));
        let policy = app.engine.policy(None).await;
        let admitted = app
            .store
            .admit_waiting(Meant::Scope(scope), APART, &policy, now)
            .await?;
        app.engine.wake();
        Ok::<_, ApiError>((changed, admitted))
    });
    let (changed, admitted) = resumed.await.map_err(|failed| internal(&failed))??;
    Ok(Json(PauseAnswer {
        changed,
        admitted,
        pauses: pauses(&shared, &principal).await?,
    }))
}

/// What is meant, within what the key may touch.
fn scope(request: PauseRequest, principal: &Principal) -> ApiResult<PauseScope> {
    let project = request.project.or_else(|| principal.project.clone());
    if let Some(project) = &project {
        principal.check_project(project)?;
    }
    match request.environment {
        Some(environment) => principal.check_environment(environment)?,
        None if principal.environments.len() < Environment::ALL.len() => {
            return Err(forbidden(
                "This is about every environment; the API key is not.",
                "Name one that the key has, or use a key for all of them.",
            ));
        }
        None => {}
    }
    if let Some(host) = &request.host {
        let is_name = !host.is_empty()
            && host.len() <= HOST_MAX
            && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
        if !is_name {
            return Err(bad_field(
                "/host",
                host,
                "a host's name, without scheme, port and path",
                "Write it as `aftercall hosts` does: crm.example.com.",
            ));
        }
    }
    Ok(PauseScope {
        project,
        environment: request.environment,
        host: request.host.map(|host| host.to_ascii_lowercase()),
    })
}

/// As the gateway takes it.
fn of_flow(scope: PauseScope) -> Scope {
    Scope {
        project: scope.project,
        environment: scope.environment,
        host: scope.host,
    }
}

async fn pauses(shared: &Shared, principal: &Principal) -> ApiResult<Vec<PauseView>> {
    let seen = |scope: &PauseScope| match &scope.project {
        Some(project) => principal.check_project(project).is_ok(),
        None => true, // it stops the key's own project too
    };
    let view = |(scope, since): (PauseScope, Timestamp)| PauseView {
        project: scope.project,
        environment: scope.environment,
        host: scope.host,
        since,
    };
    let all = shared.app.store.pauses().await?;
    Ok(all
        .into_iter()
        .filter(|(scope, _)| seen(scope))
        .map(view)
        .collect())
}
