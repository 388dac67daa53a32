//! Hosts that end functions send to, and what an operator has stopped.

use domain::{Environment, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a host's breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// It lets everything through.
    Closed,
    /// It lets nothing through.
    Open,
    /// It lets one request through, to try.
    HalfOpen,
}

/// A host, of one project and environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostView {
    /// Whose requests.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Of which environment.
    #[schema(value_type = String)]
    pub environment: Environment,
    /// Its name or address.
    pub host: String,
    /// An operator has stopped it.
    pub paused: bool,
    /// Requests per second that it may get in the long run; `null`: no limit.
    pub rate: Option<f64>,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests that may be under way at a time.
    pub concurrency: u32,
    /// What its breaker does.
    pub breaker: Breaker,
    /// It is left alone until then: its breaker is open, or it has asked for that itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Timestamp>,
    /// Runs that wait for it.
    pub waiting: u64,
    /// When the first of them looks again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_due: Option<Timestamp>,
    /// Its last failure.
    pub last_error: Option<HostErrorView>,
    /// When a request to it last began or ended; `null`: not since the server started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// A failure of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostErrorView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened.
    pub message: String,
}

/// Every host that is known, and what is stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostList {
    /// By project, environment and name.
    pub hosts: Vec<HostView>,
    /// What an operator has stopped.
    pub pauses: Vec<PauseView>,
}

/// Which requests are meant: those to which everything applies that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PauseRequest {
    /// Of one project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Of one environment only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub environment: Option<Environment>,
    /// To one host only: its name, without a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// Something that an operator has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PauseView {
    /// Of this project; `null`: of all.
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Of this environment; `null`: of all.
    #[schema(value_type = Option<String>)]
    pub environment: Option<Environment>,
    /// To this host; `null`: to all.
    pub host: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// What became of a pause, or of lifting one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PauseAnswer {
    /// It was otherwise before.
    pub changed: bool,
    /// Waiting runs that go on now, one after the other.
    pub admitted: u64,
    /// What is stopped now.
    pub pauses: Vec<PauseView>,
}
