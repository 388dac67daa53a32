//! What goes into a store and comes out of it.

use domain::effect::Record;
use domain::run::{Command, Event, RunState};
use domain::{
    Action, AttemptEnd, AttemptNumber, Code, ConversationId, DeploymentFacts, DeploymentId, Environment,
    Epoch, EventId, Incarnation, KeyId, LogEntry, Metric, ProjectName, ResourceUse, RunId, Source, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A conversation to be accepted. The identifiers are made by the caller, who is given time and randomness: UUIDs of
/// version 7, since listings take the order of runs from them.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConversation {
    /// Ours, new.
    pub conversation: ConversationId,
    /// Of the event that brings it, new.
    pub event: EventId,
    /// Of the run that it makes, new.
    pub run: RunId,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// Which way in.
    pub source: Source,
    /// What its platform calls it.
    pub external_id: String,
    /// Both ends' numbers, to be found by; kept as keyed hashes.
    pub numbers: Vec<String>,
    /// Version byte and SHA-256 over the canonical document ([`domain::json::content_hash`]).
    pub content_hash: [u8; 33],
    /// The document, JSON.
    pub document: Vec<u8>,
}

/// What became of one conversation that was offered.
#[derive(Debug, Clone, PartialEq)]
pub enum Acceptance {
    /// It is new: its run is queued, or held where no deployment is active.
    Accepted(AcceptedRun),
    /// It was accepted before, just so.
    Known(AcceptedRun),
    /// It was accepted before, from a source that tells of a call in several events; this content is kept beside the earlier.
    Revised {
        /// What is there. It goes on with the content that came first.
        kept: AcceptedRun,
        /// The number of this content, from 2.
        revision: u32,
    },
    /// It was accepted before with other content, which is kept.
    Conflict {
        /// What is there.
        kept: AcceptedRun,
        /// Its document, to show what differs; `None` if it was erased.
        document: Option<Vec<u8>>,
    },
    /// The queue is at its limit.
    QueueFull,
}

/// A run that stands for an accepted conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedRun {
    /// The run.
    pub run: RunId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Where it stands.
    pub state: RunState,
}

/// A wish for runs to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The boot that wants them.
    pub incarnation: Incarnation,
    /// How many at most.
    pub limit: u32,
    /// Nothing of this boot is under way. Only then is a run claimed that must run alone, and then it is the only one. While
    /// something is, a due one of these keeps all others from being claimed, so that its turn comes.
    pub nothing_runs: bool,
}

/// A run to be attempted now.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedRun {
    /// The run.
    pub run: RunId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// This attempt.
    pub number: AttemptNumber,
    /// What every later write of it must name.
    pub epoch: Epoch,
    /// What it runs.
    pub deployment: DeploymentId,
    /// Nothing may run beside it.
    pub alone: bool,
    /// What of its journal counts for this attempt.
    pub opening: domain::effect::Opening,
    /// The document, JSON.
    pub document: Vec<u8>,
    /// When its conversation was accepted.
    pub accepted_at: Timestamp,
}

/// What a step made of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Where it stands now.
    pub state: RunState,
    /// What is to be done because of it.
    pub commands: Vec<Command>,
}

/// A decision about a run's effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The run.
    pub run: RunId,
    /// Its epoch, as it was read.
    pub epoch: Epoch,
    /// How many records its journal had.
    pub first: u32,
    /// What is added to it.
    pub records: Vec<Record>,
    /// What the decision is to the run.
    pub event: Event,
}

/// Which requests an operator has stopped: those to which everything applies that is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PauseScope {
    /// Of one project only.
    pub project: Option<ProjectName>,
    /// Of one environment only.
    pub environment: Option<Environment>,
    /// To one host only: its name, without a port.
    pub host: Option<String>,
}

/// Runs that wait for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Scheme, host and port.
    pub origin: String,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// How many.
    pub runs: u64,
    /// When the first of them looks again.
    pub first_due: Timestamp,
}

impl Waiting {
    /// The host, with its port where that is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or(&*self.origin, |(_, rest)| rest)
    }

    /// The host's name, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Whether these are meant.
    #[must_use]
    pub fn is_meant_by(&self, meant: &Meant) -> bool {
        let scope = match meant {
            Meant::Authority(authority) => return authority.eq_ignore_ascii_case(self.authority()),
            Meant::Scope(scope) => scope,
        };
        scope.project.as_ref().is_none_or(|one| *one == self.project)
            && scope.environment.is_none_or(|one| one == self.environment)
            && scope
                .host
                .as_ref()
                .is_none_or(|one| one.eq_ignore_ascii_case(self.host()))
    }
}

/// Which of the runs that wait are to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// Those for the hosts that an operator means.
    Scope(PauseScope),
    /// Those for this host, with its port where that is not the scheme's own, whosever they are.
    Authority(String),
}

/// A run that a boot which is gone still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orphan {
    /// The run.
    pub run: RunId,
    /// The epoch of the attempt that was cut off.
    pub epoch: Epoch,
}

/// A deployment, and where its files lie relative to the data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    /// What was found out when it was made.
    pub facts: DeploymentFacts,
}

/// A deployment to be made the active one.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Of this project.
    pub project: ProjectName,
    /// In this environment.
    pub environment: Environment,
    /// This one.
    pub deployment: DeploymentId,
    /// From now on.
    pub at: Timestamp,
}

/// What an API key may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Hand conversations in and look at their runs.
    Ingest,
    /// Read everything of the project, retry, cancel.
    Operate,
    /// Deploy, promote, make and end keys.
    Admin,
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKeyRecord {
    /// Its number.
    pub id: KeyId,
    /// What its maker calls it.
    pub label: String,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// For this project; `None` for every one.
    pub project: Option<ProjectName>,
    /// For these environments.
    pub environments: Vec<Environment>,
    /// For this.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// Which runs are asked for. Empty: all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunFilter {
    /// Of this project.
    pub project: Option<ProjectName>,
    /// In these environments; empty: all.
    pub environments: Vec<Environment>,
    /// In one of these states, by [`RunState::word`]; empty: all.
    pub words: Vec<String>,
    /// On this deployment.
    pub deployment: Option<DeploymentId>,
    /// Of the conversation with this external id.
    pub external_id: Option<String>,
    /// Of conversations with this number.
    pub number: Option<String>,
    /// Accepted since.
    pub since: Option<Timestamp>,
    /// At most so many; 0: the store's own limit.
    pub limit: u32,
    /// From where an earlier page ended.
    pub after: Option<RunId>,
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<RunId>,
}

/// A run in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// What its platform calls it.
    pub external_id: String,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// Where it stands.
    pub state: RunState,
}

/// An accepted conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRecord {
    /// Ours.
    pub conversation: ConversationId,
    /// The run that it made.
    pub run: RunId,
    /// What its platform calls it.
    pub external_id: String,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// Which way in.
    pub source: Source,
    /// When.
    pub accepted_at: Timestamp,
    /// The document as it came first, JSON; `None` if it was erased.
    pub document: Option<Vec<u8>>,
    /// What came later, in order.
    pub revisions: Vec<Revision>,
    /// `conv.state` after the run, JSON, once an attempt returned.
    pub state_after: Option<serde_json::Value>,
}

/// Content of a conversation that came after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// From 2.
    pub number: u32,
    /// When it came.
    pub received_at: Timestamp,
}

/// One attempt, as it is kept. An attempt that is under way, or was cut off, has no end of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// Which.
    pub number: AttemptNumber,
    /// Its epoch.
    pub epoch: Epoch,
    /// What it ran.
    pub deployment: DeploymentId,
    /// The boot that had it.
    pub incarnation: Incarnation,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When the function began.
    pub function_started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
    /// What it used.
    pub usage: ResourceUse,
    /// What it logged.
    pub logs: Vec<LogEntry>,
    /// What confinement held.
    pub confinement: String,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    /// As in listings.
    pub summary: RunSummary,
    /// Its conversation's document, JSON; `None` if it was erased, and then no words of any attempt are here either.
    pub document: Option<Vec<u8>>,
    /// Every attempt, first to last.
    pub attempts: Vec<AttemptRow>,
    /// Of the attempt that returned.
    pub metrics: Vec<Metric>,
    /// Of all attempts that returned, each that a later one queued again but once.
    pub actions: Vec<Action>,
    /// `conv.state` as that attempt left it.
    pub state_after: Option<serde_json::Value>,
}

/// How a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// The disk is full.
    pub read_only: bool,
    /// Runs by [`RunState::word`].
    pub runs: Vec<(String, u64)>,
    /// Runs that are queued, in backoff, waiting or running: what the queue's limit counts.
    pub unfinished: u64,
    /// The limit.
    pub queue_limit: u64,
    /// Commits since it was opened: each is for all that waited at one time.
    pub commits: u64,
    /// Runs that nobody runs and nobody can end before the next boot: the first of them, oldest first.
    pub stranded: Vec<Stranded>,
}

/// A run whose attempt is over, where that cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranded {
    /// This one.
    pub run: RunId,
    /// Whose; `None` if its row cannot be read.
    pub of: Option<(ProjectName, Environment)>,
    /// What recording it came to.
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// When it was given up.
    pub since: Timestamp,
}
