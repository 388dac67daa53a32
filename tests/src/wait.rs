//! Waiting for what will happen, without a word on how fast it has to.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// For anything that a test waits for: only a hang takes this long, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The time, as far as tests measure it.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "these tests measure a real program in real time"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, to be compared with what a server of this machine wrote down.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "as above")]
pub fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Looks until there is something, for at most [`PATIENCE`].
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "waited {} s in vain: {what}",
            PATIENCE.as_secs()
        );
        sleep(BETWEEN_LOOKS);
    }
}
