//! Where the checkpointer can make the writer pause between two batches.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct State {
    writing: bool,
    held: bool,
}

/// Held by the one or passed by the other.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

/// A batch is under way.
pub(super) struct Passing<'a>(&'a Gate);
/// No batch begins.
pub(super) struct Holding<'a>(&'a Gate);

impl Gate {
    /// Waits until nobody holds the gate, and keeps it from being held until the batch is over.
    pub fn pass(&self) -> Passing<'_> {
        let mut state = self.wait_while(|state| state.held);
        state.writing = true;
        Passing(self)
    }

    /// Waits for the batch that is under way, and lets no other begin.
    pub fn hold(&self) -> Holding<'_> {
        self.state().held = true;
        drop(self.wait_while(|state| state.writing));
        Holding(self)
    }

    fn wait_while(&self, mut closed: impl FnMut(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.state(), |state| closed(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.state().writing = false;
        self.0.changed.notify_all();
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.state().held = false;
        self.0.changed.notify_all();
    }
}
