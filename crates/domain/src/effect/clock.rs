//! What time it is for code that is given back what it was told before: the time of then, so that "today" in what it asks for next, or in
//! what it decides, is the day of then.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::{Journal, READ_FRESHNESS};
use super::one::Effect;
use super::record::{EffectNumber, Lane};
use super::{Class, Phase};
use crate::Timestamp;

impl Journal {
    /// The time for a lane that has just been given back `given` (`None`: that begins), at which its clock goes on. `None`: the time it is,
    /// for good: what the lane or those that it submitted ask for next is sent, and what signs a request must have the true time.
    ///
    /// A run that fetched a token by a text which its code signed has the time it is throughout: the token is fetched anew.
    #[must_use]
    pub fn clock(&self, lane: &Lane, given: Option<EffectNumber>, now: Timestamp) -> Option<Timestamp> {
        let matched = || self.effects.iter().zip(&self.unconsumed);
        if matched().any(|(effect, _)| effect.intent().timed) {
            return None;
        }
        let recorded = self.bound.get(lane).unwrap_or(lane);
        let next = (0..self.unconsumed.len()).find(|at| {
            let effect = &self.effects[*at];
            let counts = effect.intent().class != Class::Credential; // a token says nothing of the time
            self.unconsumed[*at] && counts && effect.lane().is_of(recorded)
        })?;
        if !self.is_to_be_given(next, now) {
            return None;
        }
        let next = self.effects[next].last();
        let heard = given.and_then(|given| self.effect(given)?.concluded());
        // Where another attempt went on from what this one was given, it read another clock.
        let same = heard.filter(|heard| heard.outcome.attempt == next.intent.attempt);
        Some(same.map_or(next.at, |heard| heard.at.min(next.at)))
    }

    /// What time it is for lanes as they begin: the function itself and all that it submitted. For those that are not named it is the
    /// time it is.
    #[must_use]
    pub fn clocks(&self, now: Timestamp) -> BTreeMap<Lane, Timestamp> {
        let mut lanes = BTreeSet::new();
        for (effect, _) in self
            .effects
            .iter()
            .zip(&self.unconsumed)
            .filter(|(_, left)| **left)
        {
            let mut lane = Some(effect.lane().clone());
            while let Some(at) = lane {
                lane = at.parent();
                lanes.insert(at);
            }
        }
        let clock = |lane: Lane| self.clock(&lane, None, now).map(|time| (lane, time));
        lanes.into_iter().filter_map(clock).collect()
    }

    /// Those that submitted this lane for which it is the time it is from here on.
    #[must_use]
    pub fn real_above(&self, lane: &Lane, now: Timestamp) -> Vec<Lane> {
        let mut real = Vec::new();
        let mut above = lane.parent();
        while let Some(lane) = above {
            above = lane.parent();
            if self.clock(&lane, None, now).is_none() {
                real.push(lane);
            }
        }
        real
    }

    /// Whether what became of it is given back if it is asked for; `false` where that is in doubt.
    fn is_to_be_given(&self, at: usize, now: Timestamp) -> bool {
        let effect: &Effect = &self.effects[at];
        let Some(concluded) = effect.concluded() else {
            return false;
        };
        match effect.intent().class {
            Class::Telemetry => true,
            Class::Credential => false,
            Class::Read if concluded.outcome.phase == Phase::Done => {
                let old = now.duration_since(concluded.at) > READ_FRESHNESS;
                !old || self.write_after(concluded.order)
            }
            Class::Read | Class::Write => {
                concluded.outcome.phase == Phase::Done || (concluded.outcome.heard && !self.reopened[at])
            }
        }
    }
}
