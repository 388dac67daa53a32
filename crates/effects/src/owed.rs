//! What a child is owed: how many answers, for how long in all, and whether for so long that its place is better given to another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::terms::OnBlocked;

/// How long an answer is owed before its child counts as blocked.
const SLOW: Duration = Duration::from_millis(100);

/// The answers that one child is owed.
pub(crate) struct Owed {
    open: watch::Sender<usize>,
    withheld: Mutex<Withheld>,
    /// Those that have been owed for long.
    slow: AtomicUsize,
    on_blocked: OnBlocked,
}

/// For how long the child has been owed an answer in all: that is none of its own time.
#[derive(Default)]
struct Withheld {
    before: Duration,
    since: Option<Instant>,
}

impl Owed {
    pub fn new(on_blocked: OnBlocked) -> Arc<Self> {
        Arc::new(Self {
            open: watch::Sender::new(0),
            withheld: Mutex::default(),
            slow: AtomicUsize::new(0),
            on_blocked,
        })
    }

    /// One more is owed, until what this gives is dropped.
    pub fn one(self: &Arc<Self>) -> One {
        let mut withheld = self.withheld_so_far();
        withheld.since.get_or_insert_with(Instant::now);
        self.open.send_modify(|open| *open += 1);
        One(Arc::clone(self))
    }

    /// How many.
    pub fn count(&self) -> usize {
        *self.open.borrow()
    }

    /// For how long one has been owed, in all.
    pub fn withheld(&self) -> Duration {
        let withheld = self.withheld_so_far();
        withheld.before + withheld.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until none is.
    pub async fn none(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Waits for what an answer takes. If that is long the child counts as blocked meanwhile.
    pub async fn noting_slowness<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            told = &mut answer => return told,
            () = sleep(SLOW) => {}
        }
        let _slow = Slow::new(self);
        answer.await
    }

    fn withheld_so_far(&self) -> MutexGuard<'_, Withheld> {
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer that is owed, until it is given or never will be.
pub(crate) struct One(Arc<Owed>);

impl Drop for One {
    fn drop(&mut self) {
        let mut withheld = self.0.withheld_so_far();
        self.0.open.send_modify(|open| *open -= 1);
        if self.0.count() == 0
            && let Some(since) = withheld.since.take()
        {
            withheld.before += since.elapsed();
        }
    }
}

/// One that has been owed for long, until it is given.
struct Slow<'a>(&'a Owed);

impl<'a> Slow<'a> {
    fn new(owed: &'a Owed) -> Self {
        if owed.slow.fetch_add(1, Ordering::AcqRel) == 0 {
            (owed.on_blocked)(true);
        }
        Self(owed)
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        if self.0.slow.fetch_sub(1, Ordering::AcqRel) == 1 {
            (self.0.on_blocked)(false);
        }
    }
}
