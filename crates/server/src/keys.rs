//! `/v1/keys`: made, listed, ended.

use api::{CreatedKey, KeyList, KeyRequest, KeyView, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use crypto::{ApiKeySecret, Entropy};
use domain::{KeyId, Timestamp};
use http::{HeaderMap, StatusCode};
use store::{ApiKeyRecord, Scope, Store, StoreError};

use crate::app::SharedState;
use crate::auth::{Admin, Principal};
use crate::body;
use crate::params::{Named, NoParams};
use crate::problem::{ApiResult, bad_field, forbidden, internal, not_found};

/// Longest label, in bytes.
const LABEL_MAX: usize = 200;

/// Why no key could be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// Its secret could not be made.
    #[error(transparent)]
    Entropy(#[from] crypto::EntropyError),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key that is made and not kept yet: it opens nothing.
pub struct Draft {
    record: ApiKeyRecord,
    secret: ApiKeySecret,
}

impl Draft {
    /// Its secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.secret.expose()
    }

    /// Keeps its record: from now on it opens what it is for. The secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// The store's; whether it is kept is open only after [`StoreError::Unknown`].
    pub async fn keep(self, store: &dyn Store) -> Result<CreatedKey, StoreError> {
        store.put_api_key(self.record.clone()).await?;
        Ok(CreatedKey {
            key: view(self.record),
            secret: self.secret.expose().to_owned(),
        })
    }
}

/// Makes a key. What `request` asks for is taken as it is: whether the asker may make such a key is for the caller to
/// know.
///
/// # Errors
/// If there is no randomness.
pub fn draft(
    entropy: &dyn Entropy,
    id: KeyId,
    now: Timestamp,
    request: KeyRequest,
) -> Result<Draft, crypto::EntropyError> {
    let secret = ApiKeySecret::generate(entropy)?;
    let mut environments = request.environments;
    environments.sort_unstable();
    environments.dedup();
    let record = ApiKeyRecord {
        id,
        label: request.label,
        secret_hash: secret.hash(),
        project: request.project,
        environments,
        scope: stored_scope(request.scope),
        created_at: now,
        revoked_at: None,
    };
    Ok(Draft { record, secret })
}

/// Makes a key as [`draft`] does, and keeps it.
///
/// # Errors
/// [`CreateKeyError`]; no key was made then.
pub async fn create(
    store: &dyn Store,
    entropy: &dyn Entropy,
    id: KeyId,
    now: Timestamp,
    request: KeyRequest,
) -> Result<CreatedKey, CreateKeyError> {
    Ok(draft(entropy, id, now, request)?.keep(store).await?)
}

/// Makes a key. A key that is bound to a project or to environments makes no key for others.
#[utoipa::path(
    operation_id = "createKey",
    post, path = "/v1/keys", tag = "keys",
    request_body = KeyRequest,
    responses(
        (status = 201, description = "The key, its secret shown this once", body = CreatedKey),
        (status = 403, description = "AC0703", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn post(
    State(shared): SharedState,
    Admin(principal): Admin,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let request: KeyRequest = body::json(&shared, &principal, &headers, body).await?;
    check(&request, &principal)?;
    let (app, id) = (&shared.app, KeyId::from_uuid(shared.new_id()));
    let created = create(&*app.store, &*app.entropy, id, shared.now(), request)
        .await
        .map_err(|error| match error {
            CreateKeyError::Store(error) => error.into(),
            CreateKeyError::Entropy(error) => internal(&error),
        })?;
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

fn check(request: &KeyRequest, principal: &Principal) -> ApiResult<()> {
    if request.label.trim().is_empty() || request.label.len() > LABEL_MAX {
        return Err(bad_field(
            "/label",
            &request.label,
            "1 to 200 bytes of text",
            "Say what the key is for.",
        ));
    }
    if request.environments.is_empty() {
        let expected = "at least one of sandbox, pre-release, live";
        return Err(bad_field(
            "/environments",
            "[]",
            expected,
            "Name the environments that the key is for.",
        ));
    }
    for environment in &request.environments {
        principal.check_environment(*environment)?;
    }
    match (&request.project, &principal.project) {
        (Some(asked), _) => principal.check_project(asked),
        (None, None) => Ok(()),
        (None, Some(own)) => Err(forbidden(
            format!("The API key is for project {own} and makes none for every project."),
            format!("Name the project: \"project\": \"{own}\"."),
        )),
    }
}

/// All keys, ended ones too; never a secret.
///
/// A key that is bound to a project or to environments sees those that open nothing beyond.
#[utoipa::path(
    operation_id = "listKeys",
    get, path = "/v1/keys", tag = "keys",
    responses((status = 200, description = "Oldest first", body = KeyList)),
)]
pub(crate) async fn list(
    State(shared): SharedState,
    Admin(principal): Admin,
    _: NoParams,
) -> ApiResult<Json<KeyList>> {
    let all = shared.app.store.api_keys().await?;
    Ok(Json(KeyList {
        keys: all
            .into_iter()
            .filter(|key| may_touch(&principal, key))
            .map(view)
            .collect(),
    }))
}

/// Ends a key, at once.
///
/// A key that is bound to a project or to environments ends none that opens more.
#[utoipa::path(
    operation_id = "revokeKey",
    delete, path = "/v1/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It is ended, or was before"),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke(
    State(shared): SharedState,
    Admin(principal): Admin,
    Named(id): Named,
    _: NoParams,
) -> ApiResult<StatusCode> {
    let missing = || not_found(format!("There is no API key {:?}.", crate::problem::shown(&id)));
    let key: KeyId = id.parse().map_err(|_| missing())?;
    let all = shared.app.store.api_keys().await?;
    let found = all
        .iter()
        .find(|one| one.id == key && may_touch(&principal, one))
        .ok_or_else(missing)?;
    if found.revoked_at.is_none() {
        shared.app.store.revoke_api_key(key, shared.now()).await?;
    }
    shared.keys.forget(key);
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a key opens nothing that one's own does not: whoever could not have made it has no say over it.
fn may_touch(principal: &Principal, key: &ApiKeyRecord) -> bool {
    let within_project = principal.project.is_none() || principal.project == key.project;
    within_project
        && key
            .environments
            .iter()
            .all(|one| principal.environments.contains(one))
}

fn view(record: ApiKeyRecord) -> KeyView {
    KeyView {
        id: record.id,
        label: record.label,
        project: record.project,
        environments: record.environments,
        scope: scope_view(record.scope),
        created_at: record.created_at,
        revoked_at: record.revoked_at,
    }
}

pub(crate) const fn scope_view(scope: Scope) -> api::Scope {
    match scope {
        Scope::Ingest => api::Scope::Ingest,
        Scope::Operate => api::Scope::Operate,
        Scope::Admin => api::Scope::Admin,
    }
}

const fn stored_scope(scope: api::Scope) -> Scope {
    match scope {
        api::Scope::Ingest => Scope::Ingest,
        api::Scope::Operate => Scope::Operate,
        api::Scope::Admin => Scope::Admin,
    }
}
