//! Connections that stand, and who may use them again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http2;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::connect::{Believed, Socket};
use crate::request::{Compartment, Origin};
use crate::wire::{STREAMS, Sender, Upload};

/// How long a connection is kept that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// Connections of HTTP/1.1 that are kept for one origin and compartment.
const IDLE_PER_ORIGIN: usize = 32;
/// Connections of HTTP/1.1 that are kept in all.
const IDLE_IN_ALL: usize = 512;
/// How often what is too old is closed.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// A write uses no connection that was silent for longer: many servers close at 5 s, and the one that we reach a moment
/// later leaves a write of which nobody knows.
const FRESH_FOR_WRITES: Duration = Duration::from_secs(4);
/// What a kept connection must still have, of the time that the server announced.
const MARGIN: Duration = Duration::from_secs(1);
/// How long a connection may take to be ready again after an answer's last byte was read.
const READY_LIMIT: Duration = Duration::from_secs(1);

/// Who may share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) compartment: Compartment,
    pub(crate) origin: Origin,
    /// Whom the other side was believed by.
    pub(crate) believed: Believed,
}

/// A connection for one request.
pub(crate) struct Lease {
    pub(crate) key: Key,
    pub(crate) sender: Sender,
    pub(crate) socket: Arc<Socket>,
    /// Whether no answer ever came over it.
    pub(crate) is_first: bool,
    /// A place among the requests of a connection of HTTP/2.
    place: Option<OwnedSemaphorePermit>,
}

/// Held while a connection is made that others may share: who comes meanwhile waits for it.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

struct Idle {
    sender: Sender,
    socket: Arc<Socket>,
    since: Instant,
    keep_alive: Option<Duration>,
}

struct Shared {
    sender: http2::SendRequest<Upload>,
    socket: Arc<Socket>,
    places: Arc<Semaphore>,
    last_used: Instant,
}

#[derive(Default)]
struct Connections {
    /// The most recently used last.
    idle: Vec<Idle>,
    shared: Vec<Shared>,
    /// Whether the last connection there was of HTTP/2, if any was made.
    is_h2: Option<bool>,
    turn: Turn,
}

/// All kept connections.
#[derive(Default)]
pub(crate) struct Pool {
    connections: Mutex<HashMap<Key, Connections>>,
}

impl Idle {
    fn lasts(&self) -> Duration {
        let announced = self
            .keep_alive
            .map_or(IDLE_LIMIT, |announced| announced.saturating_sub(MARGIN));
        announced.min(IDLE_LIMIT)
    }

    fn is_usable(&self, for_write: bool) -> bool {
        let lasts = if for_write {
            self.lasts().min(FRESH_FOR_WRITES)
        } else {
            self.lasts()
        };
        let Sender::H1 { sender, .. } = &self.sender else {
            return false;
        };
        sender.is_ready() && self.since.elapsed() < lasts && self.socket.is_quiet()
    }
}

impl Shared {
    /// A connection of many requests is never quiet; that it was heard of just now is what shows that it lives.
    fn is_usable(&self, for_write: bool) -> bool {
        !self.sender.is_closed() && (!for_write || self.socket.silent_for() < FRESH_FOR_WRITES)
    }

    fn is_over(&self) -> bool {
        let is_unused = self.places.available_permits() == STREAMS as usize;
        self.sender.is_closed() || (is_unused && self.last_used.elapsed() >= IDLE_LIMIT)
    }
}

impl Pool {
    /// Begins to close what is too old, for as long as the pool is there.
    pub(crate) fn sweep(pool: &Arc<Self>) {
        let pool: Weak<Self> = Arc::downgrade(pool);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(pool) = pool.upgrade() else { return };
                pool.close_old();
            }
        });
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Connections>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept connection, if there is one that will do.
    pub(crate) fn take(&self, key: &Key, for_write: bool) -> Option<Lease> {
        let mut all = self.locked();
        let connections = all.get_mut(key)?;
        connections.shared.retain(|shared| !shared.is_over());
        for shared in connections
            .shared
            .iter_mut()
            .rev()
            .filter(|shared| shared.is_usable(for_write))
        {
            if let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() {
                shared.last_used = Instant::now();
                return Some(Lease {
                    key: key.clone(),
                    sender: Sender::H2(shared.sender.clone()),
                    socket: Arc::clone(&shared.socket),
                    is_first: false,
                    place: Some(place),
                });
            }
        }
        // Those that will not do for a write may do for a read that comes later.
        let at = connections
            .idle
            .iter()
            .rposition(|idle| idle.is_usable(for_write))?;
        let idle = connections.idle.remove(at);
        Some(Lease {
            key: key.clone(),
            sender: idle.sender,
            socket: idle.socket,
            is_first: false,
            place: None,
        })
    }

    /// What to hold while connecting; `None`: nobody can share what comes of it, since it is HTTP/1.1.
    pub(crate) fn turn(&self, key: &Key) -> Option<Turn> {
        if !key.origin.is_https {
            return None; // HTTP/2 is agreed on within TLS
        }
        let mut all = self.locked();
        let connections = all.entry(key.clone()).or_default();
        (connections.is_h2 != Some(false)).then(|| Arc::clone(&connections.turn))
    }

    /// A connection that was just made.
    pub(crate) fn first(&self, key: Key, sender: Sender, socket: Arc<Socket>) -> Lease {
        let mut place = None;
        let mut all = self.locked();
        let connections = all.entry(key.clone()).or_default();
        connections.is_h2 = Some(sender.is_h2());
        if let Sender::H2(h2) = &sender {
            let places = Arc::new(Semaphore::new(STREAMS as usize));
            place = Arc::clone(&places).try_acquire_owned().ok();
            connections.shared.push(Shared {
                sender: h2.clone(),
                socket: Arc::clone(&socket),
                places,
                last_used: Instant::now(),
            });
        }
        drop(all);
        Lease {
            key,
            sender,
            socket,
            is_first: true,
            place,
        }
    }

    fn keep(&self, key: Key, idle: Idle) {
        let mut all = self.locked();
        if all
            .values()
            .map(|connections| connections.idle.len())
            .sum::<usize>()
            >= IDLE_IN_ALL
        {
            let oldest = all
                .values_mut()
                .filter(|connections| !connections.idle.is_empty());
            if let Some(connections) = oldest.min_by_key(|connections| connections.idle[0].since) {
                connections.idle.remove(0);
            }
        }
        let connections = all.entry(key).or_default();
        if connections.idle.len() >= IDLE_PER_ORIGIN {
            connections.idle.remove(0);
        }
        connections.idle.push(idle);
    }

    fn close_old(&self) {
        let mut all = self.locked();
        all.retain(|_, connections| {
            connections.shared.retain(|shared| !shared.is_over());
            connections.idle.retain(|idle| {
                let is_closed = matches!(&idle.sender, Sender::H1 { sender, .. } if sender.is_closed());
                !is_closed && idle.since.elapsed() < idle.lasts()
            });
            let is_awaited = Arc::strong_count(&connections.turn) > 1;
            is_awaited || !(connections.shared.is_empty() && connections.idle.is_empty())
        });
    }
}

impl Lease {
    /// Its answer was read to the end: others may have it.
    pub(crate) fn give_back(self, pool: &Arc<Pool>, keep_alive: Option<Duration>) {
        drop(self.place);
        let Sender::H1 {
            mut sender,
            heard,
            proxy,
        } = self.sender
        else {
            return;
        };
        let keep = move |pool: &Pool, sender| {
            let idle = Idle {
                sender: Sender::H1 { sender, heard, proxy },
                socket: self.socket,
                since: Instant::now(),
                keep_alive,
            };
            pool.keep(self.key, idle);
        };
        if sender.is_ready() {
            return keep(pool, sender);
        }
        if sender.is_closed() {
            return;
        }
        // The library has still to notice that the answer is over.
        let pool = Arc::downgrade(pool);
        tokio::spawn(async move {
            let ready = tokio::time::timeout(READY_LIMIT, sender.ready()).await;
            if let (Ok(Ok(())), Some(pool)) = (ready, pool.upgrade()) {
                keep(&pool, sender);
            }
        });
    }
}
