//! Leaves a host alone that fails.

use jiff::{SignedDuration, Timestamp};

use super::after;

/// Over how long failures are counted: this one and the one before.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);
/// Requests that must have ended before their failures say anything.
const ENOUGH: u32 = 5;
/// It opens when this share of them failed, in percent.
const SHARE: u32 = 50;
/// How long it stays open: at first, and at most. Each trial that fails doubles it.
const OPEN_FIRST: SignedDuration = SignedDuration::from_secs(5);
const OPEN_LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// How long a trial may keep others waiting; then the next one that arrives is a trial too.
pub(super) const TRIAL_LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    Open {
        until: Timestamp,
    },
    /// Open no more; the first request to arrive is the trial.
    HalfOpen {
        trial: Option<Timestamp>,
    },
}

/// What a request that arrives is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Go,
    /// Go: what comes of you decides for all.
    Try,
    /// The trial is out.
    WaitForTrial,
    At(Timestamp),
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    all: u32,
    failed: u32,
}

/// The breaker of one host.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    state: State,
    window: Timestamp,
    now: Counts,
    before: Counts,
    next_open: SignedDuration,
}

impl Breaker {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            state: State::Closed,
            window: now,
            now: Counts::default(),
            before: Counts::default(),
            next_open: OPEN_FIRST,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// What a request that arrives now may do; changes nothing that [`Self::begin_trial`] does not.
    pub(super) fn ask(&mut self, now: Timestamp) -> Says {
        match self.state {
            State::Closed => Says::Go,
            State::Open { until } if now < until => Says::At(until),
            State::Open { .. } => {
                self.state = State::HalfOpen { trial: None };
                Says::Try
            }
            State::HalfOpen { trial: Some(since) } if now < after(since, TRIAL_LIMIT) => Says::WaitForTrial,
            State::HalfOpen { .. } => Says::Try,
        }
    }

    /// The request that was told to try goes.
    pub(super) fn begin_trial(&mut self, now: Timestamp) {
        self.state = State::HalfOpen { trial: Some(now) };
    }

    /// The host took requests of somebody else again: the next one that arrives is a trial.
    pub(super) fn may_be_back(&mut self) {
        if matches!(self.state, State::Open { .. }) {
            self.state = State::HalfOpen { trial: None };
        }
    }

    /// A trial ended without telling anything: the next one has the place.
    pub(super) fn trial_is_void(&mut self) {
        if matches!(self.state, State::HalfOpen { .. }) {
            self.state = State::HalfOpen { trial: None };
        }
    }

    /// A request ended.
    pub(super) fn ended(&mut self, has_failed: bool, is_trial: bool, now: Timestamp) {
        match (self.state, has_failed) {
            (State::Closed, _) => self.count(has_failed, now),
            (State::HalfOpen { .. }, false) if is_trial => *self = Self::new(now),
            (State::HalfOpen { .. }, true) if is_trial => self.open(now),
            // It left before: what it tells is known already.
            (State::Open { .. } | State::HalfOpen { .. }, _) => {}
        }
    }

    fn count(&mut self, has_failed: bool, now: Timestamp) {
        let passed = now.duration_since(self.window);
        if passed >= WINDOW + WINDOW {
            (self.before, self.now, self.window) = (Counts::default(), Counts::default(), now);
        } else if passed >= WINDOW {
            (self.before, self.now, self.window) = (self.now, Counts::default(), after(self.window, WINDOW));
        }
        self.now.all = self.now.all.saturating_add(1);
        self.now.failed = self.now.failed.saturating_add(u32::from(has_failed));
        let all = self.now.all.saturating_add(self.before.all);
        let failed = self.now.failed.saturating_add(self.before.failed);
        // A success never opens it, whatever the share.
        if has_failed && all >= ENOUGH && u64::from(failed) * 100 >= u64::from(all) * u64::from(SHARE) {
            self.open(now);
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.state = State::Open {
            until: after(now, self.next_open),
        };
        self.next_open = (self.next_open + self.next_open).min(OPEN_LIMIT);
        (self.now, self.before, self.window) = (Counts::default(), Counts::default(), now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn broken(now: i64) -> Breaker {
        let mut breaker = Breaker::new(at(now));
        for _ in 0..ENOUGH {
            breaker.ended(true, false, at(now));
        }
        breaker
    }

    #[test]
    fn it_opens_on_a_share_of_failures_and_not_on_a_few() {
        let mut breaker = Breaker::new(at(0));
        for _ in 0..ENOUGH - 1 {
            breaker.ended(true, false, at(0));
        }
        assert_eq!(breaker.ask(at(0)), Says::Go);
        breaker.ended(true, false, at(0));
        assert_eq!(breaker.ask(at(0)), Says::At(after(at(0), OPEN_FIRST)));

        let mut healthy = Breaker::new(at(0));
        for n in 0..100 {
            healthy.ended(n % 3 == 0, false, at(n / 10));
        }
        assert_eq!(healthy.ask(at(11)), Says::Go);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut breaker = Breaker::new(at(0));
        for _ in 0..ENOUGH - 1 {
            breaker.ended(true, false, at(0));
        }
        breaker.ended(true, false, at(60));
        assert_eq!(breaker.ask(at(60)), Says::Go);
    }

    #[test]
    fn the_trial_belongs_to_one_request_and_decides() {
        let mut breaker = broken(0);
        let until = OPEN_FIRST.as_secs();
        assert_eq!(breaker.ask(at(until)), Says::Try);
        breaker.begin_trial(at(until));
        assert_eq!(breaker.ask(at(until)), Says::WaitForTrial);
        breaker.ended(false, false, at(until)); // one that left before
        assert_eq!(breaker.ask(at(until)), Says::WaitForTrial);
        breaker.ended(true, true, at(until));
        let doubled = after(at(until), OPEN_FIRST + OPEN_FIRST);
        assert_eq!(breaker.ask(at(until)), Says::At(doubled));
        assert_eq!(breaker.ask(doubled), Says::Try);
        breaker.begin_trial(doubled);
        breaker.ended(false, true, doubled);
        assert_eq!(breaker.ask(doubled), Says::Go);
        assert_eq!(breaker.next_open, OPEN_FIRST);
    }

    #[test]
    fn a_trial_that_never_ends_or_tells_nothing_gives_its_place_up() {
        let mut breaker = broken(0);
        let mut now = at(OPEN_FIRST.as_secs());
        assert_eq!(breaker.ask(now), Says::Try);
        breaker.begin_trial(now);
        now = after(now, TRIAL_LIMIT);
        assert_eq!(breaker.ask(now), Says::Try);
        breaker.begin_trial(now);
        assert_eq!(breaker.ask(now), Says::WaitForTrial);
        breaker.trial_is_void();
        assert_eq!(breaker.ask(now), Says::Try);
    }

    proptest! {
        /// However it goes: it never stays open for longer than the limit, and one trial is out at a time.
        #[test]
        fn there_is_always_a_way_back(steps in prop::collection::vec((0_i64..400, any::<bool>()), 1..200)) {
            let (mut breaker, mut now) = (Breaker::new(at(0)), 0);
            for (passed, has_failed) in steps {
                now += passed;
                match breaker.ask(at(now)) {
                    Says::Go => breaker.ended(has_failed, false, at(now)),
                    Says::Try => {
                        breaker.begin_trial(at(now));
                        prop_assert_eq!(breaker.ask(at(now)), Says::WaitForTrial);
                        breaker.ended(has_failed, true, at(now));
                    }
                    Says::At(then) => {
                        prop_assert!(then.duration_since(at(now)) <= OPEN_LIMIT);
                        prop_assert_eq!(breaker.clone().ask(then), Says::Try);
                    }
                    Says::WaitForTrial => prop_assert!(false, "no trial is out"),
                }
            }
        }
    }
}
