//! What becomes of a request: given back, sent, sent again, held, or left to a person.

use super::journal::{Asked, Journal, READ_FRESHNESS};
use super::one::Effect;
use super::record::{EffectNumber, Header};
use super::unknown::{Resolution, resolve};
use super::{Class, Phase, Trouble};
use crate::Timestamp;

/// Which idempotency key goes with a request that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRule {
    /// A new one.
    New,
    /// That of an earlier sending of the same bytes.
    Keep(Option<Header>),
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// What became of it before is given back.
    Give {
        /// Which record.
        effect: EffectNumber,
        /// It matched but for volatile tokens.
        drifted: bool,
    },
    /// It is sent.
    Drive {
        /// A record that is driven again; `None`: a new one.
        effect: Option<EffectNumber>,
        /// With which key.
        key: KeyRule,
    },
    /// The recorded bytes of an unknown write are sent again with their key.
    Resend {
        /// Which record.
        effect: EffectNumber,
    },
    /// An unknown write is taken for done.
    Assume {
        /// Which record.
        effect: EffectNumber,
    },
    /// It fits nothing, and something of its kind is left over: it is held until other lanes have asked for that, or are stuck.
    Hold {
        /// What is left over.
        beside: Vec<EffectNumber>,
    },
    /// Only a person can say.
    Park {
        /// The write of unknown fate.
        effect: EffectNumber,
    },
}

impl Journal {
    /// A new effect. Code that repeats at once a write whose fate it was told is unknown keeps that one's key: it is its own retry.
    pub(super) fn new_effect(&self, asked: &Asked) -> Course {
        let this_attempt = |effect: &&Effect| effect.intent().attempt == self.opening.attempt;
        let of_lane = self
            .effects
            .iter()
            .rev()
            .filter(this_attempt)
            .find(|effect| effect.intent().lane == asked.lane);
        let repeats = of_lane.filter(|last| {
            last.phase() == Some(Phase::Unknown) && last.intent().fingerprint.exact == asked.fingerprint.exact
        });
        let key = repeats.map_or(KeyRule::New, |last| KeyRule::Keep(last.intent().key.clone()));
        Course::Drive { effect: None, key }
    }

    pub(super) fn give(&mut self, effect: EffectNumber, drifted: bool) -> Course {
        self.given.push(effect);
        if drifted {
            self.drifted.push(effect);
        }
        Course::Give { effect, drifted }
    }

    pub(super) fn course(&mut self, at: usize, drifted: bool, asked: &Asked, now: Timestamp) -> Course {
        let effect = &self.effects[at];
        let number = effect.number;
        let Some(concluded) = effect.concluded() else {
            return Course::Park { effect: number }; // cannot be: what was open is settled when the journal is opened
        };
        let outcome = &concluded.outcome;
        let again = !outcome.heard || self.reopened[at];
        match effect.intent().class {
            Class::Telemetry => self.give(number, drifted),
            // It was kept, since the token that it was had for is spent.
            Class::Credential if !concluded.body.is_empty() => self.give(number, drifted),
            Class::Credential => self.again(at, asked),
            Class::Read if outcome.phase == Phase::Done => {
                let old = now.duration_since(concluded.at) > READ_FRESHNESS;
                if old && !asked.terms.lasting && !self.write_after(concluded.order) {
                    return self.again(at, asked);
                }
                self.give(number, drifted)
            }
            Class::Read
                if again
                    && (self.reopened[at]
                        || outcome.phase.is_outage()
                        || outcome.phase == Phase::Unknown) =>
            {
                self.again(at, asked)
            }
            Class::Write if again && outcome.phase.is_outage() => self.again(at, asked),
            Class::Write
                if self.reopened[at] && matches!(outcome.phase, Phase::Refused | Phase::Rejected) =>
            {
                self.again(at, asked)
            }
            Class::Write if again && outcome.phase == Phase::Unknown => {
                match resolve(effect.first_with_this_key(), &asked.terms, now) {
                    Resolution::Resend => Course::Resend { effect: number },
                    Resolution::AssumeDone => Course::Assume { effect: number },
                    Resolution::None if outcome.trouble == Some(Trouble::Interrupted) => {
                        Course::Park { effect: number }
                    }
                    Resolution::None => self.give(number, drifted),
                }
            }
            Class::Read | Class::Write => self.give(number, drifted),
        }
    }

    /// Driven again: the same bytes keep their key unless they were rejected with it; other bytes never do.
    fn again(&self, at: usize, asked: &Asked) -> Course {
        let effect = &self.effects[at];
        let same = effect.intent().fingerprint.exact == asked.fingerprint.exact
            && effect.phase() != Some(Phase::Rejected);
        Course::Drive {
            effect: Some(effect.number),
            key: if same {
                KeyRule::Keep(effect.intent().key.clone())
            } else {
                KeyRule::New
            },
        }
    }

    /// Whether a write that was concluded later than `order` may have changed what was read then.
    pub(super) fn write_after(&self, order: u32) -> bool {
        let later = |effect: &&Effect| effect.concluded().is_none_or(|concluded| concluded.order > order);
        self.effects.iter().filter(later).any(Effect::may_stand)
    }
}
