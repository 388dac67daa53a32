//! `GET /v1/openapi.json`: the API's own description, made from the routes and the documents of `api`.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aftercall",
        description = "Runs `end_function(conv)` once for every finished conversation. Errors are problem documents (RFC 9457) whose `type` is a page of the documentation. Over the local socket no key is needed.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        version = "1",
    ),
    paths(
        crate::conversations::post,
        crate::conversations::get,
        crate::runs::list,
        crate::runs::get,
        crate::runs::logs,
        crate::runs::retry,
        crate::runs::cancel,
        crate::decide::decide,
        crate::decide::decide_many,
        crate::hosts::list,
        crate::hosts::pause,
        crate::hosts::resume,
        crate::deployments::post,
        crate::deployments::list,
        crate::deployments::get,
        crate::deployments::activate,
        crate::keys::post,
        crate::keys::list,
        crate::keys::revoke,
        crate::status::status,
        crate::status::config,
        crate::health::alive,
        crate::health::ready,
        crate::router::error_page,
        description,
    ),
    tags(
        (name = "conversations", description = "Handing conversations in, and reading them back"),
        (name = "runs", description = "What became of them"),
        (name = "hosts", description = "Where they send to, and stopping that"),
        (name = "deployments", description = "What runs, and where"),
        (name = "keys", description = "Who may ask"),
        (name = "server", description = "How the server is"),
    ),
    modifiers(&Bearer),
    security(("key" = [])),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API key: `Authorization: Bearer ac_…`".to_owned());
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The description as JSON, as it is checked in under `docs/openapi.json`.
pub static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&Description::openapi()).unwrap_or_else(|error| {
        // Texts and maps only; a test holds that it is written.
        tracing::error!(%error, "the description of the API could not be written");
        String::new()
    });
    text.push('\n');
    text
});

/// This description.
#[utoipa::path(
    operation_id = "getDescription", security(()),
    get, path = "/v1/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
pub(crate) async fn description() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str())
}
