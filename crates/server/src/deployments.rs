//! `/v1/deployments` and `/v1/activations`.

use api::{ActivationRequest, ActivationView, DeploymentDetail, DeploymentList, DeploymentView, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::{Code, Environment, ProjectName};
use http::{HeaderMap, StatusCode};
use project::{Package, ProjectError};
use store::{Activation, DeploymentRecord};

use crate::app::{Shared, SharedState};
use crate::auth::{Admin, Operate, Principal};
use crate::body;
use crate::params::{Named, NoParams, Params};
use crate::place::{self, PROJECT};
use crate::problem::{ApiError, ApiResult, bad_field, draining, internal, sentence};

/// Longest message of a deployment, in bytes.
const MESSAGE_MAX: usize = 1000;
/// Fewest digits by which a deployment is named.
const PREFIX_MIN: usize = 4;

/// Checks, stores and tries a project, and makes it the active deployment of `sandbox`.
#[utoipa::path(
    operation_id = "createDeployment",
    post, path = "/v1/deployments", tag = "deployments",
    params(
        ("project" = Option<String>, Query, description = "Of this project, which comes to be by its first deployment"),
        ("message" = Option<String>, Query, description = "What to say of it, at most 1000 bytes"),
    ),
    request_body(content = Vec<u8>, content_type = "application/x-tar", description = "The project's folder as a plain tar archive"),
    responses(
        (status = 201, description = "Deployed, active in `sandbox`", body = DeploymentDetail),
        (status = 200, description = "This very content was there before; it is active in `sandbox`", body = DeploymentDetail),
        (status = 413, description = "AC0104, AC0209", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "AC02xx, with file and line", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn post(
    State(shared): SharedState,
    Admin(principal): Admin,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    params.only(&["project", "message"])?;
    if shared.drain.has_begun() {
        return Err(draining());
    }
    let project = place::project(params.get("project", PROJECT)?, &principal, &shared).await?;
    principal.check_environment(Environment::Sandbox)?;
    let message = params.text("message").map(str::to_owned);
    if let Some(long) = message.as_ref().filter(|message| message.len() > MESSAGE_MAX) {
        return Err(bad_field(
            "?message",
            long,
            "at most 1000 bytes",
            "Say it shorter.",
        ));
    }
    match body::media_type(&headers).as_str() {
        api::TAR | "application/tar" => {}
        other => return Err(body::wrong_media_type(other, api::TAR)),
    }
    let archive = body::read(
        &shared,
        &principal,
        &headers,
        body,
        "The archive",
        shared.limits.archive_bytes,
    )
    .await?;
    let package = tokio::task::spawn_blocking(move || Package::from_tar(&archive.bytes))
        .await
        .map_err(|failed| internal(&failed))?
        .map_err(unfit)?;
    let deployed = shared
        .app
        .engine
        .deploy(project.clone(), package, message)
        .await?;
    shared.projects.learn([project.clone()]);
    let active_in = active_in(&shared, &project, &deployed.record).await?;
    let status = if deployed.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let deployment = DeploymentView::new(deployed.record.facts, active_in);
    Ok((
        status,
        Json(DeploymentDetail {
            deployment,
            new: deployed.new,
        }),
    )
        .into_response())
}

async fn active_in(
    shared: &Shared,
    project: &ProjectName,
    record: &DeploymentRecord,
) -> ApiResult<Vec<Environment>> {
    let all = shared.app.store.deployments(project).await?;
    let own = all.into_iter().find(|(one, _)| one.facts.id == record.facts.id);
    Ok(own.map(|(_, environments)| environments).unwrap_or_default())
}

fn unfit(error: ProjectError) -> ApiError {
    let status = if error.code == Code::ProjectTooLarge {
        413
    } else {
        422
    };
    let mut problem = Problem::new(
        error.code,
        status,
        sentence(&error.to_string()),
        sentence(&error.fix),
    );
    problem.errors.extend(error.key.map(|key| api::FieldError {
        path: key.into(),
        found: error.message.into(),
        expected: error.expected.map(Into::into).unwrap_or_default(),
        fix: error.fix.into(),
    }));
    problem.file = error.file.map(Into::into);
    problem.line = error.line;
    problem.into()
}

/// A project's deployments.
#[utoipa::path(
    operation_id = "listDeployments",
    get, path = "/v1/deployments", tag = "deployments",
    params(("project" = Option<String>, Query, description = "Whose; else the key's project, else the only one")),
    responses((status = 200, description = "Newest first", body = DeploymentList)),
)]
pub(crate) async fn list(
    State(shared): SharedState,
    Operate(principal): Operate,
    params: Params,
) -> ApiResult<Json<DeploymentList>> {
    params.only(&["project"])?;
    let project = place::existing_project(params.get("project", PROJECT)?, &principal, &shared).await?;
    let all = shared.app.store.deployments(&project).await?;
    let deployments = all
        .into_iter()
        .map(|(one, active_in)| DeploymentView::new(one.facts, active_in))
        .collect();
    Ok(Json(DeploymentList { deployments }))
}

/// One deployment.
#[utoipa::path(
    operation_id = "getDeployment",
    get, path = "/v1/deployments/{id}", tag = "deployments",
    params(
        ("id" = String, Path, description = "Its id, or a prefix of at least 4 digits that no other has"),
        ("project" = Option<String>, Query, description = "Only of this project"),
    ),
    responses(
        (status = 200, description = "What is known of it", body = DeploymentView),
        (status = 404, description = "AC0210", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(shared): SharedState,
    Operate(principal): Operate,
    Named(id): Named,
    params: Params,
) -> ApiResult<Json<DeploymentView>> {
    params.only(&["project"])?;
    let project: Option<ProjectName> = params.get("project", PROJECT)?;
    let (record, active_in) = find(&shared, &principal, project.as_ref(), &id).await?;
    Ok(Json(DeploymentView::new(record.facts, active_in)))
}

/// The one deployment that a prefix names: of this project, else of all that the key is for.
pub(crate) async fn find(
    shared: &Shared,
    principal: &Principal,
    project: Option<&ProjectName>,
    prefix: &str,
) -> ApiResult<(DeploymentRecord, Vec<Environment>)> {
    let prefix = prefix.to_ascii_lowercase();
    let hexadecimal = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal || !(PREFIX_MIN..=64).contains(&prefix.len()) {
        let expected = "a deployment's id or its first digits, 4 to 64 hexadecimal ones";
        return Err(bad_field(
            "deployment",
            &prefix,
            expected,
            "`aftercall deployments list` shows them.",
        ));
    }
    let projects = match project.or(principal.project.as_ref()) {
        Some(one) => {
            principal.check_project(one)?;
            vec![one.clone()]
        }
        None => shared.app.store.projects().await?,
    };
    let mut found = Vec::new();
    for project in &projects {
        let all = shared.app.store.deployments(project).await?;
        found.extend(
            all.into_iter()
                .filter(|(one, _)| one.facts.id.to_string().starts_with(&prefix)),
        );
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(unknown(shared, principal, project, &prefix).await?),
        count => Err(bad_field(
            "deployment",
            &prefix,
            &format!("more digits: {count} deployments begin so"),
            "Give more of the id.",
        )),
    }
}

/// There is none in this project. Whoever may know of it is told where there is one.
async fn unknown(
    shared: &Shared,
    principal: &Principal,
    project: Option<&ProjectName>,
    prefix: &str,
) -> ApiResult<ApiError> {
    let told = |detail: String, fix: String| Problem::new(Code::UnknownDeployment, 404, detail, fix).into();
    if let (Some(asked), None) = (project, &principal.project) {
        for other in shared.app.store.projects().await? {
            let all = shared.app.store.deployments(&other).await?;
            let begins = |(one, _): &(DeploymentRecord, _)| one.facts.id.to_string().starts_with(prefix);
            if let Some((one, _)) = all.iter().find(|one| begins(one)) {
                return Ok(told(
                    format!(
                        "Deployment {} belongs to project {other}, not to {asked}.",
                        one.facts.id.short()
                    ),
                    format!("`aftercall deployments list --project {asked}` shows those of {asked}."),
                ));
            }
        }
    }
    Ok(told(
        format!("No deployment's id begins with {prefix}."),
        "`aftercall deployments list` shows them.".to_owned(),
    ))
}

/// Makes a deployment the active one of an environment: promote, or roll back.
#[utoipa::path(
    operation_id = "activateDeployment",
    post, path = "/v1/activations", tag = "deployments",
    request_body = ActivationRequest,
    responses(
        (status = 200, description = "It is active", body = ActivationView),
        (status = 404, description = "AC0107, AC0210", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn activate(
    State(shared): SharedState,
    Admin(principal): Admin,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ActivationView>> {
    let request: ActivationRequest = body::json(&shared, &principal, &headers, body).await?;
    let (app, environment) = (&shared.app, request.environment);
    principal.check_environment(environment)?;
    let project = place::existing_project(request.project, &principal, &shared).await?;
    let (record, _) = find(&shared, &principal, Some(&project), &request.deployment).await?;
    let (deployment, at) = (record.facts.id, shared.now());
    let previous = app.store.active(&project, environment).await?;
    let activation = Activation {
        project: project.clone(),
        environment,
        deployment,
        at,
    };
    let policy = app.engine.policy(Some(deployment)).await;
    let released_runs = app.store.activate(activation, &policy).await?;
    app.engine.wake();
    Ok(Json(ActivationView {
        project,
        environment,
        deployment,
        previous,
        at,
        released_runs,
    }))
}
