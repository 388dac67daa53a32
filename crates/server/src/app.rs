//! What the routes work with.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use api::ConfigurationView;
use domain::{ProjectName, Timestamp};
use gateway::flow::Flow;
use store::{Store, StoreError};
use uuid::Uuid;

use crate::admission::Admission;
use crate::drain::Drain;
use crate::engine::Engine;
use crate::key_cache::KeyCache;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Where new identifiers come from: UUIDs of version 7.
pub type Ids = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// Everything that a server is given.
#[derive(Clone)]
pub struct App {
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// What runs.
    pub engine: Arc<dyn Engine>,
    /// How much leaves to which host, and what is stopped.
    pub flow: Flow,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where new identifiers come from.
    pub ids: Ids,
    /// Where the secrets of new API keys come from.
    pub entropy: Arc<dyn crypto::Entropy>,
    /// What `GET /v1/config` shows.
    pub configuration: ConfigurationView,
    /// Of the program.
    pub version: String,
}

/// How much is taken at once. Whatever is beyond waits, or is refused with a code.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once of each address; a further one takes the place of the one that is idle longest, or waits if none is.
    pub connections: usize,
    /// Bytes of one conversation.
    pub conversation_bytes: usize,
    /// Bytes of one deployment's archive.
    pub archive_bytes: usize,
    /// Bytes of any other request's body.
    pub request_bytes: usize,
    /// Bytes of all bodies that are being read or worked on at once, counted as they arrive.
    pub body_budget_bytes: usize,
    /// The same of one key.
    pub key_budget_bytes: usize,
    /// Bodies of one key that are arriving at once.
    pub bodies_per_key: usize,
    /// Batches (NDJSON) that are taken in at once.
    pub batches: usize,
    /// The same of one key.
    pub batches_per_key: usize,
    /// How long a request waits for one of these to have room; then it is told to come back.
    pub admission_timeout: Duration,
    /// Lines of a batch that are committed together at most.
    pub batch_lines: usize,
    /// Bytes of a batch that are committed together, about.
    pub batch_bytes: usize,
    /// Bytes of answers to a batch that wait for their client to read them; then no further line is read.
    pub unread_answer_bytes: usize,
    /// For a request's head, and between requests of a connection.
    pub head_timeout: Duration,
    /// For the first byte of a body.
    pub first_byte_timeout: Duration,
    /// Without any further byte of a body; in a batch, of a line that has begun.
    pub stall_timeout: Duration,
    /// For a request's whole body; in a batch, for one line, and without any further one.
    pub body_timeout: Duration,
    /// For a client that reads nothing of its answer; then its connection is ended.
    pub unread_timeout: Duration,
    /// For requests in flight once the server stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            connections: 1024,
            conversation_bytes: domain::json::MAX_CONVERSATION_BYTES,
            archive_bytes: usize::try_from(project::MAX_ARCHIVE_BYTES).unwrap_or(usize::MAX),
            request_bytes: 64 * 1024,
            body_budget_bytes: 256 * MIB,
            key_budget_bytes: 64 * MIB,
            bodies_per_key: 64,
            batches: 32,
            batches_per_key: 8,
            admission_timeout: Duration::from_secs(1),
            batch_lines: 256,
            batch_bytes: 4 * MIB,
            unread_answer_bytes: 8 * MIB,
            head_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            unread_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub app: App,
    pub limits: Limits,
    pub insecure_no_auth: bool,
    pub started_at: Timestamp,
    pub keys: KeyCache,
    pub projects: Projects,
    pub drain: Drain,
    pub admission: Admission,
}

pub(crate) type SharedState = axum::extract::State<Arc<Shared>>;

impl Shared {
    pub fn new(app: App, limits: Limits, insecure_no_auth: bool) -> Self {
        let started_at = (app.clock)();
        Self {
            admission: Admission::new(&limits),
            keys: KeyCache::default(),
            projects: Projects::default(),
            drain: Drain::default(),
            app,
            limits,
            insecure_no_auth,
            started_at,
        }
    }

    pub fn now(&self) -> Timestamp {
        (self.app.clock)()
    }

    pub fn new_id(&self) -> Uuid {
        (self.app.ids)()
    }
}

/// The projects that exist, so that accepting need not ask the store. Projects come only by deploying through this
/// server and never go, so what is known stays true; what is not known is asked for.
#[derive(Default)]
pub(crate) struct Projects(RwLock<BTreeSet<ProjectName>>);

impl Projects {
    pub async fn exists(&self, name: &ProjectName, store: &dyn Store) -> Result<bool, StoreError> {
        if self.known(|all| all.contains(name)) {
            return Ok(true);
        }
        self.learn(store.projects().await?);
        Ok(self.known(|all| all.contains(name)))
    }

    /// The only project; otherwise how many there are.
    pub async fn only(&self, store: &dyn Store) -> Result<Result<ProjectName, usize>, StoreError> {
        if self.known(BTreeSet::is_empty) {
            self.learn(store.projects().await?);
        }
        Ok(self.known(|all| match all.first() {
            Some(name) if all.len() == 1 => Ok(name.clone()),
            _ => Err(all.len()),
        }))
    }

    pub fn learn(&self, names: impl IntoIterator<Item = ProjectName>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(names);
    }

    fn known<T>(&self, ask: impl FnOnce(&BTreeSet<ProjectName>) -> T) -> T {
        ask(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
