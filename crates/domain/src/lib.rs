//! What Aftercall is about, with nothing of how it is done: conversations, runs, attempts, deployments, and the
//! rules that decide what happens to them. Nothing here does I/O, reads a clock, rolls dice or knows of SQL or HTTP.

pub mod address;
pub mod attempt;
pub mod conversation;
pub mod deployment;
pub mod effect;
pub mod error_code;
pub mod ids;
pub mod json;
pub mod lock;
pub mod run;
pub mod schema;
pub mod state;

pub use attempt::{
    Action, AttemptEnd, AttemptReport, ErrorDocument, Frame, LogEntry, LogLevel, Metric, ResourceUse,
    WaitsFor,
};
pub use deployment::{DeploymentFacts, DeploymentId, ForkWay};
pub use error_code::Code;
pub use ids::{
    AttemptNumber, ConversationId, Environment, Epoch, EventId, Incarnation, KeyId, ProjectName, RunId,
    Source,
};
pub use jiff::Timestamp;
pub use lock::{Lock, LockedPackage};
