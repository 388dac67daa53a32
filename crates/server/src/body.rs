//! Reading bodies: no more than allowed, and no more at once than there is room for.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use domain::Code;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::{BUDGET_UNIT, Shared};
use crate::problem::{ApiError, ApiResult, bad_field, internal, shown, too_large};

/// How much of a body that is refused is still read, in bytes: a client that sends before it listens would otherwise
/// see a broken connection in place of the answer.
const DISCARDED_MAX: usize = 64 * 1024 * 1024;
/// How long that may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// A body, and its share of the budget, which is given back when this is dropped.
pub(crate) struct Whole {
    pub bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// Reads a body of at most `limit` bytes. `what` names it in errors.
pub(crate) async fn read(
    shared: &Shared,
    headers: &HeaderMap,
    mut body: Body,
    what: &str,
    limit: usize,
) -> ApiResult<Whole> {
    refuse_encoded(headers)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        discard(body).await;
        return Err(too_large(what, limit));
    }
    // Without a length it may become as long as is allowed.
    let units = length
        .unwrap_or(limit)
        .div_ceil(BUDGET_UNIT)
        .min(shared.limits.body_budget_bytes / BUDGET_UNIT);
    let share = std::sync::Arc::clone(&shared.body_budget)
        .acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX))
        .await
        .map_err(|closed| internal(&closed))?;
    let reading = collect(&mut body, length, limit);
    let bytes = match tokio::time::timeout(shared.limits.body_timeout, reading).await {
        Ok(Some(read)) => read.map_err(|error| incomplete(&error.to_string()))?,
        Ok(None) => {
            discard(body).await;
            return Err(too_large(what, limit));
        }
        Err(_) => return Err(incomplete("it did not come in time")),
    };
    Ok(Whole { bytes, _share: share })
}

/// `None` if it is longer than `limit`.
async fn collect(body: &mut Body, length: Option<usize>, limit: usize) -> Option<Result<Bytes, axum::Error>> {
    let mut whole = BytesMut::new();
    let mut only = None;
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return Some(Err(error)),
        };
        if whole.len() + data.len() > limit {
            return None;
        }
        if whole.is_empty() && length == Some(data.len()) {
            // The usual case: all of it in one piece, which need not be copied.
            only = Some(data);
            continue;
        }
        if let Some(first) = only.take() {
            whole.extend_from_slice(&first);
        }
        whole.reserve(length.unwrap_or_default().saturating_sub(whole.len()).min(limit));
        whole.extend_from_slice(&data);
    }
    Some(Ok(only.unwrap_or_else(|| whole.freeze())))
}

/// Reads what is left of a body that is refused, as far as that is bearable.
async fn discard(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARDED_MAX {
                break;
            }
        }
    };
    // Whether it was all read or not: the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, reading).await;
}

pub(crate) fn incomplete(why: &str) -> ApiError {
    let detail = format!("The body could not be read: {why}.");
    api::Problem::new(Code::BadRequest, 400, detail, "Send it again, whole.").into()
}

/// Bodies travel as they are.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> ApiResult<()> {
    match headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("unreadable"))
    {
        None | Some("identity") => Ok(()),
        Some(other) => Err(bad_field(
            "Content-Encoding",
            other,
            "no encoding",
            "Send the body as it is.",
        )),
    }
}

/// The media type of the body, without parameters, lower-case; empty if none is given.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// A body of another media type than the route takes.
pub(crate) fn wrong_media_type(found: &str, expected: &str) -> ApiError {
    let fix = format!(
        "Say what it is: `Content-Type: {}`.",
        expected.split(' ').next().unwrap_or(expected)
    );
    let mut error = bad_field("Content-Type", found, expected, &fix);
    error.0.status = 415;
    error
}

/// Reads a small JSON document. An empty body stands for `{}`, so that a request without particulars needs none.
pub(crate) async fn json<T: DeserializeOwned>(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<T> {
    let whole = read(shared, headers, body, "The body", shared.limits.request_bytes).await?;
    let text: &[u8] = if whole.bytes.is_empty() {
        b"{}"
    } else {
        &whole.bytes
    };
    if !whole.bytes.is_empty() {
        match media_type(headers).as_str() {
            "application/json" => {}
            other => return Err(wrong_media_type(other, "application/json")),
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = pointer(error.path());
        let inner = error.into_inner();
        let code = if inner.is_data() {
            Code::BadRequest
        } else {
            Code::NotJson
        };
        misfit(code, path, &inner)
    })?;
    reader
        .end()
        .map_err(|error| misfit(Code::NotJson, String::new(), &error))?;
    Ok(value)
}

/// What the reader said of a body, by field. Its wording is matched, as it gives no codes; what is not known is passed on.
fn misfit(code: Code, mut path: String, error: &serde_json::Error) -> ApiError {
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(said, _)| said);
    let (found, expected) = match said.strip_prefix("missing field ") {
        Some(field) => {
            path = format!("{path}/{}", field.trim_matches('`'));
            ("", "a value")
        }
        None => said
            .split_once(", expected ")
            .or_else(|| said.split_once(" is not "))
            .unwrap_or((said, "something else")),
    };
    let place = if path.is_empty() { "The body" } else { &path };
    let told = if found.is_empty() { "missing" } else { found };
    let fix = "Correct it; GET /v1/openapi.json describes the body.";
    let mut problem = api::Problem::new(code, 400, format!("{place}: {told}, expected {expected}."), fix);
    problem.errors.push(api::FieldError {
        path,
        found: shown(found),
        expected: expected.to_owned(),
        fix: fix.to_owned(),
    });
    problem.into()
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}
