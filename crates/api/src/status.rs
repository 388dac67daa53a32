//! How the server is.

use std::collections::BTreeMap;

use domain::{Code, DeploymentId, Environment, ForkWay, ProjectName, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// Of the server.
    pub version: String,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How long ago that is, in seconds.
    pub uptime_s: u64,
    /// It is stopping: nothing new is taken.
    pub draining: bool,
    /// What is queued.
    pub queue: QueueView,
    /// What is running.
    pub runner: RunnerView,
    /// How the store is.
    pub store: StoreView,
}

/// What is queued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Runs by the word for where they stand.
    pub runs: BTreeMap<String, u64>,
    /// Runs that are not over, which the limit counts.
    pub unfinished: u64,
    /// At so many nothing more is taken.
    pub limit: u64,
}

/// What is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunnerView {
    /// Attempts under way.
    pub running: u64,
    /// Attempts that may be under way at once.
    pub concurrency: u64,
    /// What an earlier boot had left is taken back.
    pub recovered: bool,
    /// How much confinement is asked for: `required`, `best-effort` or `off`.
    pub confinement: String,
    /// The warm processes that attempts are forked from.
    pub zygotes: Vec<ZygoteView>,
    /// Deployments whose runs cannot begin, by no fault of theirs; they are tried again until their age limit.
    #[serde(default)]
    pub cannot_begin: Vec<CannotBeginView>,
}

/// A deployment whose runs cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CannotBeginView {
    /// This one.
    #[schema(value_type = String)]
    pub deployment: DeploymentId,
    /// Of this project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// In this environment; an older server does not say.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub environment: Option<Environment>,
    /// Why the last attempt could not begin.
    #[schema(value_type = String)]
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// A warm process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZygoteView {
    /// Of this deployment.
    #[schema(value_type = String)]
    pub deployment: DeploymentId,
    /// Of this project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Its process; 0 where every attempt starts its own.
    pub pid: i32,
    /// How it forks: `_fork`, `fork`, `late_import` or `cold`.
    #[schema(value_type = String)]
    pub fork_way: ForkWay,
    /// Why so.
    pub reason: String,
    /// Children that are there.
    pub children: u64,
    /// What holds, as a canary found by trying.
    pub confinement: String,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// The disk is full: nothing new is taken, what runs completes.
    pub read_only: bool,
    /// Commits since the server started: each is for all that waited at one time.
    #[serde(default)]
    pub commits: u64,
    /// Runs that stay `running` though nobody runs them, since what became of them cannot be recorded: the first hundred. The next
    /// start takes them back.
    #[serde(default)]
    pub stranded: Vec<StrandedView>,
}

/// A run that nobody runs and nobody can end before the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StrandedView {
    /// This one.
    #[schema(value_type = String)]
    pub run_id: RunId,
    /// Of this project; left out if that cannot be read any more.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// In this environment; likewise.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// What recording its end came to.
    #[schema(value_type = String)]
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// Whether the process is alive: always `true` in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// It is.
    pub alive: bool,
}

/// Whether the server does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// The store answers, what was left is taken back, and conversations are taken.
    pub ready: bool,
    /// The store answers.
    pub store_open: bool,
    /// What an earlier boot had left is taken back.
    pub recovered: bool,
    /// It is stopping.
    pub draining: bool,
    /// New conversations are taken: the store answers, the disk has room, the queue is below its limit, it is not stopping.
    pub accepting: bool,
    /// Why it is not ready; left out if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
