//! Effects: what a run asked for, what was sent, and what came of it.

use domain::effect::{Class, Phase, Source};
use domain::{AttemptNumber, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One logical request of a run: asked for by every attempt, sent once if all goes well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectView {
    /// Which, from 1, in the order in which they were first asked for.
    pub effect: u32,
    /// How it is treated: `read`, `telemetry`, `credential` or `write`.
    #[schema(value_type = String)]
    pub class: Class,
    /// By which path of submission it came; left out where the run has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// In capitals.
    pub method: String,
    /// As it was asked for last; values of parameters that are secrets are `***`.
    pub url: String,
    /// What kind of request: method, origin, path with ids collapsed. What `where.endpoint` of a decision names.
    pub endpoint: String,
    /// `file:line` of the user's own call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What is known of it: `refused`, `not_sent`, `turned_away`, `done`, `rejected` or `unknown`; `null` while it is under way.
    #[schema(value_type = Option<String>)]
    pub phase: Option<Phase>,
    /// Every sending, oldest first.
    pub sendings: Vec<SendingView>,
    /// To which attempts what became of it before was given back, instead of sending it.
    #[schema(value_type = Vec<u32>)]
    pub given_back: Vec<AttemptNumber>,
    /// Among them: those that asked for it in slightly other words (times, durations).
    #[schema(value_type = Vec<u32>)]
    pub drifted: Vec<AttemptNumber>,
    /// It is done, and the last attempt did not ask for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_over: bool,
    /// It failed, the last attempt was told so, and nothing made it good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
    /// It is a write, and nobody knows whether it happened: a person can say (`POST /v1/runs/{id}/decide`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
}

/// One time that a request left, or was about to; small trouble may have had it sent several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SendingView {
    /// For which attempt.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// When it was written down, just before its first byte left.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// It carries an idempotency key.
    pub has_key: bool,
    /// The bytes of an earlier one with its key, to learn what became of that.
    pub resend: bool,
    /// What was sent.
    pub request: BodyView,
    /// What became of it, oldest first: none while it is under way, several where a policy or a person said more.
    pub outcomes: Vec<OutcomeView>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeView {
    /// In whose time.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What it proves: `refused`, `not_sent`, `turned_away`, `done`, `rejected` or `unknown`.
    #[schema(value_type = String)]
    pub phase: Phase,
    /// Who says so: `live` (the other side, or the way there), `policy`, or `decision` (a person).
    #[schema(value_type = String)]
    pub source: Source,
    /// Why there is no answer: `connection_refused`, `read_timeout` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub trouble: Option<domain::effect::Trouble>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The answer's status, where there is an answer.
    pub status: Option<u16>,
    /// What the answer calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The answer's body, where there is an answer and it is kept (that of a token is not).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyView>,
    /// How often it was sent; 0 where nothing was.
    pub tries: u32,
    /// How long the last of them took, milliseconds.
    pub latency_ms: u64,
    /// The status is one that the project expects there: no failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// The code was told.
    pub heard: bool,
}

/// A body, whole: as text if it is one, else as Base64. Neither, if it is empty, or if the key's scope is below `operate`, which may not
/// read conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BodyView {
    /// Its length.
    pub bytes: u64,
    /// UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The run waited for a host, without a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// Which attempt was ended for it.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Which effect could not go on.
    pub effect: u32,
    /// Scheme, host and port.
    pub origin: String,
    /// Until when, at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Why.
    pub message: String,
    /// An operator had stopped it: that uses up no patience.
    pub paused: bool,
}

/// Why a run parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParkedWhy {
    /// The code asked for a write of which nobody knows whether it happened.
    Unknown,
    /// The code asked for a write that fits no record, while one of its kind was left over.
    Mismatch,
}

/// The run waited for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParkedView {
    /// Which attempt was ended for it.
    #[schema(value_type = u32)]
    pub attempt: AttemptNumber,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub why: ParkedWhy,
    /// The effects that it is about: the unknown write, or the records that are left over.
    pub effects: Vec<u32>,
    /// The write that fits none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<NewWriteView>,
    /// What a person said: `happened`, `not_sent`, `keep` or `send`; absent while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<crate::Verdict>,
}

/// A write that was asked for and not sent, since it may be one that was sent before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewWriteView {
    /// In capitals.
    pub method: String,
    /// As it was asked for, secrets masked.
    pub url: String,
    /// Its kind: what `where.endpoint` of a decision names.
    pub endpoint: String,
    /// `file:line` of the user's own call.
    pub site: String,
    /// What was to be sent.
    pub request: BodyView,
}

/// What a run's effects came to, in numbers: why it was late, what was sent, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectsSummary {
    /// Writes that are done.
    pub writes_done: u32,
    /// Effects that may have left more than once: recorded bytes that were sent again with their key or by policy, or a write whose
    /// first sending nobody knows of and that was sent again.
    pub sent_again: Vec<u32>,
    /// Effects that were given back to a later attempt instead of being sent again.
    pub given_back: u32,
    /// Failures that the last attempt was told of and that nothing made good.
    pub unsettled: Vec<u32>,
    /// Writes of which nobody knows whether they happened.
    pub undecided: Vec<u32>,
    /// Writes that are done and that the last attempt did not ask for.
    pub left_over: Vec<u32>,
    /// Hosts that the run waited for.
    pub waited: Vec<WaitedView>,
}

/// How long a run waited for one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitedView {
    /// Scheme, host and port.
    pub origin: String,
    /// How often.
    pub times: u32,
    /// From the beginning of each wait to the attempt after it, or until now, seconds.
    pub seconds: u64,
    /// What its own waits have used up of the patience with this host, seconds.
    pub patience_used_s: u64,
    /// The patience, seconds.
    pub patience_s: u64,
    /// Why it waited last.
    pub message: String,
}
