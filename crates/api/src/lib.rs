//! The documents of the HTTP API: what its two ends, `server` and `cli`, say to each other. No I/O here, no decisions.
//!
//! Times are RFC 3339 in UTC, ids are UUIDs, deployments are named by 64 hexadecimal digits. A field that may be absent
//! is `null` rather than left out, unless its description says so; readers ignore fields that they do not know.

mod configuration;
mod conversations;
mod decisions;
mod deployments;
mod effects;
mod hosts;
mod keys;
mod problem;
mod runs;
mod status;

pub use configuration::{ConfigurationView, FixedLimit, LimitUnit, Origin, Setting};
pub use conversations::{Accepted, ConversationView, LineAnswer, RevisionView, Sibling};
pub use decisions::{
    DecideManyRequest, DecideRequest, DecidedList, DecidedView, UndecidedView, Verdict, Where,
};
pub use deployments::{
    ActivationRequest, ActivationView, DeploymentDetail, DeploymentList, DeploymentView, PackageView,
};
pub use effects::{
    BodyView, EffectView, EffectsSummary, NewWriteView, OutcomeView, ParkedView, ParkedWhy, SendingView,
    WaitView, WaitedView,
};
pub use hosts::{Breaker, HostErrorView, HostList, HostView, PauseAnswer, PauseRequest, PauseView};
pub use keys::{CreatedKey, KeyList, KeyRequest, KeyView, Scope};
pub use problem::{Difference, FieldError, Problem};
pub use runs::{
    AttemptOutcome, AttemptView, LogsView, Next, RetryRequest, RunDetail, RunList, RunView, RunWord,
};
pub use status::{
    CannotBeginView, Health, QueueView, Readiness, RunnerView, StatusView, StoreView, StrandedView,
    ZygoteView,
};

/// What problem documents are sent as.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What batches of conversations are sent and answered as.
pub const NDJSON: &str = "application/x-ndjson";
/// What a project's archive is sent as.
pub const TAR: &str = "application/x-tar";
/// The name of the local socket, in the data folder.
pub const SOCKET_NAME: &str = "aftercall.sock";
