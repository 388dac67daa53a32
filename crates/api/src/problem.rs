//! Errors on the wire (RFC 9457).

use domain::{Code, ErrorDocument, RunId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is wrong in a document, a query or a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`/turns/3/text`; empty: all of it), `?limit` for the query, `Authorization` for a header.
    pub path: String,
    /// What was there, shortened.
    pub found: String,
    /// What would be right.
    pub expected: String,
    /// What to do.
    pub fix: String,
}

/// One place where two versions of a conversation differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Where: a JSON pointer (`/turns/3/text`).
    pub path: String,
    /// What is kept there, shortened; left out if nothing is there, or if the key's scope is below `operate`: it may not read
    /// conversations.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Value>)]
    pub kept: Option<serde_json::Value>,
    /// What was sent, shortened; left out if nothing was.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Value>)]
    pub sent: Option<serde_json::Value>,
}

/// `null` is a value of its own here: only a missing member means that nothing was there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

impl From<domain::json::Difference> for Difference {
    fn from(difference: domain::json::Difference) -> Self {
        Self {
            path: difference.path,
            kept: difference.kept,
            sent: difference.sent,
        }
    }
}

impl From<domain::json::Problem> for FieldError {
    fn from(problem: domain::json::Problem) -> Self {
        Self {
            path: problem.path,
            found: problem.found,
            expected: problem.expected,
            fix: problem.fix,
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The page that tells more, where this server has it: `/docs/errors/AC0102.md`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `AC0102` and the like.
    #[schema(value_type = String, pattern = "^AC[0-9]{4}$")]
    pub code: Code,
    /// The code in a few words; always the same for one code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, in a sentence.
    pub detail: String,
    /// What to do.
    pub fix: String,
    /// Field by field, where there are fields to speak of.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// With AC0103, left out otherwise: the run that stands for what was accepted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub kept_run_id: Option<RunId>,
    /// With AC0103, left out otherwise: what differs, some of it where it is much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// With AC02xx, left out otherwise: the project's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1; left out where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// With a 503, left out otherwise: when to come back, in seconds; what `Retry-After` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The exception, where user code raised one; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub error: Option<ErrorDocument>,
}

impl Problem {
    /// A problem of this code, without particulars of fields.
    #[must_use]
    pub fn new(code: Code, status: u16, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            kind: format!("/{}", code.page()),
            code,
            title: code.title().to_owned(),
            status,
            detail: detail.into(),
            fix: fix.into(),
            errors: Vec::new(),
            kept_run_id: None,
            differences: Vec::new(),
            file: None,
            line: None,
            retry_after_s: None,
            error: None,
        }
    }
}
