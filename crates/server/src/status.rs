//! `GET /v1/status` and `GET /v1/config`.

use api::{ConfigurationView, QueueView, StatusView, StoreView, StrandedView};
use axum::Json;
use axum::extract::State;
use domain::ProjectName;
use store::Stranded;

use crate::app::SharedState;
use crate::auth::{Admin, Operate};
use crate::params::NoParams;
use crate::problem::ApiResult;

/// How everything is. A key that is bound to a project sees the zygotes, the deployments that cannot begin and the stranded runs of that
/// project only.
#[utoipa::path(
    operation_id = "getStatus",
    get, path = "/v1/status", tag = "server",
    responses((status = 200, description = "How everything is", body = StatusView)),
)]
pub(crate) async fn status(
    State(shared): SharedState,
    Operate(principal): Operate,
    _: NoParams,
) -> ApiResult<Json<StatusView>> {
    let health = shared.app.store.health().await?;
    let mut runner = shared.app.engine.status().await;
    let may_see = |project: &ProjectName| principal.check_project(project).is_ok();
    runner.zygotes.retain(|zygote| may_see(&zygote.project));
    runner.cannot_begin.retain(|one| match one.environment {
        Some(environment) => principal.may_see(&one.project, environment),
        None => may_see(&one.project),
    });
    let stranded = health.stranded.into_iter().filter(|one| match &one.of {
        Some((project, environment)) => principal.may_see(project, *environment),
        None => principal.check_whole_server().is_ok(),
    });
    let uptime = shared.now().duration_since(shared.started_at).as_secs();
    Ok(Json(StatusView {
        version: shared.app.version.clone(),
        started_at: shared.started_at,
        uptime_s: u64::try_from(uptime).unwrap_or_default(),
        draining: shared.drain.has_begun(),
        queue: QueueView {
            runs: health.runs.into_iter().collect(),
            unfinished: health.unfinished,
            limit: health.queue_limit,
        },
        runner,
        store: StoreView {
            read_only: health.read_only,
            commits: health.commits,
            stranded: stranded.map(stranded_view).collect(),
        },
    }))
}

fn stranded_view(one: Stranded) -> StrandedView {
    let (project, environment) = one.of.unzip();
    StrandedView {
        run_id: one.run,
        project,
        environment,
        code: one.code,
        message: one.message,
        since: one.since,
    }
}

/// The effective configuration, and where each value comes from. Secrets are never shown.
#[utoipa::path(
    operation_id = "getConfig",
    get, path = "/v1/config", tag = "server",
    responses((status = 200, description = "Every setting", body = ConfigurationView)),
)]
pub(crate) async fn config(
    State(shared): SharedState,
    Admin(principal): Admin,
    _: NoParams,
) -> ApiResult<Json<ConfigurationView>> {
    principal.check_whole_server()?;
    Ok(Json(shared.app.configuration.clone()))
}
