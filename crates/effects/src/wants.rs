//! Whether anybody still wants a request. The code may give one up that waits for its turn or its answer, and an attempt may end before one
//! has left: then it must not leave any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// How much a request is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Want {
    /// The code waits for it.
    #[default]
    Wanted,
    /// The function has returned: it is to be done, and nobody reads on.
    Returned,
    /// The code has given it up, as a library does at a time-out of its own, or a task that is cancelled.
    GivenUp,
    /// The attempt was ended: what has left is finished, and nothing leaves any more.
    Abandoned,
}

/// How much one request is wanted, as it changes.
#[derive(Debug, Clone)]
pub struct Wanted(watch::Receiver<Want>);

impl Wanted {
    /// How much it is now.
    #[must_use]
    pub fn now(&self) -> Want {
        *self.0.borrow()
    }

    /// Whether it must not leave any more, if it has not.
    #[must_use]
    pub fn must_stay(&self) -> bool {
        matches!(self.now(), Want::GivenUp | Want::Abandoned)
    }

    /// Waits until it must not leave any more.
    pub async fn until_it_must_stay(&self) {
        self.until(|want| matches!(want, Want::GivenUp | Want::Abandoned))
            .await;
    }

    /// Waits until the code has given it up: what has left is broken off, as it would be outside.
    pub async fn until_given_up(&self) {
        self.until(|want| want == Want::GivenUp).await;
    }

    /// Waits until nobody reads on.
    pub async fn until_nobody_reads(&self) {
        self.until(|want| matches!(want, Want::GivenUp | Want::Returned))
            .await;
    }

    async fn until(&self, is: impl Fn(Want) -> bool) {
        let mut want = self.0.clone();
        // Who could change it is gone: it stays as it is.
        if want.wait_for(|want| is(*want)).await.is_err() {
            std::future::pending().await
        }
    }
}

/// How much each request under way is wanted.
#[derive(Default)]
pub(crate) struct Wants(Mutex<State>);

#[derive(Default)]
struct State {
    /// Of those that are asked for from now on.
    all: Want,
    by_request: HashMap<u64, watch::Sender<Want>>,
}

impl Wants {
    /// A request is asked for; wanted until what this gives is dropped.
    pub fn open(self: &Arc<Self>, request: u64) -> Waiter {
        let mut state = self.state();
        let sender = watch::Sender::new(state.all);
        let wanted = Wanted(sender.subscribe());
        state.by_request.insert(request, sender);
        drop(state);
        Waiter {
            wants: Arc::clone(self),
            request,
            wanted,
        }
    }

    /// The code gives a request up.
    pub fn give_up(&self, request: u64) {
        if let Some(sender) = self.state().by_request.get(&request) {
            change(sender, Want::GivenUp);
        }
    }

    /// All of them, and those to come.
    pub fn all(&self, want: Want) {
        let mut state = self.state();
        state.all = want;
        for sender in state.by_request.values() {
            change(sender, want);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was given up or abandoned stays so.
fn change(sender: &watch::Sender<Want>, to: Want) {
    sender.send_if_modified(|want| {
        let changes = matches!(want, Want::Wanted | Want::Returned) && *want != to;
        if changes {
            *want = to;
        }
        changes
    });
}

/// Who waits for one request.
pub(crate) struct Waiter {
    wants: Arc<Wants>,
    /// The child's number for it.
    pub request: u64,
    pub wanted: Wanted,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.wants.state().by_request.remove(&self.request);
    }
}
