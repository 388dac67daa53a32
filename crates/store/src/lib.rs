//! What Aftercall remembers, and what it promises about remembering it.
//!
//! [`Store`] is the promise; [`sqlite`] keeps it in one folder; `conformance` is the suite that every store must pass.
//! Payloads are sealed here, under a key per conversation, before they reach a disk, so that no caller can forget to.
//! Nothing here knows of Python or HTTP, and nothing here reads a clock: every call that needs the time is given it.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[doc(hidden)]
pub mod fail_point;
pub mod records;
pub mod sqlite;
mod store_error;

pub use records::{
    Acceptance, AcceptedRun, Activation, ApiKeyRecord, Applied, AttemptRow, Claim, ClaimedRun,
    ConversationRecord, Decided, DeploymentRecord, Meant, NewConversation, Orphan, Page, PauseScope,
    Revision, RunDetail, RunFilter, RunSummary, Scope, StoreHealth, Stranded, Waiting,
};
pub use store_error::{StoreError, Torn};

use async_trait::async_trait;
use domain::effect::Record;
use domain::run::{Event, Policy};
use domain::{
    AttemptReport, ConversationId, DeploymentId, Environment, Epoch, Incarnation, KeyId, ProjectName, RunId,
    Timestamp,
};

/// Contents of one conversation that are kept at most.
pub const REVISIONS_MAX: u32 = 100;

/// Everything that is remembered. All methods may be called at once from many tasks; each is one transaction.
///
/// # Errors
/// Every method may fail with [`StoreError::ReadOnly`] (the disk is full: reading and completing still work),
/// [`StoreError::Unknown`] (the commit's fate could not be told: ask again by key), [`StoreError::Damaged`] (asking again changes
/// nothing) or [`StoreError::Failed`].
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Accepts conversations durably: event, conversation and run of each in one commit for all. Answers in order.
    /// One that was there before with the same content is [`Acceptance::Known`], with other content [`Acceptance::Conflict`],
    /// or [`Acceptance::Revised`] if its source is not our own API and there are fewer than [`REVISIONS_MAX`] of it.
    /// A store whose queue is at its limit answers [`Acceptance::QueueFull`] and keeps nothing of it.
    async fn accept(&self, new: Vec<NewConversation>, now: Timestamp) -> Result<Vec<Acceptance>, StoreError>;

    /// Takes up to `claim.limit` due runs, oldest due first: raises their epochs and writes their attempt rows, in one commit.
    /// One whose conversation was erased is a dead letter instead. A due run that must run alone goes before all others: see [`Claim::nothing_runs`].
    ///
    /// Not to be dropped before it answers: what it claimed would stay claimed by this boot, and nobody would run it.
    async fn claim(
        &self,
        claim: Claim,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<ClaimedRun>, StoreError>;

    /// Applies one event to a run by [`domain::run::step`], records with it what an attempt left, and wakes who must act.
    /// A step that the rules refuse is [`StoreError::Refused`] and changes nothing. A report whose words cannot be sealed, since the
    /// key of its conversation does not open, is [`StoreError::Sealed`]; without one an attempt that was under way ends all the same.
    async fn apply(
        &self,
        run: RunId,
        event: Event,
        report: Option<AttemptReport>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Applied, StoreError>;

    /// Applies what a person decided of a run's effects, with the records that say so, in one transaction. A run whose epoch or whose
    /// number of records is another by now is [`StoreError::Outdated`], and nothing is changed: it is not what that person was shown.
    async fn decide(&self, decided: Decided, policy: &Policy, now: Timestamp) -> Result<Applied, StoreError>;

    /// Keeps what a cancelled attempt logged and used: its run ended while the child still was there, so that no event of it is taken
    /// any more. Kept once; of an attempt that was not cancelled nothing is.
    async fn keep_cancelled(&self, run: RunId, epoch: Epoch, report: AttemptReport)
    -> Result<(), StoreError>;

    /// Notes that what became of a run's attempt can be recorded by no retry: the run stays `running`, with nobody who runs it,
    /// until the next boot takes it back or a person cancels it. The log and [`StoreHealth::stranded`] tell.
    async fn strand(&self, run: RunId, why: StoreError, now: Timestamp);

    /// Adds records to a run's journal, numbered from `first`, which is how many there are. Durable before it answers. With an
    /// intent among them only the attempt that is under way may; what was begun is concluded under its epoch also when that is over.
    /// Of a conversation that was erased nothing is kept.
    async fn record(
        &self,
        run: RunId,
        epoch: Epoch,
        first: u32,
        records: Vec<Record>,
    ) -> Result<(), StoreError>;

    /// A run's journal, in order.
    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError>;

    /// Keeps, or lifts, exactly this pause. Answers whether that changed something.
    async fn set_pause(&self, scope: PauseScope, paused: bool, now: Timestamp) -> Result<bool, StoreError>;

    /// Every pause that is in force, with since when.
    async fn pauses(&self) -> Result<Vec<(PauseScope, Timestamp)>, StoreError>;

    /// How many runs wait for which hosts.
    async fn waiting(&self) -> Result<Vec<Waiting>, StoreError>;

    /// Lets every run that is meant go on, oldest first, and those of several projects in turn: of each host the first now, each
    /// further one `apart` later, so that a host that is back is not run over. Answers how many.
    async fn admit_waiting(
        &self,
        meant: Meant,
        apart: std::time::Duration,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Of the runs of a project and environment that wait for this host (its name, with its port where that is not the scheme's own) and
    /// are due: lets the oldest be due at `first`, each further one `apart` later, so that they are not all begun at once in vain. Answers how
    /// many were put off.
    async fn spread_waiting(
        &self,
        project: &ProjectName,
        environment: Environment,
        host: &str,
        first: Timestamp,
        apart: std::time::Duration,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Runs that another boot than `incarnation` still holds as running.
    async fn orphans(&self, incarnation: Incarnation, limit: u32) -> Result<Vec<Orphan>, StoreError>;

    /// When the next run that is not held comes due, if one is queued or in backoff.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps a deployment's record. The same again changes nothing.
    async fn put_deployment(&self, deployment: DeploymentRecord) -> Result<(), StoreError>;

    /// One deployment's record.
    async fn deployment(&self, id: DeploymentId) -> Result<Option<DeploymentRecord>, StoreError>;

    /// A project's deployments, newest first, with where each is active.
    async fn deployments(
        &self,
        project: &ProjectName,
    ) -> Result<Vec<(DeploymentRecord, Vec<Environment>)>, StoreError>;

    /// Makes a deployment the active one, and frees the runs that were held for want of one. Answers how many.
    async fn activate(&self, activation: Activation, policy: &Policy) -> Result<u64, StoreError>;

    /// The active deployment of a project in an environment.
    async fn active(
        &self,
        project: &ProjectName,
        environment: Environment,
    ) -> Result<Option<DeploymentId>, StoreError>;

    /// All projects that have a deployment.
    async fn projects(&self) -> Result<Vec<ProjectName>, StoreError>;

    /// Keeps an API key's record (its secret only as a hash).
    async fn put_api_key(&self, key: ApiKeyRecord) -> Result<(), StoreError>;

    /// The API key whose secret has this hash.
    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// All API keys, oldest first.
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Ends an API key. Answers whether there was one.
    async fn revoke_api_key(&self, id: KeyId, now: Timestamp) -> Result<bool, StoreError>;

    /// Runs by filter, newest first.
    async fn runs(&self, filter: RunFilter) -> Result<Page<RunSummary>, StoreError>;

    /// Everything about one run; if its conversation was erased, all that is in clear.
    async fn run(&self, id: RunId) -> Result<Option<RunDetail>, StoreError>;

    /// Conversations of an external id, in whatever project and environment, newest first; the id is looked up by keyed hash.
    async fn conversations(&self, external_id: &str) -> Result<Vec<ConversationRecord>, StoreError>;

    /// The conversation of our own id.
    async fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError>;

    /// A conversation's document in a revision, from 1; `None` if there is none of this number, or the conversation was erased.
    async fn revision(&self, id: ConversationId, number: u32) -> Result<Option<Vec<u8>>, StoreError>;

    /// How the store is.
    async fn health(&self) -> Result<StoreHealth, StoreError>;

    /// Waits for what was begun, checkpoints, and closes. Later calls fail.
    async fn close(&self);
}
