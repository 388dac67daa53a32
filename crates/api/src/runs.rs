//! Runs: listed, told whole, retried, cancelled.

use std::fmt;
use std::str::FromStr;

use domain::run::{Hold, RunState};
use domain::{
    Action, AttemptNumber, Code, ConversationId, DeploymentId, Environment, ErrorDocument, LogEntry, Metric,
    ProjectName, ResourceUse, RunId, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{EffectView, EffectsSummary, ParkedView, WaitView};

/// Where a run stands, in one word: its end where there is one, else its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunWord {
    /// Due, or held until something is there that it needs.
    Queued,
    /// A child has it.
    Running,
    /// An attempt failed; the next one comes at its time.
    Backoff,
    /// A host is out; it goes on when that host is back.
    Waiting,
    /// A person or a policy must say what became of an effect.
    NeedsDecision,
    /// Over: the function returned, and no failure is left.
    Succeeded,
    /// Over: it returned, but swallowed a failure that nothing made good.
    CompletedWithFailures,
    /// Over: a dead letter.
    Failed,
    /// Over: by a person.
    Cancelled,
}

impl RunWord {
    /// Every word.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Backoff,
        Self::Waiting,
        Self::NeedsDecision,
        Self::Succeeded,
        Self::CompletedWithFailures,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word itself; what [`RunState::word`] gives.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Waiting => "waiting",
            Self::NeedsDecision => "needs_decision",
            Self::Succeeded => "succeeded",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// All of them in a sentence's part: `one of queued, running, …`.
    #[must_use]
    pub fn expected() -> String {
        format!("one of {}", Self::ALL.map(Self::as_str).join(", "))
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::CompletedWithFailures | Self::Failed | Self::Cancelled
        )
    }
}

impl From<&RunState> for RunWord {
    fn from(state: &RunState) -> Self {
        use domain::run::{End, Status};
        match (state.end, state.status) {
            (Some(End::Succeeded), _) => Self::Succeeded,
            (Some(End::CompletedWithFailures), _) => Self::CompletedWithFailures,
            (Some(End::Failed), _) => Self::Failed,
            (Some(End::Cancelled), _) => Self::Cancelled,
            (None, Status::Queued) => Self::Queued,
            (None, Status::Running) => Self::Running,
            (None, Status::Backoff) => Self::Backoff,
            (None, Status::Waiting) => Self::Waiting,
            // A run is never over without an end; should it ever be, a person has to look.
            (None, Status::NeedsDecision | Status::Ended) => Self::NeedsDecision,
        }
    }
}

impl fmt::Display for RunWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RunWord {
    type Err = String;
    /// The error is what would have been right.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|word| word.as_str() == text)
            .ok_or_else(Self::expected)
    }
}

/// What happens to a run next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Next {
    /// For people.
    pub sentence: String,
    /// When, where a time is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// What to type, where a person is to act; one of them, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

/// A run, as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its number.
    #[schema(value_type = String, format = "uuid")]
    pub run_id: RunId,
    /// Our number of its conversation.
    #[schema(value_type = String, format = "uuid")]
    pub conversation_id: ConversationId,
    /// What its platform calls the conversation.
    pub external_id: String,
    /// Whose.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Where.
    #[schema(value_type = String)]
    pub environment: Environment,
    /// Where it stands.
    pub status: RunWord,
    /// What it is held for: `no_active_deployment`.
    #[schema(value_type = Option<String>)]
    pub hold: Option<Hold>,
    /// The host that it waits for, with scheme and port, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// Attempts begun.
    #[schema(value_type = u32)]
    pub attempts: AttemptNumber,
    /// Attempts that failed since it was accepted or last retried by hand.
    pub failures: u32,
    /// How often it was run again, on purpose, although it had succeeded; absent if never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reruns: u32,
    /// What it began on.
    #[schema(value_type = Option<String>)]
    pub deployment: Option<DeploymentId>,
    /// Why the last attempt failed.
    #[schema(value_type = Option<String>)]
    pub last_error: Option<Code>,
    /// Why no further attempt is made, while it is a dead letter: AC0315 to AC0318.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub dead_letter: Option<Code>,
    /// When its conversation was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// When somebody retried it last; absent if nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retried_at: Option<Timestamp>,
    /// When it changed last.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// What happens next.
    pub next: Next,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// Newest first.
    pub runs: Vec<RunView>,
    /// What to give as `after` for the next page; `null` on the last.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub next: Option<RunId>,
}

/// How an attempt is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It is under way, or was cut off a moment ago.
    Running,
    /// The function returned.
    Returned,
    /// It failed by its own doing, and counts.
    Failed,
    /// The supervisor or the machine went, or stopped on purpose; it does not count.
    Interrupted,
    /// A person cancelled the run.
    Cancelled,
    /// A host was out; it does not count.
    Waiting,
    /// A person must say what is to become of a write; it does not count.
    Parked,
}

/// One attempt of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Which, from 1.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// How it is doing.
    pub outcome: AttemptOutcome,
    /// What it ran.
    #[schema(value_type = String)]
    pub deployment: DeploymentId,
    /// When it was claimed.
    #[schema(value_type = String, format = DateTime)]
    pub claimed_at: Timestamp,
    /// When the function began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// From the function's beginning (the claim, if it never began) to its end, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    #[schema(value_type = Option<String>)]
    pub code: Option<Code>,
    /// Why it failed, in a sentence.
    pub message: Option<String>,
    /// The signal that ended its process.
    pub signal: Option<i32>,
    /// The exit status of its process.
    pub exit_status: Option<i32>,
    /// The exception, with traceback and source lines.
    #[schema(value_type = Option<Object>)]
    pub error: Option<ErrorDocument>,
    /// What its process used: `user_us`, `system_us`, `max_rss_kib`, `minor_faults`.
    #[schema(value_type = Object)]
    pub usage: ResourceUse,
    /// What confinement held.
    pub confinement: String,
    /// What it logged, in order.
    #[schema(value_type = Vec<Object>)]
    pub logs: Vec<LogEntry>,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// As in listings.
    pub run: RunView,
    /// Every attempt, first to last, each with its logs.
    pub attempts: Vec<AttemptView>,
    /// What it asked for, in the order in which that was first asked for; empty if the conversation was erased.
    #[serde(default)]
    pub effects: Vec<EffectView>,
    /// When and why it waited for hosts.
    #[serde(default)]
    pub waits: Vec<WaitView>,
    /// When and why it waited for a person.
    #[serde(default)]
    pub parked: Vec<ParkedView>,
    /// What its effects came to.
    #[serde(default)]
    pub summary: EffectsSummary,
    /// Metrics of the attempt that returned, in order: `name`, `value`.
    #[schema(value_type = Vec<Object>)]
    pub metrics: Vec<Metric>,
    /// Actions that were queued, in order: `kind` and more. A retry adds those that no earlier attempt had queued.
    #[schema(value_type = Vec<Object>)]
    pub actions: Vec<Action>,
    /// `conv.state` as it left it, in the wire form; `null` while none has returned.
    #[schema(value_type = Option<Object>)]
    pub state_after: Option<serde_json::Value>,
}

/// What one attempt logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogsView {
    /// Of this run.
    #[schema(value_type = String, format = "uuid")]
    pub run_id: RunId,
    /// Of this attempt: the one asked for, or the last. 0 if there was none yet.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// How that attempt is doing; its log is here once it has ended. `null` if there was none yet.
    pub outcome: Option<AttemptOutcome>,
    /// In order: `level`, `content`, `is_pii`, `timestamp`, `logger`, `fields`.
    #[schema(value_type = Vec<Object>)]
    pub logs: Vec<LogEntry>,
}

/// How to retry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// On this deployment (its id or a prefix that no other has); absent: on the one that it began on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Also if it succeeded: whatever it did is then done again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
