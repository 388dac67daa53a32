//! The connections of one address: how many there may be, and which one goes where there is room for no more.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How often room is looked for while there is none: one that was busy may be idle by then.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The connections of one address. At the limit, a further one takes the place of the one that has been idle longest,
/// so that whoever opens many and asks nothing keeps nobody out.
pub(crate) struct Connections {
    limit: usize,
    room: Arc<Semaphore>,
    there: Mutex<HashMap<u64, Arc<Seat>>>,
    /// Counts what happens, so that it is known what was first.
    ticks: AtomicU64,
    /// That there is no room was told.
    told: AtomicBool,
}

impl Connections {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            room: Arc::new(Semaphore::new(limit)),
            there: Mutex::default(),
            ticks: AtomicU64::new(0),
            told: AtomicBool::new(false),
        })
    }

    /// A place for a connection that is there, as soon as there is one.
    pub async fn place(self: &Arc<Self>) -> Place {
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            if !self.told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    connections = self.limit,
                    "as many connections as may be; for each further one, the one that is idle longest is closed"
                );
            }
            self.end_longest_idle();
            let waiting = Arc::clone(&self.room).acquire_owned();
            if let Ok(Ok(room)) = tokio::time::timeout(LOOK_AGAIN, waiting).await {
                break room;
            }
        };
        if self.room.available_permits() >= self.limit.div_ceil(2) {
            self.told.store(false, Ordering::Relaxed);
        }
        let id = self.tick();
        let seat = Arc::new(Seat {
            state: Mutex::new(State::Idle { since: id }),
            leave: Notify::new(),
        });
        lock(&self.there).insert(id, Arc::clone(&seat));
        Place {
            all: Arc::clone(self),
            id,
            seat,
            _room: room,
        }
    }

    fn end_longest_idle(&self) {
        let there = lock(&self.there);
        let idle = there.values().filter_map(|seat| match *lock(&seat.state) {
            State::Idle { since } => Some((since, seat)),
            State::Busy | State::Leaving => None,
        });
        if let Some((since, seat)) = idle.min_by_key(|(since, _)| *since) {
            let mut state = lock(&seat.state);
            // A request may have begun just now.
            if matches!(*state, State::Idle { since: still } if still == since) {
                *state = State::Leaving;
                seat.leave.notify_one();
            }
        }
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }
}

/// The place that one connection has; dropped with it.
pub(crate) struct Place {
    all: Arc<Connections>,
    id: u64,
    seat: Arc<Seat>,
    _room: OwnedSemaphorePermit,
}

struct Seat {
    state: Mutex<State>,
    leave: Notify,
}

enum State {
    /// No request is under way, since this tick.
    Idle { since: u64 },
    /// A request is read, worked on or answered.
    Busy,
    /// Its place is needed.
    Leaving,
}

impl Place {
    /// Returns once the place is needed for another.
    pub async fn is_needed(&self) {
        self.seat.leave.notified().await;
    }

    pub fn is_busy(&self) -> bool {
        matches!(*lock(&self.seat.state), State::Busy)
    }

    /// A request has come; it is under way until what this gives is dropped.
    pub fn begin(&self) -> Request {
        *lock(&self.seat.state) = State::Busy;
        Request {
            all: Arc::clone(&self.all),
            seat: Arc::clone(&self.seat),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.all.there).remove(&self.id);
    }
}

/// A request that is under way.
pub(crate) struct Request {
    all: Arc<Connections>,
    seat: Arc<Seat>,
}

impl Request {
    /// The body of its answer; once that is sent, the request is over.
    pub fn until_sent(self, body: Body) -> Body {
        Body::new(Answer { body, _request: self })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let since = self.all.tick();
        *lock(&self.seat.state) = State::Idle { since };
    }
}

struct Answer {
    body: Body,
    _request: Request,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What is held is whole at all times, so a panic of another thread harms nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
