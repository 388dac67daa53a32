//! `POST /v1/conversations` and `GET /v1/conversations/{id}`.

use std::sync::Arc;

use api::{Accepted, ConversationView, LineAnswer, Problem, RevisionView, Sibling};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::ConversationId;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use store::{ConversationRecord, RunFilter};

use crate::accepting::{self, Way};
use crate::app::{Shared, SharedState};
use crate::auth::{Ingest, Operate, Principal};
use crate::body;
use crate::ndjson;
use crate::params::{Named, Params};
use crate::place::{self, PROJECT};
use crate::problem::{ApiResult, erased, internal, not_found};
use crate::runs;

/// Hands in one conversation, or many, one a line.
///
/// The body is the conversation's document (`aftercall schema conversation`). A 202 is sent once it is durably recorded;
/// the same again is answered 200 with the same run.
///
/// As `application/x-ndjson`, each line is a conversation of its own. The answer is a stream of one line for each, in order,
/// sent as the lines are committed; a line that is refused harms no other. A client should read answers while it sends.
#[utoipa::path(
    operation_id = "sendConversations",
    post, path = "/v1/conversations", tag = "conversations",
    params(
        ("project" = Option<String>, Query, description = "Whose; else what the document says, else the key's project, else the only one"),
        ("environment" = Option<String>, Query, description = "Where, for documents that do not say; else `sandbox`"),
        ("source" = Option<String>, Query, description = "The platform, if it tells of a call in several events: other content under the same id is then kept as a revision and answered 200, and the run goes on with what came first"),
    ),
    request_body(
        description = "The conversation, or one a line",
        content((serde_json::Value = "application/json"), (String = "application/x-ndjson")),
    ),
    responses(
        (status = 202, description = "Durably recorded; its run is queued, or held", body = Accepted),
        (status = 200, description = "`application/json`: it was accepted before, just so, or it is a revision. `application/x-ndjson`: one answer a line",
            content((Accepted = "application/json"), (LineAnswer = "application/x-ndjson"))),
        (status = 400, description = "AC0101, AC0102: not JSON, or not a conversation", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "AC0107: no such project", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "AC0103: accepted before with other content, which is kept", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "AC0110: too little of it came in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "AC0104", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "AC0105, AC0106, AC0108, AC0109: come back after `Retry-After`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn post(
    State(shared): SharedState,
    Ingest(principal): Ingest,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let is_batch = accepting::is_batch(&headers)?;
    let way = Way::of(Arc::clone(&shared), principal.clone(), &params).await?;
    if is_batch {
        body::refuse_encoded(&headers)?;
        return ndjson::answer(shared, principal.key, way, body).await;
    }
    let limit = shared.limits.conversation_bytes;
    let whole = body::read(&shared, &principal, &headers, body, "The conversation", limit).await?;
    let (status, accepted) = accepting::one(&way, whole.bytes.clone()).await?;
    let status = StatusCode::from_u16(status).map_err(|bad| internal(&bad))?;
    Ok((status, Json(accepted)).into_response())
}

/// A conversation as it was accepted, its runs, and its state afterwards.
#[utoipa::path(
    operation_id = "getConversation",
    get, path = "/v1/conversations/{id}", tag = "conversations",
    params(
        ("id" = String, Path, description = "Its `id` as it was sent, percent-encoded, or ours"),
        ("project" = Option<String>, Query, description = "Only of this project"),
        ("environment" = Option<String>, Query, description = "Only in this environment"),
        ("revision" = Option<u32>, Query, description = "Its document as a source told of it later, from 2; else as it came first"),
    ),
    responses(
        (status = 200, description = "The one of our own id, else the newest that fits; `others` names further ones", body = ConversationView),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "AC0607: it was erased", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(shared): SharedState,
    Operate(principal): Operate,
    Named(id): Named,
    params: Params,
) -> ApiResult<Json<ConversationView>> {
    params.only(&["project", "environment", "revision"])?;
    let revision: Option<u32> = params.get("revision", "a revision's number, from 1")?;
    let mut found = visible(&shared, &principal, &id, &params).await?;
    // Our own id is nobody's to choose, so what it names goes first, whoever else sent the same as theirs. Of the rest,
    // one that can be read goes before those that were erased.
    let own = id.parse::<ConversationId>().ok();
    found.sort_by_key(|one| (Some(one.conversation) != own, one.document.is_none()));
    let mut found = found.into_iter();
    let Some(first) = found.next() else {
        return Err(not_found(format!(
            "There is no conversation {:?}.",
            crate::problem::shown(&id)
        )));
    };
    let others = found
        .map(|other| Sibling {
            conversation_id: other.conversation,
            project: other.project,
            environment: other.environment,
        })
        .collect();
    let (conversation, document) = (first.conversation, first.document.clone());
    let mut document = document.ok_or_else(|| erased(conversation))?;
    if let Some(number) = revision {
        let told = shared.app.store.revision(conversation, number).await?;
        document = told.ok_or_else(|| {
            let count = first.revisions.len() + 1;
            not_found(format!("There is no revision {number} of it; it has {count}."))
        })?;
    }
    view(&shared, first, document, others).await.map(Json)
}

/// All that fit and that the key may see, newest first: by what their platform calls them and by our own id.
async fn visible(
    shared: &Shared,
    principal: &Principal,
    id: &str,
    params: &Params,
) -> ApiResult<Vec<ConversationRecord>> {
    let project = params.get("project", PROJECT)?;
    let environments = place::environments(params, principal)?;
    if let Some(project) = &project {
        principal.check_project(project)?;
    }
    let store = &shared.app.store;
    let mut found = store.conversations(id).await?;
    if let Ok(own) = id.parse::<ConversationId>()
        && found.iter().all(|one| one.conversation != own)
    {
        found.extend(store.conversation(own).await?);
    }
    found.retain(|one| {
        principal.may_see(&one.project, one.environment)
            && environments.contains(&one.environment)
            && project.as_ref().is_none_or(|project| *project == one.project)
    });
    Ok(found)
}

async fn view(
    shared: &Shared,
    record: ConversationRecord,
    document: Vec<u8>,
    others: Vec<Sibling>,
) -> ApiResult<ConversationView> {
    let filter = RunFilter {
        project: Some(record.project.clone()),
        environments: vec![record.environment],
        external_id: Some(record.external_id.clone()),
        ..RunFilter::default()
    };
    let page = shared.app.store.runs(filter).await?;
    let document = String::from_utf8(document).map_err(|bad| internal(&bad))?;
    Ok(ConversationView {
        conversation_id: record.conversation,
        external_id: record.external_id,
        project: record.project,
        environment: record.environment,
        source: record.source.as_str().to_owned(),
        accepted_at: record.accepted_at,
        document: RawValue::from_string(document).map_err(|bad| internal(&bad))?,
        revisions: record
            .revisions
            .iter()
            .map(|one| RevisionView {
                number: one.number,
                received_at: one.received_at,
            })
            .collect(),
        runs: page.items.into_iter().map(runs::view).collect(),
        state_after: record.state_after,
        others,
    })
}
