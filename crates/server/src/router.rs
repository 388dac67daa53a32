//! All routes, and what surrounds each.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;

use api::Problem;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use domain::Code;
use futures_util::FutureExt as _;
use http::header;

use crate::app::Shared;
use crate::params::Named;
use crate::problem::{ApiError, ApiResult, internal, not_found};
use crate::{conversations, decide, deployments, health, hosts, keys, openapi, runs, status};

/// Longest path with its query, in bytes: an id of 512 bytes, each escaped, and much beside it.
const TARGET_MAX: usize = 8 * 1024;
/// Most bytes of all header fields together, names and values.
const HEADERS_MAX_BYTES: usize = 32 * 1024;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/conversations", post(conversations::post))
        .route("/v1/conversations/{id}", get(conversations::get))
        .route("/v1/runs", get(runs::list))
        .route("/v1/runs/{id}", get(runs::get))
        .route("/v1/runs/{id}/logs", get(runs::logs))
        .route("/v1/runs/{id}/retry", post(runs::retry))
        .route("/v1/runs/{id}/cancel", post(runs::cancel))
        .route("/v1/runs/{id}/decide", post(decide::decide))
        .route("/v1/decisions", post(decide::decide_many))
        .route("/v1/hosts", get(hosts::list))
        .route("/v1/pauses", post(hosts::pause))
        .route("/v1/resumptions", post(hosts::resume))
        .route("/v1/deployments", post(deployments::post).get(deployments::list))
        .route("/v1/deployments/{id}", get(deployments::get))
        .route("/v1/activations", post(deployments::activate))
        .route("/v1/keys", post(keys::post).get(keys::list))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/status", get(status::status))
        .route("/v1/config", get(status::config))
        .route("/v1/openapi.json", get(openapi::description))
        .route("/docs/errors/{page}", get(error_page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(around))
        .with_state(shared)
}

/// The page of an error, which the `type` of a problem leads to; it needs no key.
#[utoipa::path(
    operation_id = "getErrorPage", security(()),
    get, path = "/docs/errors/{page}", tag = "server",
    params(("page" = String, Path, description = "The code and `.md`: AC0103.md")),
    responses(
        (status = 200, description = "What happened, why, and what to do", body = String, content_type = "text/markdown"),
        (status = 404, description = "There is no such code", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn error_page(Named(page): Named) -> ApiResult<impl IntoResponse> {
    let code: Option<Code> = page.strip_suffix(".md").and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| not_found(format!("There is no page {page:?}.")))?;
    Ok((
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
        code.page_text(),
    ))
}

/// Notes each request, and turns a panic into an answer. What is noted is the route, never the path: paths hold ids of
/// conversations, and those may be telephone numbers.
async fn around(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let next = check_head(&request).map(|()| next);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = match next {
        Ok(next) => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => internal(&panic_text(&*panic)).into_response(),
        },
        Err(refused) => refused.into_response(),
    };
    tracing::debug!(
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = began.elapsed().as_secs_f64() * 1000.0,
        "answered"
    );
    response
}

/// Refuses a head that is larger than any client of ours makes, in words; what is larger still, the HTTP library refuses.
fn check_head(request: &Request) -> ApiResult<()> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let headers = request.headers();
    let fields: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let (status, what, limit) = if target > TARGET_MAX {
        (414, "path and query", TARGET_MAX)
    } else if fields > HEADERS_MAX_BYTES {
        (431, "headers", HEADERS_MAX_BYTES)
    } else {
        return Ok(());
    };
    let detail = format!("The request's {what} are larger than the {limit} bytes that are allowed.");
    Err(Problem::new(Code::BadRequest, status, detail, "Send less.").into())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_default())
}

async fn no_route() -> ApiError {
    let mut error = not_found("There is no such route.");
    error.0.fix = "GET /v1/openapi.json tells all routes.".to_owned();
    error
}

async fn wrong_method() -> ApiError {
    Problem::new(
        Code::BadRequest,
        405,
        "This route does not take that method.",
        "GET /v1/openapi.json tells all routes and their methods; Allow names those of this one.",
    )
    .into()
}
