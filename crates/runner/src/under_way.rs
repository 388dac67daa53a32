//! Attempts that are under way, by run and epoch: to be counted, and to be ended.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{Epoch, RunId};

use crate::attempt::{Stop, Verdict};

/// Ends that were asked for before the attempt was known here: as many as a claim holds, many times over.
const EARLY_MAX: usize = 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct UnderWay {
    known: Mutex<Known>,
    /// Those of them whose child waits for an answer of ours.
    blocked: AtomicUsize,
}

#[derive(Default)]
struct Known {
    attempts: HashMap<(RunId, Epoch), Attempt>,
    /// A claim is committed before its attempts are known here: who is cancelled in between is not let go on. Of an attempt
    /// that is over already, its epoch never comes again. Oldest first.
    early: VecDeque<(RunId, Epoch)>,
}

struct Attempt {
    stop: Stop,
    alone: bool,
}

impl UnderWay {
    /// An attempt begins. What it is ended by.
    pub fn begin(&self, run: RunId, epoch: Epoch, alone: bool) -> Stop {
        let mut known = self.known();
        let stop = Stop::default();
        if known.early.contains(&(run, epoch)) {
            stop.stop(Verdict::Cancelled);
        }
        let attempt = Attempt {
            stop: stop.clone(),
            alone,
        };
        known.attempts.insert((run, epoch), attempt);
        stop
    }

    /// It is over, and what became of it committed. How many others there are.
    pub fn end(&self, run: RunId, epoch: Epoch) -> usize {
        let mut known = self.known();
        known.attempts.remove(&(run, epoch));
        known.attempts.len()
    }

    /// Has an attempt end because its run was cancelled.
    pub fn cancel(&self, run: RunId, epoch: Epoch) {
        let mut known = self.known();
        if let Some(attempt) = known.attempts.get(&(run, epoch)) {
            attempt.stop.stop(Verdict::Cancelled);
            return;
        }
        if known.early.len() == EARLY_MAX {
            known.early.pop_front();
        }
        known.early.push_back((run, epoch));
    }

    /// Has all of them give their runs back. How many.
    pub fn release(&self) -> usize {
        let known = self.known();
        for attempt in known.attempts.values() {
            attempt.stop.stop(Verdict::Released);
        }
        known.attempts.len()
    }

    /// Whether an earlier attempt of the run is not over yet.
    pub fn winds_down(&self, run: RunId, epoch: Epoch) -> bool {
        self.known()
            .attempts
            .keys()
            .any(|(other, earlier)| *other == run && *earlier < epoch)
    }

    /// A child began or ceased to be blocked.
    pub fn blocked(&self, blocked: bool) {
        if blocked {
            self.blocked.fetch_add(1, Ordering::AcqRel);
        } else {
            self.blocked.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Children that wait for an answer of ours: they do nothing meanwhile.
    pub fn blocked_count(&self) -> usize {
        self.blocked.load(Ordering::Acquire)
    }

    pub fn count(&self) -> usize {
        self.known().attempts.len()
    }

    /// Whether there is one beside which nothing may begin. It then is the only one.
    pub fn is_alone(&self) -> bool {
        self.known().attempts.values().next().is_some_and(|one| one.alone)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: u128) -> RunId {
        RunId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn an_attempt_that_winds_down_does_not_hide_the_next_one_of_its_run() {
        let under_way = UnderWay::default();
        let old = under_way.begin(run(1), Epoch(1), false);
        under_way.cancel(run(1), Epoch(1));
        let new = under_way.begin(run(1), Epoch(3), false);
        assert_eq!(under_way.count(), 2);
        assert!(under_way.winds_down(run(1), Epoch(3)) && !under_way.winds_down(run(1), Epoch(1)));
        assert_eq!(under_way.end(run(1), Epoch(1)), 1);
        assert_eq!((old.verdict(), new.verdict()), (Some(Verdict::Cancelled), None));
        under_way.cancel(run(1), Epoch(3));
        assert_eq!(new.verdict(), Some(Verdict::Cancelled));
    }

    #[test]
    fn who_is_cancelled_before_it_is_known_is_ended_when_it_is() {
        let under_way = UnderWay::default();
        under_way.cancel(run(1), Epoch(1));
        assert_eq!(
            under_way.begin(run(1), Epoch(1), false).verdict(),
            Some(Verdict::Cancelled)
        );
        assert_eq!(under_way.begin(run(1), Epoch(2), false).verdict(), None);
        for number in 0..=EARLY_MAX as u128 {
            under_way.cancel(run(number), Epoch(9));
        }
        assert_eq!(
            under_way.begin(run(0), Epoch(9), false).verdict(),
            None,
            "bounded"
        );
    }

    #[test]
    fn one_that_runs_alone_is_told_until_it_is_over() {
        let under_way = UnderWay::default();
        assert!(!under_way.is_alone());
        under_way.begin(run(1), Epoch(1), true);
        assert!(under_way.is_alone());
        under_way.end(run(1), Epoch(1));
        under_way.begin(run(2), Epoch(1), false);
        assert!(!under_way.is_alone());
    }
}
