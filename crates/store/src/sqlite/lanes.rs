//! The bounded ways to the writer: what completes a run goes before what begins one, and that before what brings one.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::job::Job;
use crate::StoreError;

/// The classes of requests, first served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Completions, and whatever else an attempt says.
    Completion,
    /// Claims, and what people and recovery ask for.
    Claim,
    /// New conversations.
    Accept,
}

const LANES: usize = 3;
/// What may be waiting or under way in each lane, KiB; who comes beyond it waits outside, in order.
const LANE_KIB: usize = 128 * 1024;
/// What the smallest request counts as, KiB, so that this also bounds how many there are.
const REQUEST_KIB: usize = 4;

/// The lanes of one store.
pub(super) struct Lanes {
    room: [Arc<Semaphore>; LANES],
    queues: Mutex<Queues>,
    filled: Condvar,
}

#[derive(Default)]
struct Queues {
    waiting: [VecDeque<Box<dyn Job>>; LANES],
    closed: Option<StoreError>,
}

/// What the writer finds when it waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// At least one request.
    Work,
    /// None within the time.
    Nothing,
    /// None, and none will come.
    Closed,
}

impl Lanes {
    pub fn new() -> Self {
        Self {
            room: std::array::from_fn(|_| Arc::new(Semaphore::new(LANE_KIB))),
            queues: Mutex::default(),
            filled: Condvar::new(),
        }
    }

    /// Waits for room for a request of so many bytes. Dropping the permit gives the room back.
    pub async fn room(&self, lane: Lane, bytes: usize) -> Result<OwnedSemaphorePermit, StoreError> {
        let kib = (bytes / 1024).clamp(REQUEST_KIB, LANE_KIB);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room[lane as usize]);
        room.acquire_many_owned(kib).await.map_err(|_| closed())
    }

    /// Hands a request over. If none are taken any more it is refused.
    pub fn put(&self, job: Box<dyn Job>) {
        let mut queues = self.queues();
        if let Some(error) = &queues.closed {
            let error = error.clone();
            drop(queues);
            job.refuse(error);
            return;
        }
        queues.waiting[job.lane() as usize].push_back(job);
        drop(queues);
        self.filled.notify_one();
    }

    /// Waits until there is a request.
    pub fn wait(&self, patience: Option<Duration>) -> Found {
        let mut queues = self.queues();
        loop {
            if queues.waiting.iter().any(|lane| !lane.is_empty()) {
                return Found::Work;
            }
            if queues.closed.is_some() {
                return Found::Closed;
            }
            queues = match patience {
                None => self.filled.wait(queues).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (queues, waited) = self
                        .filled
                        .wait_timeout(queues, patience)
                        .unwrap_or_else(PoisonError::into_inner);
                    if waited.timed_out() {
                        return Found::Nothing;
                    }
                    queues
                }
            };
        }
    }

    /// The next request, if there is one.
    pub fn take(&self) -> Option<Box<dyn Job>> {
        self.queues().waiting.iter_mut().find_map(VecDeque::pop_front)
    }

    /// Takes no more requests. Those that wait are still served.
    pub fn close(&self) {
        self.queues().closed.get_or_insert_with(closed);
        self.filled.notify_all();
    }

    /// Takes no more requests, and refuses those that wait.
    pub fn fail(&self, error: &StoreError) {
        let mut queues = self.queues();
        queues.closed = Some(error.clone());
        let waiting = std::mem::take(&mut queues.waiting);
        drop(queues);
        for job in waiting.into_iter().flatten() {
            job.refuse(error.clone());
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is answered once a store is closed.
pub(super) fn closed() -> StoreError {
    StoreError::Failed("the store is closed".into())
}
