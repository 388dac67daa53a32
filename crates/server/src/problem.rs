//! Errors, as they leave: problem documents that say what was wrong, where, and what to do.
//!
//! What is only of use to whoever runs the server goes to its log, not into an answer.

use api::{FieldError, PROBLEM_JSON, Problem};
use axum::response::{IntoResponse, Response};
use domain::run::StepError;
use domain::{Code, ConversationId, ProjectName};
use http::{HeaderValue, StatusCode, header};
use store::StoreError;

/// When to come back to a queue at its limit, in seconds: a few runs have ended by then.
const RETRY_QUEUE_S: u32 = 5;
/// When to come back to a full disk: somebody has to make room.
const RETRY_DISK_S: u32 = 30;
/// When to come back to a server that is stopping: another may be up by then.
const RETRY_DRAIN_S: u32 = 10;
/// When to come back to a server that has no room for more bodies: those that are there come whole, or are given up.
const RETRY_BUSY_S: u32 = 2;
/// When to come back after a fault that may be over at once.
const RETRY_FAULT_S: u32 = 1;

/// Longest text of what was found, in characters.
const FOUND_MAX: usize = 120;

/// A request that was not carried out.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(pub Box<Problem>);

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Box<Problem>> for ApiError {
    fn from(problem: Box<Problem>) -> Self {
        Self(problem)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn later(problem: Problem, seconds: u32) -> ApiError {
    Problem {
        retry_after_s: Some(seconds),
        ..problem
    }
    .into()
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = error.code();
        match &error {
            StoreError::ReadOnly => later(
                Problem::new(
                    code,
                    503,
                    "The disk of the data folder is full; runs that are under way still complete.",
                    "Make room on the disk; accepting goes on by itself. Then send it again.",
                ),
                RETRY_DISK_S,
            ),
            StoreError::Unknown(cause) => {
                tracing::error!(%cause, "the fate of a commit is unknown");
                later(
                    Problem::new(
                        code,
                        503,
                        "Whether this was recorded could not be told.",
                        "Send it again: the same conversation twice is one run.",
                    ),
                    RETRY_FAULT_S,
                )
            }
            StoreError::Refused { run, error } => {
                let fix = match error {
                    StepError::Succeeded => {
                        "If that is wanted, say so: `aftercall runs retry --again`, or `\"again\": true` in the request."
                    }
                    _ => "Look at the run (`aftercall runs show`) and decide again.",
                };
                Problem::new(code, 409, format!("Run {run}: {error}."), fix).into()
            }
            StoreError::Outdated(run) => Problem::new(
                code,
                409,
                format!("Run {run} goes on while it is decided about."),
                "Look at the run (`aftercall runs show`) and decide again.",
            )
            .into(),
            StoreError::Erased(conversation) => erased(*conversation),
            StoreError::NoSuchRun(run) => not_found(format!("There is no run {run}.")),
            StoreError::InUse { .. }
            | StoreError::TooNew { .. }
            | StoreError::Torn { .. }
            | StoreError::Sealed(_)
            | StoreError::Damaged(_)
            | StoreError::Failed(_) => {
                tracing::error!(%code, %error, "the store failed");
                Problem::new(
                    code,
                    500,
                    "The store failed; the server's log says how.",
                    "Look at the server's log and `aftercall status`.",
                )
                .into()
            }
        }
    }
}

/// What was found, short enough to show.
pub(crate) fn shown(found: &str) -> String {
    match found.char_indices().nth(FOUND_MAX) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found.to_owned(),
    }
}

/// A remark of another crate as a sentence of an answer.
pub(crate) fn sentence(remark: &str) -> String {
    let mut text = remark.trim_end_matches('.').to_owned();
    if !text.ends_with(['?', '!']) {
        text.push('.');
    }
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A request with one thing wrong in it.
pub(crate) fn bad_field(path: &str, found: &str, expected: &str, fix: &str) -> ApiError {
    let found = shown(found);
    let said = if found.is_empty() {
        "missing".to_owned()
    } else {
        format!("{found:?}")
    };
    let mut problem = Problem::new(
        Code::BadRequest,
        400,
        format!("{path}: {said}, expected {expected}."),
        fix,
    );
    problem.errors.push(FieldError {
        path: path.to_owned(),
        found,
        expected: expected.to_owned(),
        fix: fix.to_owned(),
    });
    problem.into()
}

pub(crate) fn not_found(detail: impl Into<String>) -> ApiError {
    Problem::new(
        Code::NotFound,
        404,
        detail,
        "Check the id, and that the API key's project and environments are those of what you look for.",
    )
    .into()
}

pub(crate) fn erased(conversation: ConversationId) -> ApiError {
    Problem::new(
        Code::ConversationErased,
        410,
        format!("Conversation {conversation} was erased: its key is gone."),
        "What stays in clear (times, states, codes) is shown by `aftercall runs list` and `aftercall runs show`.",
    )
    .into()
}

pub(crate) fn unknown_project(name: &ProjectName) -> ApiError {
    Problem::new(
        Code::UnknownProject,
        404,
        format!("There is no project {name}."),
        format!("Deploy it first (`aftercall deploy FOLDER --project {name}`), or correct its name."),
    )
    .into()
}

pub(crate) fn forbidden(detail: impl Into<String>, fix: impl Into<String>) -> ApiError {
    Problem::new(Code::ScopeMissing, 403, detail, fix).into()
}

pub(crate) fn draining() -> ApiError {
    later(
        Problem::new(
            Code::Draining,
            503,
            "The server is stopping; this was not taken.",
            "Send it again, to another server or when this one is back.",
        ),
        RETRY_DRAIN_S,
    )
}

pub(crate) fn queue_full() -> ApiError {
    later(
        Problem::new(
            Code::QueueFull,
            503,
            "As many runs are unfinished as may be; nothing of this was kept.",
            "Send it again after the time that Retry-After says.",
        ),
        RETRY_QUEUE_S,
    )
}

pub(crate) fn busy() -> ApiError {
    later(
        Problem::new(
            Code::Busy,
            503,
            "As much is being taken in as may be at once, of this key or of all; nothing of this was kept.",
            "Send it again after the time that Retry-After says, and fewer at a time.",
        ),
        RETRY_BUSY_S,
    )
}

/// A body, or a line of a batch, of which too little comes.
pub(crate) fn stalled(what: &str, waited: std::time::Duration) -> ApiError {
    Problem::new(
        Code::BodyStalled,
        408,
        format!("{what} within {} s.", waited.as_secs_f64()),
        "Send it again, and without a pause.",
    )
    .into()
}

pub(crate) fn too_large(what: &str, limit: usize) -> ApiError {
    Problem::new(
        Code::TooLarge,
        413,
        format!("{what} is larger than the {limit} bytes that are allowed."),
        "Send less: drop what no function reads, or send several in one batch, one a line.",
    )
    .into()
}

/// A fault of ours. `cause` is for the log only.
pub(crate) fn internal(cause: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(%cause, "a request failed by a fault of ours");
    Problem::new(
        Code::Internal,
        500,
        "A fault of Aftercall itself; the server's log says more.",
        "Send it again; if it stays, report it with the log.",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_becomes_a_sentence_and_a_question_stays_one() {
        assert_eq!(sentence("its name is empty"), "Its name is empty.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence("was all of it copied?"), "Was all of it copied?");
    }
}
