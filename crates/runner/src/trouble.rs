//! A trouble that lasts is told of without filling the log: at first, then ever less often, and once when it is over.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

/// Between the first two lines about the same trouble; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest between two lines.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// See the module.
pub struct Trouble {
    what: &'static str,
    lasting: Option<Lasting>,
}

struct Lasting {
    since: Instant,
    times: u64,
    next: Instant,
    wait: Duration,
}

impl Trouble {
    /// None so far. `what` is told with every line: what does not work while it lasts.
    pub const fn new(what: &'static str) -> Self {
        Self { what, lasting: None }
    }

    /// It did not work.
    pub fn failed(&mut self, error: &dyn Display) {
        if let Some((times, lasted)) = self.is_told(Instant::now()) {
            let lasted_s = lasted.as_secs();
            tracing::error!(%error, times, lasted_s, "{} failed; it is tried again until it works", self.what);
        }
    }

    /// It worked.
    pub fn worked(&mut self) {
        if let Some(lasting) = self.lasting.take() {
            let lasted_s = lasting.since.elapsed().as_secs();
            tracing::info!(times = lasting.times, lasted_s, "{} works again", self.what);
        }
    }

    /// Counts one more failure; answers how many there were and for how long, if it is time to tell.
    fn is_told(&mut self, now: Instant) -> Option<(u64, Duration)> {
        let lasting = self.lasting.get_or_insert(Lasting {
            since: now,
            times: 0,
            next: now,
            wait: FIRST_WAIT,
        });
        lasting.times += 1;
        if now < lasting.next {
            return None;
        }
        lasting.next = now + lasting.wait;
        lasting.wait = (lasting.wait * 2).min(LONGEST_WAIT);
        Some((lasting.times, now.duration_since(lasting.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_trouble_is_told_in_a_few_lines_and_another_one_at_once() {
        let mut trouble = Trouble::new("claiming");
        let start = Instant::now();
        let told: Vec<u64> = (0..7_200_u32)
            .filter_map(|n| trouble.is_told(start + n * Duration::from_millis(500)))
            .map(|(_, lasted)| lasted.as_secs())
            .collect();
        assert_eq!(
            told,
            [
                0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 1_623, 2_223, 2_823, 3_423
            ]
        );
        trouble.worked();
        assert_eq!(trouble.is_told(start), Some((1, Duration::ZERO)));
    }
}
