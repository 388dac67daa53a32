//! What one attempt leaves behind.

use serde::{Deserialize, Serialize};

use crate::error_code::Code;
use crate::{Timestamp, ids::AttemptNumber};

/// How loud a log entry is, or which stream it was captured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For whoever debugs.
    Debug,
    /// Something happened.
    Info,
    /// Something looks wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// Printed.
    Stdout,
    /// Printed to standard error.
    Stderr,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// How loud, or where from.
    pub level: LogLevel,
    /// The text.
    pub content: String,
    /// Its author says that it holds personal data.
    pub is_pii: bool,
    /// When the child wrote it.
    pub timestamp: Timestamp,
    /// Who wrote it: `conversation_logger`, `plog`, `print`, `logging`, `runtime`.
    pub logger: String,
    /// Further fields, a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Value>,
}

/// One metric that a function wrote, in order of writing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// A string, number, boolean or null.
    pub value: serde_json::Value,
}

/// Something to be done outside once the run has committed, e.g. `{"kind": "sms", …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What kind of thing.
    pub kind: String,
    /// Everything else that the function said.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// One frame of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Relative to the project where it is the project's own.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The function's name.
    pub function: String,
    /// The source line, as written.
    #[serde(default)]
    pub source: String,
    /// It stands in the project, not in a library.
    #[serde(default)]
    pub own: bool,
}

/// An exception as its author wants to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDocument {
    /// The exception's class (`KeyError`), or empty where no exception was raised.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it said.
    pub message: String,
    /// As Python prints it, with the runtime's own frames left out.
    #[serde(default)]
    pub traceback: String,
    /// Outermost call first.
    #[serde(default)]
    pub frames: Vec<Frame>,
    /// What it was raised from.
    #[serde(default)]
    pub cause: Option<Box<ErrorDocument>>,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResourceUse {
    /// CPU time in user mode, microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// Largest resident set, KiB.
    pub max_rss_kib: u64,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
}

/// How an attempt ended, as far as the attempt itself can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The function returned.
    Returned {
        /// Failed effects that nothing later made good.
        unsettled_failures: u32,
    },
    /// It did not, by the attempt's own doing, which counts; or it could not be begun
    /// ([`Code::is_fault_of_surroundings`]), which does not.
    Failed {
        /// Why.
        code: Code,
        /// The signal that ended the child, if one did.
        signal: Option<i32>,
        /// The child's exit status, if it exited.
        exit_status: Option<i32>,
        /// In a sentence, for people.
        message: String,
        /// The exception, where there was one.
        error: Option<ErrorDocument>,
    },
    /// The supervisor or the machine went, or stopped on purpose: it does not count.
    Interrupted,
    /// A host is out: the run goes on when that is back. It does not count.
    Waiting,
    /// Only a person can say what is to become of a write. It does not count.
    Parked,
    /// A person cancelled the run.
    Cancelled,
}

/// Everything that an attempt leaves: what a completing transaction records.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptReport {
    /// Which attempt.
    pub number: AttemptNumber,
    /// How it ended.
    pub end: AttemptEnd,
    /// When the function began, if it did.
    pub function_started_at: Option<Timestamp>,
    /// When the attempt was over.
    pub ended_at: Timestamp,
    /// What the process used, where the system told.
    pub usage: ResourceUse,
    /// In order.
    pub logs: Vec<LogEntry>,
    /// In order; recorded only from an attempt that returned.
    pub metrics: Vec<Metric>,
    /// In order; recorded only from an attempt that returned.
    pub actions: Vec<Action>,
    /// `conv.state` afterwards, in the wire form; only from an attempt that returned.
    pub state: Option<serde_json::Value>,
    /// What confinement held, as the canary of its zygote found.
    pub confinement: String,
    /// What it waits for, if it ended for that.
    pub waits_for: Option<WaitsFor>,
    /// A write of unknown fate is left that no code ever heard of.
    pub unheard_unknown: bool,
}

/// A host that is out, and when the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitsFor {
    /// Scheme, host and port.
    pub origin: String,
    /// Not before this.
    pub until: Timestamp,
}

impl AttemptReport {
    /// An attempt of which nothing is left but how and when it ended.
    #[must_use]
    pub fn bare(number: AttemptNumber, end: AttemptEnd, ended_at: Timestamp) -> Self {
        Self {
            number,
            end,
            function_started_at: None,
            ended_at,
            usage: ResourceUse::default(),
            logs: Vec::new(),
            metrics: Vec::new(),
            actions: Vec::new(),
            state: None,
            confinement: String::new(),
            waits_for: None,
            unheard_unknown: false,
        }
    }
}
