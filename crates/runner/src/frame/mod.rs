//! The frames between supervisor and child (docs/protocol.md, section 1).
//!
//! What a child writes is not to be trusted: every length is checked before anything is set aside for it.

mod codec;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

pub use codec::{FrameError, decode, encode};

/// The version of frames and of what they mean.
pub const VERSION: u32 = 1;
/// The largest payload to a child, bytes.
pub const TO_CHILD_MAX: usize = 64 * 1024 * 1024;
/// The largest payload from a child, bytes.
pub const FROM_CHILD_MAX: usize = 16 * 1024 * 1024;
/// The largest log entry, bytes.
pub const LOG_MAX: usize = 64 * 1024;
/// The largest frame that only names something, bytes.
pub const SMALL_MAX: usize = 4 * 1024;
/// Length and kind.
const HEADER: usize = 5;

/// The kinds of frames that are in use.
pub mod kind {
    /// Supervisor to child: what to run.
    pub const START: u8 = 1;
    /// Child to supervisor: an effect is asked for.
    pub const EFFECT: u8 = 2;
    /// Supervisor to child: what became of it.
    pub const ANSWER: u8 = 3;
    /// Supervisor to child: a piece of an answer.
    pub const CHUNK: u8 = 4;
    /// Child to supervisor: a lane begins or ends.
    pub const LANE: u8 = 6;
    /// Child to supervisor: a log entry.
    pub const LOG: u8 = 7;
    /// Child to supervisor: how it ended.
    pub const RESULT: u8 = 8;
    /// Child to supervisor: nobody reads more of an answer.
    pub const CLOSE: u8 = 9;
    /// Child to supervisor: so much was logged and not sent.
    pub const DROPPED: u8 = 10;
}

/// What a child is to run.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Start {
    /// [`VERSION`].
    #[n(0)]
    pub version: u32,
    /// The run's id.
    #[n(1)]
    pub run: String,
    /// From 1.
    #[n(2)]
    pub attempt: u32,
    /// The deployment's id.
    #[n(3)]
    pub deployment: String,
    /// `sandbox`, `pre-release` or `live`.
    #[n(4)]
    pub environment: String,
    /// The conversation, JSON.
    #[n(5)]
    pub conversation: ByteVec,
    /// For the attempt's random streams.
    #[n(6)]
    pub seed: ByteVec,
    /// A JSON object.
    #[n(8)]
    pub settings: ByteVec,
}

/// An effect that user code asks for.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Effect {
    /// The child's number for it, from 1.
    #[n(0)]
    pub request: u64,
    /// Its lane.
    #[n(1)]
    pub lane: String,
    /// `http`.
    #[n(2)]
    pub kind: String,
    /// Method, URL, headers, call site; JSON.
    #[n(3)]
    pub head: ByteVec,
    /// Its body.
    #[n(4)]
    pub body: Option<ByteVec>,
}

/// What became of an effect.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Answer {
    /// The child's number for it.
    #[n(0)]
    pub request: u64,
    /// See [`domain::effect::Phase`].
    #[n(1)]
    pub phase: String,
    /// Why, as a code.
    #[n(2)]
    pub code: Option<String>,
    /// Why, in words.
    #[n(3)]
    pub message: Option<String>,
    /// Status and headers, JSON.
    #[n(4)]
    pub head: Option<ByteVec>,
    /// The answer's body.
    #[n(5)]
    pub body: Option<ByteVec>,
    /// See [`domain::effect::Trouble`].
    #[n(6)]
    pub trouble: Option<String>,
    /// Its body comes in chunks behind it.
    #[n(7)]
    pub more: bool,
    /// What time it is for the code from here on, nanoseconds since the epoch; none: the time it is.
    #[n(8)]
    pub clock_ns: Option<u64>,
    /// Lanes for which it is the time it is from here on, beside that of whoever asked.
    #[n(9)]
    pub real_lanes: Vec<String>,
}

/// A piece of an answer.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Chunk {
    /// The child's number for the effect.
    #[n(0)]
    pub request: u64,
    /// The piece.
    #[n(1)]
    pub body: ByteVec,
    /// None follows.
    #[n(2)]
    pub last: bool,
    /// It broke off.
    #[n(3)]
    pub trouble: Option<String>,
}

/// A lane begins or ends.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Lane {
    /// Which.
    #[n(0)]
    pub lane: String,
    /// Which submitted it.
    #[n(1)]
    pub parent: String,
    /// It is over.
    #[n(2)]
    pub ended: bool,
}

/// Nobody reads more of an answer.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Close {
    /// The child's number for the effect.
    #[n(0)]
    pub request: u64,
}

/// A log entry.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Log {
    /// See [`domain::LogLevel`].
    #[n(0)]
    pub level: String,
    /// The text.
    #[n(1)]
    pub content: String,
    /// Holds personal data.
    #[n(2)]
    pub is_pii: bool,
    /// Nanoseconds since the epoch.
    #[n(3)]
    pub time_ns: u64,
    /// Who wrote it.
    #[n(4)]
    pub logger: String,
    /// Further fields, a JSON object.
    #[n(5)]
    pub fields: Option<ByteVec>,
}

/// What was logged past the limits of a log, and therefore not sent, since the last such frame.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct Dropped {
    /// At least, of text and of what each entry costs.
    #[n(0)]
    pub bytes: u64,
}

/// How an attempt ended, says its child.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub struct ResultFrame {
    /// `returned`, `raised`, `unready`, `refused_input`, `version`.
    #[n(0)]
    pub outcome: String,
    /// `conv.state`, a JSON object.
    #[n(1)]
    pub state: Option<ByteVec>,
    /// A JSON list.
    #[n(2)]
    pub metrics: Option<ByteVec>,
    /// A JSON list.
    #[n(3)]
    pub actions: Option<ByteVec>,
    /// See [`domain::ErrorDocument`].
    #[n(4)]
    pub error: Option<ByteVec>,
    /// A JSON object.
    #[n(5)]
    pub timing: Option<ByteVec>,
}

/// A frame from a child.
#[derive(Debug)]
pub enum FromChild {
    /// An effect is asked for.
    Effect(Effect),
    /// A lane begins or ends.
    Lane(Lane),
    /// Nobody reads more of an answer.
    Close(Close),
    /// A log entry.
    Log(Log),
    /// Log entries were not sent.
    Dropped(Dropped),
    /// How it ended.
    Result(Box<ResultFrame>),
}
