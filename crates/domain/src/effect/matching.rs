//! Which record of earlier attempts a request is: rules 1 to 4.

use super::Endpoint;
use super::journal::{Asked, Journal};
use super::one::Effect;
use super::record::{EffectNumber, Lane, Paired};

impl Journal {
    /// The record that a request is, and whether it matches but for volatile tokens. A lane is bound to the recorded one in which it
    /// first finds something, its own number preferred.
    pub(super) fn find(&mut self, asked: &Asked) -> Option<(usize, bool)> {
        let lane = self.recorded_lane(&asked.lane);
        let same = |effect: &Effect| effect.intent().fingerprint.exact == asked.fingerprint.exact;
        let found = self
            .first(|effect| Some(effect.lane()) == lane.as_ref() && same(effect)) // 1: the lane's next of them
            .or_else(|| self.first(same)) // 2: parallel code changes places
            .map(|at| (at, false))
            .or_else(|| self.next_but_for_volatile(asked, lane.as_ref()?)); // 3
        if let Some((at, _)) = found {
            self.bind(&asked.lane, at);
        }
        found
    }

    /// The lane's next record of this endpoint, if it differs only in volatile tokens; never one of another deployment: there the
    /// difference may be the repair.
    fn next_but_for_volatile(&self, asked: &Asked, lane: &Lane) -> Option<(usize, bool)> {
        let at = self.first(|effect| effect.lane() == lane && effect.intent().endpoint == asked.endpoint)?;
        let effect = &self.effects[at];
        let alike = effect.intent().fingerprint.shape == asked.fingerprint.shape && !self.is_foreign(effect);
        alike.then_some((at, true))
    }

    /// Rule 4: what may stand on the other side, of this kind, that nobody has asked for yet.
    pub(super) fn left_of(&self, endpoint: &Endpoint) -> Vec<EffectNumber> {
        let of_kind = |effect: &&Effect| effect.intent().endpoint == *endpoint && effect.may_stand();
        self.left().filter(of_kind).map(|effect| effect.number).collect()
    }

    /// What a person said of this write, once.
    pub(super) fn take_pair(&mut self, asked: &Asked) -> Option<Paired> {
        let is = |pair: &Paired| {
            pair.fingerprint.exact == asked.fingerprint.exact
                || pair.fingerprint.shape == asked.fingerprint.shape
        };
        let at = self.pairs.iter().position(is)?;
        Some(self.pairs.remove(at))
    }

    fn left(&self) -> impl Iterator<Item = &Effect> {
        self.effects
            .iter()
            .zip(&self.unconsumed)
            .filter(|(_, unconsumed)| **unconsumed)
            .map(|(effect, _)| effect)
    }

    fn first(&self, is: impl Fn(&Effect) -> bool) -> Option<usize> {
        (0..self.unconsumed.len()).find(|at| self.unconsumed[*at] && is(&self.effects[*at]))
    }

    fn recorded_lane(&self, lane: &Lane) -> Option<Lane> {
        if let Some(bound) = self.bound.get(lane) {
            return Some(bound.clone());
        }
        let taken = self.bound.values().any(|bound| bound == lane);
        (!taken).then(|| lane.clone())
    }

    fn bind(&mut self, lane: &Lane, at: usize) {
        let recorded = self.effects[at].lane().clone();
        let taken = self.bound.values().any(|bound| *bound == recorded);
        if !taken && !self.bound.contains_key(lane) {
            self.bound.insert(lane.clone(), recorded);
        }
    }
}
