//! Reading bodies: no more than allowed, and no more at once than there is room for.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use domain::Code;
use domain::json::JsonError;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::{Admitted, Share};
use crate::app::{Limits, Shared};
use crate::auth::Principal;
use crate::misfit::misfit;
use crate::problem::{ApiError, ApiResult, bad_field, sentence, stalled, too_large};

/// How much of a body that is refused is still read, in bytes: a client that sends before it listens would otherwise
/// see a broken connection in place of the answer.
const DISCARDED_MAX: usize = 64 * 1024 * 1024;
/// How long it is waited for any further piece of such a body: a client that sends nothing waits for its answer.
const DISCARD_PAUSE: Duration = Duration::from_millis(100);
/// How long all of it may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// A body, and its share of what may be held, which is given back when this is dropped.
pub(crate) struct Whole {
    pub bytes: Bytes,
    _share: Share,
}

/// Reads a body of at most `limit` bytes for this principal. `what` names it in errors.
pub(crate) async fn read(
    shared: &Shared,
    principal: &Principal,
    headers: &HeaderMap,
    mut body: Body,
    what: &str,
    limit: usize,
) -> ApiResult<Whole> {
    refuse_encoded(headers)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let read = match length {
        Some(length) if length > limit => Err(too_large(what, limit)),
        _ => match shared.admission.body(principal.key).await {
            Ok(admitted) => {
                let room = Room {
                    admitted,
                    what,
                    limit,
                };
                collect(&shared.limits, &mut body, length, room).await
            }
            Err(busy) => Err(busy),
        },
    };
    if read.is_err() {
        discard(body).await;
    }
    read
}

/// What a body may be.
struct Room<'a> {
    admitted: Admitted,
    what: &'a str,
    limit: usize,
}

async fn collect(
    limits: &Limits,
    body: &mut Body,
    length: Option<usize>,
    mut room: Room<'_>,
) -> ApiResult<Whole> {
    let deadline = Instant::now() + limits.body_timeout;
    let mut whole = BytesMut::new();
    let mut only = None;
    let mut read = 0;
    while let Some(data) = next(limits, body, read, deadline, room.what).await? {
        read += data.len();
        if read > room.limit {
            return Err(too_large(room.what, room.limit));
        }
        room.admitted.share.resize(read).await?;
        if length == Some(data.len()) {
            // The usual case: all of it in one piece, which need not be copied.
            only = Some(data);
            continue;
        }
        whole.extend_from_slice(&data);
    }
    Ok(Whole {
        bytes: only.unwrap_or_else(|| whole.freeze()),
        _share: room.admitted.arrived(),
    })
}

/// The next piece of a body of which so much is there.
async fn next(
    limits: &Limits,
    body: &mut Body,
    read: usize,
    deadline: Instant,
    what: &str,
) -> ApiResult<Option<Bytes>> {
    let (patience, missing) = match read {
        0 => (limits.first_byte_timeout, "no byte of it came"),
        _ => (limits.stall_timeout, "no further byte of it came"),
    };
    let until = (Instant::now() + patience).min(deadline);
    match timeout_at(until, body.frame()).await {
        Ok(None) => Ok(None),
        // Trailers say nothing to us.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        Ok(Some(Err(error))) => Err(incomplete(&error.to_string())),
        Err(_) if until == deadline => Err(stalled(
            &format!("{what} did not come whole"),
            limits.body_timeout,
        )),
        Err(_) => Err(stalled(&format!("{what} is not there: {missing}"), patience)),
    }
}

/// Reads what is at hand of a body that is refused, as far as that is bearable.
pub(crate) async fn discard(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Ok(Some(Ok(frame))) = timeout(DISCARD_PAUSE, body.frame()).await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARDED_MAX {
                break;
            }
        }
    };
    // Whether it was all read or not: the answer is the same.
    let _ = timeout(DISCARD_TIMEOUT, reading).await;
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
    principal: &Principal,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<T> {
    let limit = shared.limits.request_bytes;
    let whole = read(shared, principal, headers, body, "The body", limit).await?;
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
        // The reader calls some misfits faults of JSON.
        if inner.is_data() || serde_json::from_slice::<IgnoredAny>(text).is_ok() {
            misfit(path, &inner)
        } else {
            not_json(path, &inner, text)
        }
    })?;
    reader
        .end()
        .map_err(|error| not_json(String::new(), &error, text))?;
    Ok(value)
}

fn not_json(path: String, error: &serde_json::Error, text: &[u8]) -> ApiError {
    let error = JsonError::syntax(error, text);
    let told = JsonError { path, ..error }.to_problem();
    let place = if told.path.is_empty() {
        "The body"
    } else {
        &told.path
    };
    let detail = format!("{place}: found {}, expected {}.", told.found, told.expected);
    let mut problem = api::Problem::new(Code::NotJson, 400, detail, sentence(&told.fix));
    problem.errors.push(told.into());
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
