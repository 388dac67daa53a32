//! Waits for a place, in the order of arrival.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Admission, HostKey, HostState, Hosts, Outcome, Permit, Scope};

/// How long a request is held that waits for others to end.
pub const HOLD_LIMIT: Duration = Duration::from_secs(60);
/// How soon one that is held looks again by itself: a trial that went missing ends by the clock alone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The state of all hosts, shared by all who send.
#[derive(Clone)]
pub struct Flow {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    hosts: Mutex<Hosts>,
    queues: Mutex<HashMap<HostKey, Arc<Queue>>>,
}

/// Those who wait for one host: the first of them looks, the others wait for their turn.
#[derive(Default)]
struct Queue {
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// A place in a queue. The last one who leaves takes the queue along.
struct Place {
    shared: Arc<Shared>,
    key: HostKey,
    queue: Arc<Queue>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.shared.queues();
        // The map's and this one.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(&self.key);
        }
    }
}

/// Why a request does not leave now: what its run should do is the caller's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// Not before then.
    Until(Timestamp),
    /// An operator has stopped it.
    Paused,
    /// It was held for as long as may be, and others still hold all places.
    Held,
}

/// The right to send one request. Dropped without a report, it tells nothing of the host.
#[must_use]
pub struct Admitted {
    shared: Arc<Shared>,
    permit: Option<Permit>,
}

impl Flow {
    /// Shares `hosts`; `clock` tells the time.
    pub fn new(hosts: Hosts, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock: Arc::new(clock),
                hosts: Mutex::new(hosts),
                queues: Mutex::default(),
            }),
        }
    }

    /// Asks for one request, and waits for up to `patience` where that may help: for the rate, a breaker or `Retry-After`
    /// if their moment comes within it, and for others to end, no longer than [`HOLD_LIMIT`].
    ///
    /// # Errors
    /// [`NotNow`].
    pub async fn admit(&self, key: &HostKey, patience: Duration) -> Result<Admitted, NotNow> {
        let by = Instant::now() + patience;
        let held_by = by.min(Instant::now() + HOLD_LIMIT);
        let place = self.shared.queue_up(key);
        let queue = &place.queue;
        let Ok(_turn) = tokio::time::timeout_at(by, queue.turn.lock()).await else {
            return self.shared.ask(key).map_err(|why| why.unwrap_or(NotNow::Held));
        };
        loop {
            let changed = queue.changed.notified();
            let wake = match self.shared.ask(key) {
                Ok(admitted) => return Ok(admitted),
                Err(Some(NotNow::Until(then))) => {
                    let wait = then.duration_since((self.shared.clock)());
                    let wake = Instant::now() + Duration::try_from(wait).unwrap_or_default();
                    if wake > by {
                        return Err(NotNow::Until(then));
                    }
                    wake
                }
                Err(Some(other)) => return Err(other),
                Err(None) if Instant::now() >= held_by => return Err(NotNow::Held),
                Err(None) => held_by.min(Instant::now() + LOOK_AGAIN),
            };
            let _ = tokio::time::timeout_at(wake, changed).await; // either way it looks again
        }
    }

    /// Stops what a scope holds; who waits is told.
    pub fn pause(&self, scope: Scope) -> bool {
        let is_new = self.shared.hosts().pause(scope);
        self.shared.changed();
        is_new
    }

    /// Lifts exactly this pause.
    #[must_use]
    pub fn resume(&self, scope: &Scope) -> bool {
        self.shared.hosts().resume(scope)
    }

    /// The pauses as they were written down, in place of all others.
    pub fn set_pauses(&self, scopes: impl IntoIterator<Item = Scope>) {
        self.shared.hosts().set_pauses(scopes);
        self.shared.changed();
    }

    /// The pauses that are in force.
    #[must_use]
    pub fn pauses(&self) -> Vec<Scope> {
        self.shared.hosts().pauses()
    }

    /// All hosts that are remembered, sorted.
    #[must_use]
    pub fn states(&self) -> Vec<HostState> {
        let now = (self.shared.clock)();
        self.shared.hosts().states(now)
    }
}

impl Admitted {
    /// Whether what comes of it decides if the breaker closes.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::is_trial)
    }

    /// Says what came of it.
    pub fn report(mut self, outcome: Outcome) {
        self.give_back(outcome);
    }

    fn give_back(&mut self, outcome: Outcome) {
        let Some(permit) = self.permit.take() else { return };
        let key = permit.key().clone();
        let now = (self.shared.clock)();
        self.shared.hosts().report(permit, outcome, now);
        if let Some(queue) = self.shared.queues().get(&key) {
            queue.changed.notify_one();
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.give_back(Outcome::Untold);
    }
}

impl Shared {
    fn hosts(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Err(None)`: others have to end first.
    fn ask(self: &Arc<Self>, key: &HostKey) -> Result<Admitted, Option<NotNow>> {
        let now = (self.clock)();
        match self.hosts().admit(key, now) {
            Admission::Now(permit) => Ok(Admitted {
                shared: Arc::clone(self),
                permit: Some(permit),
            }),
            Admission::At(then) => Err(Some(NotNow::Until(then))),
            Admission::Paused => Err(Some(NotNow::Paused)),
            Admission::Held => Err(None),
        }
    }

    fn queue_up(self: &Arc<Self>, key: &HostKey) -> Place {
        let queue = Arc::clone(self.queues().entry(key.clone()).or_default());
        Place {
            shared: Arc::clone(self),
            key: key.clone(),
            queue,
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<HostKey, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        for queue in self.queues().values() {
            queue.changed.notify_one();
        }
    }
}
