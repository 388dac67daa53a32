//! `/v1/runs`: listed, told whole, retried, cancelled.

use std::sync::Arc;

use api::{
    AttemptOutcome, AttemptView, LogsView, Problem, RetryRequest, RunDetail, RunList, RunView, RunWord,
};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::run::{Command, Event, RunState};
use domain::{AttemptEnd, AttemptNumber, RunId};
use http::HeaderMap;
use store::{AttemptRow, RunFilter, RunSummary, Scope, StoreError};

use crate::app::{Shared, SharedState};
use crate::auth::{Ingest, Operate, Principal};
use crate::journal::Reading;
use crate::params::{Named, NoParams, Params};
use crate::place::{self, PROJECT};
use crate::problem::{ApiError, ApiResult, bad_field, internal, not_found};
use crate::{body, deployments, next, refused};

/// Runs of one page, unless asked for otherwise.
const PAGE_DEFAULT: u32 = 50;
/// Most runs of one page.
const PAGE_MAX: u32 = 1000;

/// Runs, newest first, a page at a time.
#[utoipa::path(
    operation_id = "listRuns",
    get, path = "/v1/runs", tag = "runs",
    params(
        ("project" = Option<String>, Query, description = "Only of this project"),
        ("environment" = Option<String>, Query, description = "Only in this environment"),
        ("status" = Option<String>, Query, description = "Only in one of these states, separated by commas"),
        ("deployment" = Option<String>, Query, description = "Only on this deployment, by id or prefix"),
        ("conversation" = Option<String>, Query, description = "Only of the conversation with this `id`"),
        ("number" = Option<String>, Query, description = "Only of conversations with this number, as it was sent"),
        ("since" = Option<String>, Query, description = "Only accepted since, RFC 3339"),
        ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000; else 50"),
        ("after" = Option<String>, Query, description = "The `next` of an earlier page"),
    ),
    responses((status = 200, description = "A page", body = RunList)),
)]
pub(crate) async fn list(
    State(shared): SharedState,
    Ingest(principal): Ingest,
    params: Params,
) -> ApiResult<Json<RunList>> {
    let filter = filter(&shared, &principal, &params).await?;
    let page = shared.app.store.runs(filter).await?;
    Ok(Json(RunList {
        runs: page.items.into_iter().map(view).collect(),
        next: page.next,
    }))
}

async fn filter(shared: &Shared, principal: &Principal, params: &Params) -> ApiResult<RunFilter> {
    params.only(&[
        "project",
        "environment",
        "status",
        "deployment",
        "conversation",
        "number",
        "since",
        "limit",
        "after",
    ])?;
    let project = params
        .get("project", PROJECT)?
        .or_else(|| principal.project.clone());
    if let Some(project) = &project {
        principal.check_project(project)?;
    }
    let words: Vec<RunWord> = params.list("status", &RunWord::expected())?;
    let limit = params
        .get("limit", "a whole number from 1 to 1000")?
        .unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(bad_field(
            "?limit",
            &limit.to_string(),
            "1 to 1000",
            "Ask for several pages, by `after`.",
        ));
    }
    let deployment = match params.text("deployment") {
        None => None,
        Some(prefix) => Some(
            deployments::find(shared, principal, project.as_ref(), prefix)
                .await?
                .0
                .facts
                .id,
        ),
    };
    Ok(RunFilter {
        project,
        environments: place::environments(params, principal)?,
        words: words.into_iter().map(|word| word.as_str().to_owned()).collect(),
        deployment,
        external_id: params.text("conversation").map(str::to_owned),
        number: params.text("number").map(str::to_owned),
        since: params.get("since", "a time as 2026-01-31T09:30:00Z")?,
        limit,
        after: params.get("after", "the `next` of an earlier page")?,
    })
}

/// Everything about one run.
#[utoipa::path(
    operation_id = "getRun",
    get, path = "/v1/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "Everything about it", body = RunDetail),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(shared): SharedState,
    Ingest(principal): Ingest,
    Named(id): Named,
    _: NoParams,
) -> ApiResult<Json<RunDetail>> {
    let detail = find(&shared, &principal, &id).await?;
    let state = &detail.summary.state;
    let attempts: Vec<_> = detail
        .attempts
        .into_iter()
        .map(|attempt| attempt_view(attempt, state))
        .collect();
    let records = match shared.app.store.journal(detail.summary.run).await {
        Err(StoreError::Erased(_)) => Vec::new(),
        other => other?,
    };
    let catalogue = shared.app.engine.catalogue(state.deployment).await;
    let told = Reading {
        run: &detail.summary,
        attempts: &attempts,
        catalogue: &catalogue,
        shows_bodies: principal.scope >= Scope::Operate,
        now: shared.now(),
    }
    .tell(records);
    let next = next::with_effects(&detail.summary, &told);
    Ok(Json(RunDetail {
        attempts,
        effects: told.effects,
        waits: told.waits,
        parked: told.parked,
        summary: told.summary,
        metrics: detail.metrics,
        actions: detail.actions,
        state_after: detail.state_after,
        run: RunView {
            next,
            ..view(detail.summary)
        },
    }))
}

/// What an attempt logged.
#[utoipa::path(
    operation_id = "getRunLogs",
    get, path = "/v1/runs/{id}/logs", tag = "runs",
    params(
        ("id" = String, Path, description = "The run's id"),
        ("attempt" = Option<u32>, Query, description = "Of this attempt; else the last"),
    ),
    responses(
        (status = 200, description = "In order", body = LogsView),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn logs(
    State(shared): SharedState,
    Ingest(principal): Ingest,
    Named(id): Named,
    params: Params,
) -> ApiResult<Json<LogsView>> {
    params.only(&["attempt"])?;
    let asked = params
        .get::<u32>("attempt", "an attempt's number, from 1")?
        .map(AttemptNumber);
    let mut detail = find(&shared, &principal, &id).await?;
    let run_id = detail.summary.run;
    let found = match asked {
        None => detail.attempts.pop(),
        Some(number) => match detail
            .attempts
            .into_iter()
            .find(|attempt| attempt.number == number)
        {
            None => return Err(not_found(format!("Run {run_id} has no attempt {number}."))),
            found => found,
        },
    };
    let found = found.map(|row| attempt_view(row, &detail.summary.state));
    Ok(Json(LogsView {
        run_id,
        attempt: found.as_ref().map(|view| view.attempt).unwrap_or_default(),
        outcome: found.as_ref().map(|view| view.outcome),
        logs: found.map(|view| view.logs).unwrap_or_default(),
    }))
}

/// Attempts a run again that is over or waits after a failed attempt, with a fresh count of attempts. One that succeeded
/// only with `"again": true`: what it did is then done again, and `reruns` counts it.
#[utoipa::path(
    operation_id = "retryRun",
    post, path = "/v1/runs/{id}/retry", tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    request_body(content = RetryRequest, description = "May be left out"),
    responses(
        (status = 200, description = "The run, queued", body = RunView),
        (status = 404, description = "AC0704, AC0210", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "AC0706", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn retry(
    State(shared): SharedState,
    Operate(principal): Operate,
    Named(id): Named,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<RunView>> {
    let request: RetryRequest = body::json(&shared, &principal, &headers, body).await?;
    let run = find(&shared, &principal, &id).await?.summary;
    let deployment = match request.deployment {
        None => None,
        Some(prefix) => Some(
            deployments::find(&shared, &principal, Some(&run.project), &prefix)
                .await?
                .0
                .facts
                .id,
        ),
    };
    let again = request.again;
    decide(&shared, run, Event::RetryRequested { deployment, again }).await
}

/// Ends a run that is not over; what its child may still do is ignored.
#[utoipa::path(
    operation_id = "cancelRun",
    post, path = "/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run, cancelled", body = RunView),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "AC0706", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn cancel(
    State(shared): SharedState,
    Operate(principal): Operate,
    Named(id): Named,
    _: NoParams,
) -> ApiResult<Json<RunView>> {
    let run = find(&shared, &principal, &id).await?.summary;
    decide(&shared, run, Event::CancelRequested).await
}

/// Applies what a person wants, and sees to what follows from it.
async fn decide(shared: &Arc<Shared>, run: RunSummary, event: Event) -> ApiResult<Json<RunView>> {
    let (app, now) = (&shared.app, shared.now());
    let wanted = match event {
        Event::RetryRequested { deployment, .. } => deployment,
        _ => None,
    };
    let policy = app.engine.policy(wanted.or(run.state.deployment)).await;
    let (id, shared) = (run.run, Arc::clone(shared));
    // A task of its own: whoever asks may go away, and what follows from the decision must be done all the same.
    let decided = tokio::spawn(async move {
        let app = &shared.app;
        let applied = app.store.apply(id, event.clone(), None, &policy, now).await;
        let applied = match applied {
            Ok(applied) => applied,
            Err(error) => return Err(refused::told(&*app.store, &event, error).await),
        };
        for command in applied.commands {
            match command {
                Command::KillChild { epoch } => app.engine.kill(id, epoch),
                Command::WakeAt(_) => app.engine.wake(),
                // Nothing that a person asks for starts or ends an attempt by these.
                Command::StartAttempt { .. } | Command::KeepResults | Command::DeadLetter { .. } => {}
            }
        }
        Ok::<_, ApiError>(applied.state)
    });
    let state = decided.await.map_err(|failed| internal(&failed))??;
    Ok(Json(view(RunSummary {
        state,
        changed_at: now,
        ..run
    })))
}

/// A run that the key may see; any other is not there.
pub(crate) async fn find(shared: &Shared, principal: &Principal, id: &str) -> ApiResult<store::RunDetail> {
    let missing = || not_found(format!("There is no run {:?}.", crate::problem::shown(id)));
    let run: RunId = id.parse().map_err(|_| missing())?;
    let detail = shared.app.store.run(run).await?.ok_or_else(missing)?;
    if principal.may_see(&detail.summary.project, detail.summary.environment) {
        Ok(detail)
    } else {
        Err(missing())
    }
}

pub(crate) fn view(run: RunSummary) -> RunView {
    RunView {
        next: next::of(&run),
        run_id: run.run,
        conversation_id: run.conversation,
        external_id: run.external_id,
        project: run.project,
        environment: run.environment,
        status: (&run.state).into(),
        hold: run.state.hold,
        waiting_for: run.state.waiting_for,
        attempts: run.state.attempt,
        failures: run.state.failures,
        reruns: run.state.reruns,
        deployment: run.state.deployment,
        last_error: run.state.last_error,
        dead_letter: run.state.dead_letter,
        accepted_at: run.accepted_at,
        retried_at: (run.state.since > run.accepted_at).then_some(run.state.since),
        changed_at: run.changed_at,
    }
}

fn attempt_view(row: AttemptRow, state: &RunState) -> AttemptView {
    let began = row.function_started_at.unwrap_or(row.claimed_at);
    let mut view = AttemptView {
        attempt: row.number,
        outcome: AttemptOutcome::Returned,
        deployment: row.deployment,
        claimed_at: row.claimed_at,
        started_at: row.function_started_at,
        ended_at: row.ended_at,
        duration_ms: row
            .ended_at
            .and_then(|end| u64::try_from(end.duration_since(began).as_millis()).ok()),
        code: None,
        message: None,
        signal: None,
        exit_status: None,
        error: None,
        usage: row.usage,
        confinement: row.confinement,
        logs: row.logs,
    };
    match row.end {
        Some(AttemptEnd::Returned { .. }) => {}
        Some(AttemptEnd::Failed {
            code,
            signal,
            exit_status,
            message,
            error,
        }) => {
            view.outcome = AttemptOutcome::Failed;
            view.code = Some(code);
            view.signal = signal;
            view.exit_status = exit_status;
            view.message = Some(message);
            view.error = error;
        }
        Some(AttemptEnd::Interrupted) => view.outcome = AttemptOutcome::Interrupted,
        Some(AttemptEnd::Cancelled) => view.outcome = AttemptOutcome::Cancelled,
        Some(AttemptEnd::Waiting) => view.outcome = AttemptOutcome::Waiting,
        Some(AttemptEnd::Parked) => view.outcome = AttemptOutcome::Parked,
        None if state.status == domain::run::Status::Running && state.epoch == row.epoch => {
            view.outcome = AttemptOutcome::Running;
        }
        None if state.end == Some(domain::run::End::Cancelled) && state.attempt == row.number => {
            view.outcome = AttemptOutcome::Cancelled;
        }
        None => view.outcome = AttemptOutcome::Interrupted,
    }
    view
}
