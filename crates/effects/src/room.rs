//! How much a run may still record of its requests and answers. What is under way counts from the moment at which it is in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::effect::MAX_RECORDED_BYTES;

/// Bytes that are recorded, or will be.
#[derive(Debug)]
pub struct Room(AtomicUsize);

impl Room {
    /// Of a run that has recorded so many.
    #[must_use]
    pub const fn used(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Takes room for so many. `false`: there is none, and nothing was taken.
    #[must_use]
    pub fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|used| *used <= MAX_RECORDED_BYTES);
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .is_ok()
    }

    /// Takes it whether there is room or not: for what must be written down.
    pub fn take_anyway(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Gives it back: it will not be recorded.
    pub fn give(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::AcqRel);
    }
}
