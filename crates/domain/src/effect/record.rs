//! What is written down of a run's effects: one sequence of records, to which records are only added.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Class, Endpoint, Fingerprint, Phase, Trouble};
use crate::Timestamp;
use crate::ids::AttemptNumber;

/// Effects that one run may have.
pub const MAX_EFFECTS: usize = 1_000;
/// Bytes that one run may record of them, requests and answers together.
pub const MAX_RECORDED_BYTES: usize = 64 * 1024 * 1024;

/// Which effect of its run, from 1, in the order in which they were first asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectNumber(pub u32);

impl fmt::Display for EffectNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// By which path of submission a request came: `0` is the function itself, `0.2` the second piece of work (thread, task,
/// executor's job) that it submitted. Not which worker happened to run it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(pub String);

impl Lane {
    /// The function itself.
    #[must_use]
    pub fn main() -> Self {
        Self("0".to_owned())
    }

    /// Who submitted it.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('.')?;
        Some(Self(parent.to_owned()))
    }

    /// Whether it is `other`, or was submitted by it, or by one that it submitted.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        let below = self.0.strip_prefix(&other.0);
        below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A header, name and value.
pub type Header = (String, String);

/// One record. Its body is the request's or the answer's.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When it was made.
    pub at: Timestamp,
    /// What it says.
    pub head: Head,
    /// Bytes that belong to it.
    pub body: Vec<u8>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Head {
    /// A request is about to leave: durable before its first byte does.
    Intent(Intent),
    /// A piece of an answer that is handed out as it comes. Its body is the piece.
    Chunk(ChunkOf),
    /// What became of it.
    Outcome(Outcome),
    /// The run waits for a host.
    Wait(Wait),
    /// The run waits for a person.
    Parked(Parked),
    /// What a person said of a pair that does not match.
    Paired(Paired),
    /// What an attempt was given back, and what it left.
    Replayed(Replayed),
}

impl Head {
    /// The word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Intent(_) => "intent",
            Self::Chunk(_) => "chunk",
            Self::Outcome(_) => "outcome",
            Self::Wait(_) => "wait",
            Self::Parked(_) => "parked",
            Self::Paired(_) => "paired",
            Self::Replayed(_) => "replayed",
        }
    }
}

/// A request is about to leave. Its body is the request's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Of which effect; one that is driven again has several.
    pub effect: EffectNumber,
    /// Who asks.
    pub attempt: AttemptNumber,
    /// By which path.
    pub lane: Lane,
    /// How it is treated.
    pub class: Class,
    /// What kind of request it is.
    pub endpoint: Endpoint,
    /// Which request it is.
    pub fingerprint: Fingerprint,
    /// `file:line` of the user's own call.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// The whole URL.
    pub url: String,
    /// Without those that hold secrets.
    pub headers: Vec<Header>,
    /// The idempotency key that goes with it: header and value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Header>,
    /// The bytes of an earlier intent with its key, in order to learn what became of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resend: bool,
    /// See [`Terms::timed`](super::Terms::timed).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed: bool,
}

/// Where a piece of an answer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOf {
    /// Of which effect.
    pub effect: EffectNumber,
    /// In whose time.
    pub attempt: AttemptNumber,
}

/// Who says what became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The other side, or the way there.
    #[default]
    Live,
    /// A policy: nobody asked.
    Policy,
    /// A person.
    Decision,
}

/// What became of a request. Its body is the answer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of which effect.
    pub effect: EffectNumber,
    /// In whose time.
    pub attempt: AttemptNumber,
    /// What it proves.
    pub phase: Phase,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// In a sentence, for people, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The answer, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How often it was sent.
    #[serde(default)]
    pub tries: u32,
    /// From asking to this, less what we withheld it, microseconds.
    #[serde(default)]
    pub latency_us: u64,
    /// The answer was handed out as it came: its body stands in pieces before this record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub streamed: bool,
    /// The catalogue calls this status no failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// Some code has been told, or was about to be.
    pub heard: bool,
    /// Who says so.
    #[serde(default)]
    pub source: Source,
}

/// An answer's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// 200 to 599, as sent.
    pub status: u16,
    /// As sent; empty over HTTP/2.
    #[serde(default)]
    pub reason: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// As sent, in order.
    pub headers: Vec<Header>,
}

impl Answer {
    /// The first header of this name, without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let of_name = |(n, _): &&Header| n.eq_ignore_ascii_case(name);
        self.headers.iter().find(of_name).map(|(_, value)| value.as_str())
    }
}

/// The run waits for a host, without a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Who was ended for it.
    pub attempt: AttemptNumber,
    /// Which effect cannot go on.
    pub effect: EffectNumber,
    /// Scheme, host and port.
    pub origin: String,
    /// When it is tried again, at the earliest.
    pub until: Timestamp,
    /// Why, in a sentence.
    pub message: String,
    /// An operator has stopped it: that is not the host's doing, and uses up no patience.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// The run waits for a person. Its body is that of the request which fits nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "made once in a blue moon, and never kept in numbers"
)]
pub enum Parked {
    /// Nobody knows what became of a write, and the code asks.
    Unknown {
        /// Who asked.
        attempt: AttemptNumber,
        /// The write.
        effect: EffectNumber,
    },
    /// A write was asked for that no record fits, while one of its kind is left over.
    Mismatch {
        /// Who asked.
        attempt: AttemptNumber,
        /// By which path.
        lane: Lane,
        /// Where to.
        endpoint: Endpoint,
        /// Which request.
        fingerprint: Fingerprint,
        /// The whole URL.
        url: String,
        /// `file:line` of the user's own call.
        site: String,
        /// What an earlier attempt did there, and this one did not ask for.
        beside: Vec<EffectNumber>,
    },
}

impl Parked {
    /// Who asked.
    #[must_use]
    pub const fn attempt(&self) -> AttemptNumber {
        match self {
            Self::Unknown { attempt, .. } | Self::Mismatch { attempt, .. } => *attempt,
        }
    }
}

/// What a person said of a write that fits nothing and a record that is left over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// The record.
    pub effect: EffectNumber,
    /// The write.
    pub fingerprint: Fingerprint,
    /// What to do.
    pub verdict: PairVerdict,
}

/// Which of two writes is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// The record stands for the write: what it brought is given back.
    Keep,
    /// They are two: the write is sent.
    Send,
}

/// What an attempt was given back, and what it left: known when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replayed {
    /// Which attempt.
    pub attempt: AttemptNumber,
    /// Given back as they were.
    pub given: Vec<EffectNumber>,
    /// Among them: those that matched but for volatile tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drifted: Vec<EffectNumber>,
    /// Writes of earlier attempts that are done, and that it did not ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_over: Vec<EffectNumber>,
}

impl Replayed {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.left_over.is_empty()
    }
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record of an effect: {0}")]
pub struct BadRecord(String);

impl Record {
    /// As it is kept: the length of what it says, what it says as JSON, its body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = serde_json::to_vec(&self.head).unwrap_or_default();
        let mut bytes = Vec::with_capacity(4 + head.len() + self.body.len());
        bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads back what [`Self::to_bytes`] gave.
    ///
    /// # Errors
    /// [`BadRecord`]: no version of ours wrote that.
    pub fn from_bytes(at: Timestamp, mut bytes: Vec<u8>) -> Result<Self, BadRecord> {
        let short = || BadRecord(format!("{} bytes are too few", bytes.len()));
        let length: [u8; 4] = bytes
            .get(..4)
            .and_then(|four| four.try_into().ok())
            .ok_or_else(short)?;
        let end = usize::try_from(u32::from_be_bytes(length))
            .ok()
            .and_then(|length| length.checked_add(4));
        let end = end.filter(|end| *end <= bytes.len()).ok_or_else(short)?;
        let head = serde_json::from_slice(&bytes[4..end]).map_err(|error| BadRecord(error.to_string()))?;
        Ok(Self {
            at,
            head,
            body: bytes.split_off(end),
        })
    }

    /// Whether it says that something is about to leave.
    #[must_use]
    pub const fn is_intent(&self) -> bool {
        matches!(self.head, Head::Intent(_))
    }
}
