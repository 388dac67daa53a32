//! Where a run stands.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::deployment::DeploymentId;
use crate::effect::Opening;
use crate::error_code::Code;
use crate::ids::{AttemptNumber, Epoch, Incarnation};

/// Whether anything is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
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
    /// Over; see [`End`].
    Ended,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Backoff,
        Self::Waiting,
        Self::NeedsDecision,
        Self::Ended,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Waiting => "waiting",
            Self::NeedsDecision => "needs_decision",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The function returned, and no failure is left.
    Succeeded,
    /// It returned, but swallowed a failure that nothing made good.
    CompletedWithFailures,
    /// Every attempt failed: a dead letter.
    Failed,
    /// By a person.
    Cancelled,
}

impl End {
    /// Every end.
    pub const ALL: [Self; 4] = [
        Self::Succeeded,
        Self::CompletedWithFailures,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a queued run is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Its project has no active deployment in its environment.
    NoActiveDeployment,
}

impl Hold {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoActiveDeployment => "no_active_deployment",
        }
    }
}

/// Everything that decides about a run's future.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Where it stands.
    pub status: Status,
    /// How it ended, once it has.
    pub end: Option<End>,
    /// What it is held for, while it is queued and cannot be claimed.
    pub hold: Option<Hold>,
    /// Raised by every claim.
    pub epoch: Epoch,
    /// The number of the last attempt; 0 before the first.
    pub attempt: AttemptNumber,
    /// Failed attempts since it was accepted or last retried by hand.
    pub failures: u32,
    /// How often it was run again, on purpose, although it had succeeded.
    #[serde(default)]
    pub reruns: u32,
    /// Attempts in a row that the machine, or we, could not begin.
    #[serde(default)]
    pub faults: u32,
    /// Interruptions in a row.
    pub interruptions: u32,
    /// The next attempt runs with nothing beside it: the run was there at too many interruptions.
    pub alone: bool,
    /// The boot that has it, while it is running.
    pub claimed_by: Option<Incarnation>,
    /// What it began on. Automatic retries stay there.
    pub deployment: Option<DeploymentId>,
    /// When it was accepted, or last retried by hand: its age counts from here.
    pub since: Timestamp,
    /// Not before this, while it is queued, in backoff or waiting.
    pub due_at: Timestamp,
    /// Time that its age does not count: waiting for a host, parked.
    pub not_counted: SignedDuration,
    /// Since when that time has been running, while it does.
    pub idle_since: Option<Timestamp>,
    /// The origin that it waits for, while it does.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<Code>,
    /// Why no further attempt is made, while the run is a dead letter.
    #[serde(default)]
    pub dead_letter: Option<Code>,
    /// The first attempt that drives again what failed before it; those after it go on with what that one was told.
    #[serde(default)]
    pub retry_since: AttemptNumber,
    /// The first attempt since the run was run again on purpose: what earlier ones did is not given back to it.
    #[serde(default)]
    pub fresh_since: AttemptNumber,
    /// The first attempt on the deployment on which the run is.
    #[serde(default)]
    pub deployed_since: AttemptNumber,
}

impl RunState {
    /// A run that has just been accepted.
    #[must_use]
    pub fn accepted(now: Timestamp, hold: Option<Hold>) -> Self {
        Self {
            status: Status::Queued,
            end: None,
            hold,
            epoch: Epoch::default(),
            attempt: AttemptNumber::default(),
            failures: 0,
            reruns: 0,
            faults: 0,
            interruptions: 0,
            alone: false,
            claimed_by: None,
            deployment: None,
            since: now,
            due_at: now,
            not_counted: SignedDuration::ZERO,
            idle_since: None,
            waiting_for: None,
            last_error: None,
            dead_letter: None,
            retry_since: AttemptNumber::default(),
            fresh_since: AttemptNumber::default(),
            deployed_since: AttemptNumber::default(),
        }
    }

    /// One word for people and `--json`: the end where there is one, else the status.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.end {
            Some(end) => end.as_str(),
            None => self.status.as_str(),
        }
    }

    /// What of its journal counts for the attempt that is under way.
    #[must_use]
    pub const fn opening(&self) -> Opening {
        Opening {
            attempt: self.attempt,
            retry_since: self.retry_since,
            fresh_since: self.fresh_since,
            deployed_since: self.deployed_since,
        }
    }

    /// Whether a runner may take it now.
    #[must_use]
    pub fn is_claimable(&self, now: Timestamp) -> bool {
        let due = matches!(self.status, Status::Queued | Status::Backoff | Status::Waiting);
        due && self.hold.is_none() && self.due_at <= now
    }

    /// Its age: time since it was accepted or retried by hand, less what does not count.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        let idle = self
            .idle_since
            .map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        now.duration_since(self.since) - self.not_counted - idle
    }

    /// The number that its next attempt will have, at the least.
    pub(super) fn next_attempt(&self) -> AttemptNumber {
        AttemptNumber(self.attempt.0 + 1)
    }

    pub(super) fn enqueue(&mut self, now: Timestamp) {
        self.status = Status::Queued;
        self.claimed_by = None;
        self.due_at = now;
    }

    pub(super) fn finish(&mut self, end: End) {
        self.status = Status::Ended;
        self.end = Some(end);
        self.hold = None;
        self.claimed_by = None;
    }

    pub(super) fn set_idle(&mut self, status: Status, due_at: Timestamp, now: Timestamp) {
        self.status = status;
        self.claimed_by = None;
        self.due_at = due_at;
        self.idle_since = Some(now);
    }

    pub(super) fn stop_idling(&mut self, now: Timestamp) {
        self.waiting_for = None;
        if let Some(since) = self.idle_since.take() {
            self.not_counted += now.duration_since(since);
        }
    }
}
