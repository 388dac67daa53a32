//! Which lanes a child has, and whether any but one can still go on by itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::effect::Lane;
use tokio::time::Instant;

/// A lane that is owed nothing and has said nothing for so long is stuck: it waits for another one, as a rule.
const SILENCE: Duration = Duration::from_secs(30);
/// Lanes of one attempt that are told apart. Beyond them nothing is said of any: who is held is not parked for it.
const MAX_LANES: usize = 10_000;

/// The lanes of one attempt. The function's own is there from the beginning, although nobody announces it: it may have begun others that
/// have not asked for anything yet.
pub(crate) struct Lanes(Mutex<HashMap<Lane, State>>);

impl Default for Lanes {
    fn default() -> Self {
        Self(Mutex::new([(Lane::main(), State::new())].into()))
    }
}

struct State {
    ended: bool,
    held: bool,
    /// Answers that it waits for.
    owed: u32,
    last_heard: Instant,
}

impl State {
    fn new() -> Self {
        Self {
            ended: false,
            held: false,
            owed: 0,
            last_heard: Instant::now(),
        }
    }
}

impl Lanes {
    /// A lane began or ended.
    pub fn announce(&self, lane: &Lane, ended: bool) {
        self.change(lane, |state| state.ended = ended);
    }

    /// A lane asked for something.
    pub fn asked(&self, lane: &Lane) {
        self.change(lane, |state| state.owed += 1);
    }

    /// It was answered.
    pub fn answered(&self, lane: &Lane) {
        self.change(lane, |state| state.owed = state.owed.saturating_sub(1));
    }

    /// Its request is held.
    pub fn hold(&self, lane: &Lane) {
        self.lanes().entry(lane.clone()).or_insert_with(State::new).held = true;
    }

    /// Its request is looked at again.
    pub fn release(&self, lane: &Lane) {
        if let Some(state) = self.lanes().get_mut(lane) {
            state.held = false;
        }
    }

    /// Lanes that have not ended.
    pub fn alive(&self) -> usize {
        self.lanes().values().filter(|state| !state.ended).count()
    }

    /// For how long no lane has asked for anything, been told anything, begun or ended.
    pub fn quiet_for(&self) -> Duration {
        let lanes = self.lanes();
        let last = lanes.values().map(|state| state.last_heard).max();
        last.map_or(Duration::MAX, |last| last.elapsed())
    }

    /// In what time every lane but this one is stuck, unless something changes before: zero if they are; `None` if one of them is
    /// owed an answer, whose arrival is a change.
    pub fn others_stuck_in(&self, lane: &Lane) -> Option<Duration> {
        let lanes = self.lanes();
        if lanes.len() >= MAX_LANES {
            return None;
        }
        let others = lanes
            .iter()
            .filter(|(other, state)| *other != lane && !state.ended && !state.held);
        let mut longest = Duration::ZERO;
        for (_, state) in others {
            if state.owed > 0 {
                return None;
            }
            longest = longest.max(SILENCE.saturating_sub(state.last_heard.elapsed()));
        }
        Some(longest)
    }

    fn change(&self, lane: &Lane, change: impl FnOnce(&mut State)) {
        let mut lanes = self.lanes();
        if lanes.len() >= MAX_LANES && !lanes.contains_key(lane) {
            return;
        }
        let state = lanes.entry(lane.clone()).or_insert_with(State::new);
        state.last_heard = Instant::now();
        change(state);
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Lane, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        Lane(name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_is_stuck_when_it_ended_is_held_or_was_silent_for_long() {
        let lanes = Lanes::default();
        let main = lane("0");
        lanes.asked(&main);
        assert_eq!(
            lanes.others_stuck_in(&main),
            Some(Duration::ZERO),
            "there is no other"
        );
        lanes.asked(&lane("0.1"));
        assert_eq!(lanes.others_stuck_in(&main), None, "it is owed an answer");
        lanes.answered(&lane("0.1"));
        assert_eq!(lanes.others_stuck_in(&main), Some(SILENCE));
        tokio::time::advance(SILENCE).await;
        assert_eq!(lanes.others_stuck_in(&main), Some(Duration::ZERO));
        lanes.asked(&lane("0.1"));
        lanes.hold(&lane("0.1"));
        assert_eq!(lanes.others_stuck_in(&main), Some(Duration::ZERO), "held as well");
        lanes.release(&lane("0.1"));
        lanes.announce(&lane("0.1"), true);
        assert_eq!(
            (lanes.others_stuck_in(&main), lanes.alive()),
            (Some(Duration::ZERO), 1)
        );
    }
    #[tokio::test(start_paused = true)]
    async fn the_first_lane_to_ask_is_not_alone_for_the_next_may_be_about_to() {
        let lanes = Lanes::default();
        lanes.asked(&lane("0.2"));
        assert_eq!(lanes.alive(), 2);
        assert_eq!(lanes.others_stuck_in(&lane("0.2")), Some(SILENCE));
        lanes.asked(&lane("0.1"));
        assert_eq!(lanes.others_stuck_in(&lane("0.2")), None);
    }
}
