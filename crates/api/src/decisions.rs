//! Decisions: what nobody can know, a person says.

use std::fmt;

use domain::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RunView;

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Of a write of unknown fate: it reached the other side, and is not sent again.
    Happened,
    /// Of a write of unknown fate: it did not, and is sent when it is asked for again.
    NotSent,
    /// Of a write that fits no record: the record stands for it, what that brought is given back.
    Keep,
    /// Of a write that fits no record: they are two, it is sent.
    Send,
    /// Give the run up.
    Abort,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::NotSent => "not_sent",
            Self::Keep => "keep",
            Self::Send => "send",
            Self::Abort => "abort",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is said of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// What.
    pub verdict: Verdict,
    /// Of which effect; absent: of the one that it can only be about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<u32>,
    /// With `happened`: what the other side answered, JSON; absent: `{}`, marked `Aftercall-Assumed: 1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub answer: Option<serde_json::Value>,
}

/// What is said of many runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideManyRequest {
    /// What.
    pub verdict: Verdict,
    /// Of which effects of which runs.
    #[serde(rename = "where")]
    pub of: Where,
    /// Only tell what would be said of which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// From where an earlier answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub after: Option<RunId>,
}

/// Which effects of which runs: those to which all applies that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Where {
    /// Of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<domain::ProjectName>,
    /// In this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub environment: Option<domain::Environment>,
    /// To this host: its name, with `:port` where that is not the scheme's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Of this kind: `POST https://crm.example.com/contacts/{id}/notes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Answered with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of runs in this state; absent: of those that need a decision. Others than `needs_decision` have heard of the effect and are not
    /// run again for what is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_status: Option<crate::RunWord>,
    /// Of runs that were accepted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecidedView {
    /// What was said.
    pub verdict: Verdict,
    /// Of which effects.
    pub effects: Vec<u32>,
    /// The same was said before: nothing was changed.
    pub already: bool,
    /// The run as it stands now.
    pub run: RunView,
}

/// What became of a decision about many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecidedList {
    /// Each run of which something was said, newest first.
    pub decided: Vec<DecidedView>,
    /// Runs of which nothing could be said, with why.
    pub failed: Vec<UndecidedView>,
    /// How many runs were looked at.
    pub looked_at: u32,
    /// What to give as `after` for more; `null` at the end.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub next: Option<RunId>,
}

/// A run of which nothing could be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UndecidedView {
    /// Which.
    #[schema(value_type = String, format = "uuid")]
    pub run_id: RunId,
    /// Why not.
    pub message: String,
}
