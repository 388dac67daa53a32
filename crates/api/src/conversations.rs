//! Handing conversations in, and reading them back.

use domain::run::Hold;
use domain::{ConversationId, Environment, ProjectName, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{Problem, RunView, RunWord};

/// A conversation that is durably ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The run that stands for it.
    #[schema(value_type = String, format = "uuid")]
    pub run_id: RunId,
    /// Our number for it.
    #[schema(value_type = String, format = "uuid")]
    pub conversation_id: ConversationId,
    /// Its `id`, as sent.
    pub external_id: String,
    /// Where its run stands.
    pub status: RunWord,
    /// What the run is held for: `no_active_deployment`.
    #[schema(value_type = Option<String>)]
    pub hold: Option<Hold>,
    /// `true` if it was accepted before; left out otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// From a source that tells of a call in several events: the number of this content, from 2, which is kept beside what came first;
    /// left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// A sentence about the hold; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The answer to one line of a batch: either `accepted` fields or a `problem`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineAnswer {
    /// Which line of the request, from 1, blank ones counted.
    pub line: u64,
    /// What a request of its own would have been answered with: 202, 200, 400, 409, 413, 503 …
    pub status: u16,
    /// The run that stands for the conversation; left out with a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// Why the line was refused; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// An accepted conversation, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConversationView {
    /// Our number for it.
    #[schema(value_type = String, format = "uuid")]
    pub conversation_id: ConversationId,
    /// Its `id`, as sent.
    pub external_id: String,
    /// Whose.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Where.
    #[schema(value_type = String)]
    pub environment: Environment,
    /// Which way in it took: `native`, or the `?source` that told of it.
    pub source: String,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// The document, exactly as it was sent: as it came first, or in the revision that was asked for.
    #[schema(value_type = Object)]
    pub document: Box<RawValue>,
    /// What its source told of it later, in order; left out if it told nothing more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionView>,
    /// Its runs, newest first.
    pub runs: Vec<RunView>,
    /// `conv.state` as the run left it, in the wire form; `null` while no attempt has returned.
    #[schema(value_type = Option<Object>)]
    pub state_after: Option<serde_json::Value>,
    /// Others with the same external id, in other projects or environments that the key may see, newest first.
    #[serde(default)]
    pub others: Vec<Sibling>,
}

/// Content of a conversation that came after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionView {
    /// From 2: `?revision` shows its document.
    pub number: u32,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
}

/// Where else an external id is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sibling {
    /// Our number for it.
    #[schema(value_type = String, format = "uuid")]
    pub conversation_id: ConversationId,
    /// Whose.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Where.
    #[schema(value_type = String)]
    pub environment: Environment,
}
