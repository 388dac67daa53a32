//! What is told in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// How it went.
#[derive(Serialize)]
pub struct Told {
    /// Answers by status.
    statuses: BTreeMap<u16, u64>,
    /// From the first byte sent to the last answer.
    seconds: f64,
    per_second: f64,
    /// From when a request was sent (open arrivals: was due) to the end of its answer. Absent for a batch.
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    max_ms: Option<f64>,
    /// Of this process, all of it.
    cpu_s: f64,
}

impl Told {
    pub fn new(statuses: BTreeMap<u16, u64>, took: Duration, mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        let answers: u64 = statuses.values().sum();
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            statuses,
            seconds: took.as_secs_f64(),
            per_second: answers as f64 / took.as_secs_f64(),
            p50_ms: quantile(&waits, 0.5),
            p99_ms: quantile(&waits, 0.99),
            max_ms: quantile(&waits, 1.0),
            cpu_s: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
        }
    }
}

/// The smallest wait that this share of all does not exceed, in milliseconds.
fn quantile(sorted: &[Duration], share: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .map(|wait| wait.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_wait_that_was_seen() {
        let waits: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(quantile(&waits, 0.5), Some(100.0));
        assert_eq!(quantile(&waits, 0.99), Some(198.0));
        assert_eq!(quantile(&waits, 1.0), Some(200.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
