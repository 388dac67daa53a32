//! Which failures something later made good, and which are left.

use super::journal::Journal;
use super::one::Effect;
use super::record::{EffectNumber, Outcome};
use super::{Class, Phase};

impl Journal {
    pub(super) fn is_reopened(&self, at: usize) -> bool {
        let effect = &self.effects[at];
        let before = |outcome: &Outcome| outcome.attempt < self.opening.retry_since;
        effect.is_failure()
            && effect.intent().class != Class::Credential
            && effect
                .concluded()
                .is_some_and(|concluded| before(&concluded.outcome))
            && !self.is_settled(at, |other| {
                other
                    .concluded()
                    .is_some_and(|concluded| before(&concluded.outcome))
            })
    }

    /// Whether a failure was made good by something among `counted`: the same request succeeded later; or the answer was that it is not
    /// there, or there already (404, 409), and the lane's next write to that origin used another method and is done.
    pub(super) fn is_settled(&self, at: usize, counted: impl Fn(&Effect) -> bool) -> bool {
        let failed = &self.effects[at];
        let print = failed.intent().fingerprint;
        let done = |effect: &Effect| counted(effect) && effect.phase() == Some(Phase::Done);
        let later = &self.effects[at + 1..];
        if later.iter().any(|e| {
            done(e)
                && (e.intent().fingerprint.exact == print.exact
                    || e.intent().fingerprint.shape == print.shape)
        }) {
            return true;
        }
        let status = failed
            .concluded()
            .and_then(|concluded| concluded.outcome.answer.as_ref())
            .map(|answer| answer.status);
        let (lane, endpoint) = (failed.lane(), &failed.intent().endpoint);
        let next_write = later.iter().find(|effect| {
            effect.lane() == lane
                && effect.intent().class.is_write()
                && effect.intent().endpoint.origin == endpoint.origin
        });
        matches!(status, Some(404 | 409))
            && next_write.is_some_and(|next| next.intent().endpoint.method != endpoint.method && done(next))
    }

    /// Which failures that the attempt was told of nothing made good: swallowed failures, should the function return.
    #[must_use]
    pub fn unsettled_failures(&self) -> Vec<EffectNumber> {
        let told = |at: usize| self.unconsumed.get(at).is_none_or(|unconsumed| !unconsumed);
        let fresh = |at: usize| self.effects[at].intent().attempt >= self.opening.fresh_since;
        let failed =
            (0..self.effects.len()).filter(|at| fresh(*at) && told(*at) && self.effects[*at].is_failure());
        failed
            .filter(|at| !self.is_settled(*at, |_| true))
            .map(|at| self.effects[at].number)
            .collect()
    }

    /// Writes whose fate nobody knows and no code ever heard of, and that the attempt did not ask for.
    #[must_use]
    pub fn unheard_unknown(&self) -> Vec<EffectNumber> {
        let left = self
            .effects
            .iter()
            .zip(&self.unconsumed)
            .filter(|(_, unconsumed)| **unconsumed);
        let unheard = |effect: &&Effect| {
            let unknown = effect
                .concluded()
                .filter(|concluded| concluded.outcome.phase == Phase::Unknown);
            effect.intent().class.is_write() && unknown.is_some_and(|concluded| !concluded.outcome.heard)
        };
        left.map(|(effect, _)| effect)
            .filter(unheard)
            .map(|effect| effect.number)
            .collect()
    }
}
