//! A run's effects as an attempt finds them, and what becomes of each request that it makes.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::course::Course;
use super::one::{Concluded, Effect, Try};
use super::patience::Waited;
use super::record::{
    EffectNumber, Head, Lane, Outcome, PairVerdict, Paired, Parked, Record, Replayed, Source,
};
use super::{Endpoint, Fingerprint, Phase, Terms, Trouble};
use crate::Timestamp;
use crate::ids::AttemptNumber;

/// A recorded read that is older is made live: no stale read decides a new write.
pub const READ_FRESHNESS: SignedDuration = SignedDuration::from_secs(60);

/// How an attempt begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Which attempt.
    pub attempt: AttemptNumber,
    /// From this attempt on, failures that were heard before are driven again: what went before failed, or a person asked.
    pub retry_since: AttemptNumber,
    /// Records of attempts before this one are out of matching: the run is done again on purpose.
    pub fresh_since: AttemptNumber,
    /// From this attempt on the run is on the deployment on which it now is.
    pub deployed_since: AttemptNumber,
}

/// A request that a child makes.
#[derive(Debug, Clone)]
pub struct Asked {
    /// By which path.
    pub lane: Lane,
    /// What kind of request.
    pub endpoint: Endpoint,
    /// Which request.
    pub fingerprint: Fingerprint,
    /// What holds for it.
    pub terms: Terms,
}

/// A run's effects, as the attempt that is under way finds and changes them.
#[derive(Debug)]
pub struct Journal {
    pub(super) opening: Opening,
    pub(super) effects: Vec<Effect>,
    /// Of each effect that was there when the attempt began: whether it is still to be asked for.
    pub(super) unconsumed: Vec<bool>,
    /// Of each of them: it failed, and is to be driven again.
    pub(super) reopened: Vec<bool>,
    /// Which recorded lane each lane of this attempt is.
    pub(super) bound: HashMap<Lane, Lane>,
    pub(super) pairs: Vec<Paired>,
    waits: Vec<Waited>,
    concluded: u32,
    pub(super) given: Vec<EffectNumber>,
    pub(super) drifted: Vec<EffectNumber>,
}

impl Journal {
    /// Reads what was written down. An intent without an outcome is a write of which nobody knows: no attempt begins while one of
    /// this life of the supervisor is open.
    #[must_use]
    pub fn open(records: Vec<Record>, opening: Opening) -> Self {
        let mut journal = Self {
            opening,
            effects: Vec::new(),
            unconsumed: Vec::new(),
            reopened: Vec::new(),
            bound: HashMap::new(),
            pairs: Vec::new(),
            waits: Vec::new(),
            concluded: 0,
            given: Vec::new(),
            drifted: Vec::new(),
        };
        for record in records {
            journal.read(record);
        }
        journal.settle_open_intents();
        let fresh = |effect: &Effect| effect.intent().attempt >= opening.fresh_since;
        journal.unconsumed = journal.effects.iter().map(fresh).collect();
        journal.reopened = (0..journal.effects.len())
            .map(|at| journal.is_reopened(at))
            .collect();
        for pair in &journal.pairs {
            if let Some(at) = index(pair.effect).filter(|at| *at < journal.unconsumed.len()) {
                journal.unconsumed[at] = false;
            }
        }
        journal
    }

    fn read(&mut self, record: Record) {
        match record.head {
            Head::Intent(intent) => {
                let number = intent.effect;
                let one = Try {
                    at: record.at,
                    intent: Arc::new(intent),
                    body: Arc::new(record.body),
                    chunks: Vec::new(),
                    outcome: None,
                };
                match index(number).and_then(|at| self.effects.get_mut(at)) {
                    Some(effect) => effect.tries.push(one),
                    None => self.effects.push(Effect {
                        number,
                        tries: vec![one],
                    }),
                }
            }
            Head::Chunk(of) => {
                let effect = index(of.effect).and_then(|at| self.effects.get_mut(at));
                if let Some(last) = effect.and_then(|effect| effect.tries.last_mut()) {
                    last.chunks.push(Arc::new(record.body));
                }
            }
            Head::Outcome(outcome) => self.conclude(record.at, outcome, record.body),
            Head::Paired(pair) => self.pairs.push(pair),
            Head::Wait(wait) => self.waits.push((record.at, wait)),
            Head::Parked(_) | Head::Replayed(_) => {}
        }
    }

    fn settle_open_intents(&mut self) {
        let open: Vec<_> = self
            .effects
            .iter()
            .filter(|effect| effect.concluded().is_none())
            .collect();
        let outcomes: Vec<_> = open
            .into_iter()
            .map(|effect| {
                let outcome = Outcome {
                    effect: effect.number,
                    attempt: effect.intent().attempt,
                    phase: Phase::Unknown,
                    trouble: Some(Trouble::Interrupted),
                    message: None,
                    answer: None,
                    tries: 1,
                    latency_us: 0,
                    streamed: false,
                    expected: false,
                    heard: false,
                    source: Source::Live,
                };
                (effect.last().at, outcome)
            })
            .collect();
        for (at, outcome) in outcomes {
            self.conclude(at, outcome, Vec::new());
        }
    }

    /// Takes a record that was just made: of an intent that became durable, or of what became of one.
    pub fn record(&mut self, record: Record) {
        self.read(record);
    }

    fn conclude(&mut self, at: Timestamp, outcome: Outcome, body: Vec<u8>) {
        let order = self.concluded;
        let Some(effect) = index(outcome.effect).and_then(|at| self.effects.get_mut(at)) else {
            return; // an outcome of nothing: what wrote it is not of this version
        };
        self.concluded += 1;
        let concluded = Concluded {
            at,
            order,
            outcome: Arc::new(outcome),
            body: Arc::new(body),
        };
        if let Some(last) = effect.tries.last_mut() {
            last.outcome = Some(concluded);
        }
    }

    /// Every effect, in the order in which they were first asked for.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// How often and how long the run has waited for hosts.
    #[must_use]
    pub fn waits(&self) -> &[Waited] {
        &self.waits
    }

    /// One effect.
    #[must_use]
    pub fn effect(&self, number: EffectNumber) -> Option<&Effect> {
        self.effects.get(index(number)?)
    }

    /// The number of the next new effect.
    #[must_use]
    pub fn next_number(&self) -> EffectNumber {
        EffectNumber(u32::try_from(self.effects.len()).unwrap_or(u32::MAX - 1) + 1)
    }

    /// Decides what becomes of a request, and takes the record that it matches out of matching. A held one is asked again.
    pub fn ask(&mut self, asked: &Asked, now: Timestamp) -> Course {
        if let Some((at, drifted)) = self.find(asked) {
            self.unconsumed[at] = false;
            return self.course(at, drifted, asked, now);
        }
        // After the records: what was sent because of a decision is one of them.
        if let Some(pair) = self.take_pair(asked) {
            return match pair.verdict {
                PairVerdict::Keep => self.give(pair.effect, true),
                PairVerdict::Send => self.new_effect(asked),
            };
        }
        let beside = if asked.terms.class.is_write() {
            self.left_of(&asked.endpoint)
        } else {
            Vec::new()
        };
        if beside.is_empty() {
            return self.new_effect(asked);
        }
        Course::Hold { beside }
    }

    /// The place, from `from` on, of the first outcome that an earlier attempt heard and this one has not asked for yet: places count
    /// outcomes in the order in which they came.
    #[must_use]
    pub fn first_left_to_give(&self, from: u32) -> Option<u32> {
        let left = self.effects.iter().zip(&self.unconsumed).zip(&self.reopened);
        let to_give = left.filter(|((_, unconsumed), reopened)| **unconsumed && !**reopened);
        let heard = to_give.filter_map(|((effect, _), _)| effect.concluded().filter(|c| c.outcome.heard));
        heard
            .map(|concluded| concluded.order)
            .filter(|order| *order >= from)
            .min()
    }

    /// Whether something that an earlier attempt asked for has not been asked for yet.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.unconsumed.contains(&true)
    }

    /// What is said of a request that is held when every other lane is stuck.
    #[must_use]
    pub fn mismatch(&self, asked: &Asked, url: String, site: String, beside: Vec<EffectNumber>) -> Parked {
        Parked::Mismatch {
            attempt: self.opening.attempt,
            lane: asked.lane.clone(),
            endpoint: asked.endpoint.clone(),
            fingerprint: asked.fingerprint,
            url,
            site,
            beside,
        }
    }

    /// What the attempt was given back and what it left.
    #[must_use]
    pub fn replayed(&self) -> Replayed {
        let left = self
            .effects
            .iter()
            .zip(&self.unconsumed)
            .filter(|(_, unconsumed)| **unconsumed);
        let done = left
            .filter(|(effect, _)| effect.intent().class.is_write() && effect.phase() == Some(Phase::Done));
        Replayed {
            attempt: self.opening.attempt,
            given: self.given.clone(),
            drifted: self.drifted.clone(),
            left_over: done.map(|(effect, _)| effect.number).collect(),
        }
    }

    pub(super) fn is_foreign(&self, effect: &Effect) -> bool {
        effect.intent().attempt < self.opening.deployed_since
    }
}

/// Where an effect stands in the list.
pub(super) fn index(number: EffectNumber) -> Option<usize> {
    usize::try_from(number.0).ok()?.checked_sub(1)
}
