//! A run's effects while no attempt is under way: what is left of them, and what a person may be asked.

use std::collections::HashSet;

use super::journal::{Journal, Opening, index};
use super::record::{EffectNumber, Head, PairVerdict, Parked, Record, Source};
use super::{Effect, Phase, Waited};

/// A run's effects, read for whoever looks at them from outside or decides about one.
#[derive(Debug)]
pub struct AtRest {
    journal: Journal,
    /// Why the last attempt parked, if it did.
    parked: Option<Parked>,
    paired: Vec<(EffectNumber, [u8; 32], PairVerdict)>,
}

/// What a run that needs a decision asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Whether a write happened.
    Unknown(EffectNumber),
    /// Whether a write that fits nothing is one of these records, asked for in other words.
    Pair {
        /// Where to, for people.
        endpoint: super::Endpoint,
        /// The write.
        fingerprint: super::Fingerprint,
        /// The records.
        beside: Vec<EffectNumber>,
    },
}

impl AtRest {
    /// Reads what was written down, as the last attempt left it: what that one asked for, or was given back, is taken for asked.
    #[must_use]
    pub fn read(records: Vec<Record>, opening: Opening) -> Self {
        let mut asked = HashSet::new();
        let (mut parked, mut paired) = (None, Vec::new());
        for record in &records {
            match &record.head {
                Head::Intent(intent) if intent.attempt == opening.attempt => {
                    asked.insert(intent.effect);
                }
                Head::Outcome(outcome)
                    if outcome.attempt == opening.attempt && outcome.source != Source::Decision =>
                {
                    asked.insert(outcome.effect);
                }
                Head::Replayed(replayed) if replayed.attempt == opening.attempt => {
                    asked.extend(replayed.given.iter().copied());
                }
                Head::Parked(why) if why.attempt() == opening.attempt => parked = Some(why.clone()),
                Head::Paired(pair) => paired.push((pair.effect, pair.fingerprint.exact, pair.verdict)),
                _ => {}
            }
        }
        let mut journal = Journal::open(records, opening);
        for at in asked.into_iter().filter_map(index) {
            if let Some(unconsumed) = journal.unconsumed.get_mut(at) {
                *unconsumed = false;
            }
        }
        Self {
            journal,
            parked,
            paired,
        }
    }

    /// Every effect, in the order in which they were first asked for.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        self.journal.effects()
    }

    /// One effect.
    #[must_use]
    pub fn effect(&self, number: EffectNumber) -> Option<&Effect> {
        self.journal.effect(number)
    }

    /// How often and how long the run has waited for hosts.
    #[must_use]
    pub fn waits(&self) -> &[Waited] {
        self.journal.waits()
    }

    /// Failures that the last attempt was told of, and that nothing made good.
    #[must_use]
    pub fn unsettled(&self) -> Vec<EffectNumber> {
        self.journal.unsettled_failures()
    }

    /// Writes of which nobody knows whether they happened, and that nothing later made good.
    #[must_use]
    pub fn unknown(&self) -> Vec<EffectNumber> {
        let effects = self.effects().iter().enumerate();
        let unknown = effects.filter(|(at, effect)| {
            effect.intent().class.is_write()
                && effect.phase() == Some(Phase::Unknown)
                && !self.journal.is_settled(*at, |_| true)
        });
        unknown.map(|(_, effect)| effect.number).collect()
    }

    /// What was said of a write that fits nothing, and of which record.
    #[must_use]
    pub fn verdict(&self, fingerprint: &super::Fingerprint) -> Option<(EffectNumber, PairVerdict)> {
        let last = self
            .paired
            .iter()
            .rev()
            .find(|(_, exact, _)| *exact == fingerprint.exact);
        last.map(|(effect, _, verdict)| (*effect, *verdict))
    }

    /// Why the last attempt parked, if it did.
    #[must_use]
    pub const fn parked(&self) -> Option<&Parked> {
        self.parked.as_ref()
    }

    /// What the run waits to be told, if it needs a decision: what the last attempt parked for; else the writes of unknown fate that no
    /// code ever heard of. Nothing once all of it was said.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        match &self.parked {
            Some(Parked::Unknown { effect, .. }) => {
                let open = self.effect(*effect).and_then(Effect::phase) == Some(Phase::Unknown);
                open.then_some(Question::Unknown(*effect)).into_iter().collect()
            }
            Some(Parked::Mismatch {
                endpoint,
                fingerprint,
                beside,
                ..
            }) => {
                let pair = Question::Pair {
                    endpoint: endpoint.clone(),
                    fingerprint: *fingerprint,
                    beside: beside.clone(),
                };
                let open = self.verdict(fingerprint).is_none();
                open.then_some(pair).into_iter().collect()
            }
            None => self
                .journal
                .unheard_unknown()
                .into_iter()
                .map(Question::Unknown)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Class, Endpoint, Fingerprint, Intent, Lane, Outcome, Paired, Replayed, Source, Trouble,
    };
    use super::*;
    use crate::Timestamp;
    use crate::ids::AttemptNumber;

    fn print(n: u8) -> Fingerprint {
        Fingerprint {
            exact: [n; 32],
            shape: [n; 32],
        }
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            method: "POST".into(),
            origin: "https://crm.example.com".into(),
            path: "/notes".into(),
        }
    }

    fn record(head: Head) -> Record {
        Record {
            at: Timestamp::UNIX_EPOCH,
            head,
            body: Vec::new(),
        }
    }

    fn intent(attempt: u32, effect: u32) -> Record {
        record(Head::Intent(Intent {
            effect: EffectNumber(effect),
            attempt: AttemptNumber(attempt),
            lane: Lane::main(),
            class: Class::Write,
            endpoint: endpoint(),
            fingerprint: print(u8::try_from(effect).unwrap()),
            site: String::new(),
            url: "https://crm.example.com/notes".into(),
            headers: Vec::new(),
            key: None,
            resend: false,
            timed: false,
        }))
    }

    fn outcome(attempt: u32, effect: u32, phase: Phase, heard: bool) -> Outcome {
        Outcome {
            effect: EffectNumber(effect),
            attempt: AttemptNumber(attempt),
            phase,
            trouble: (phase == Phase::Unknown).then_some(Trouble::Reset),
            message: None,
            answer: None,
            tries: 1,
            latency_us: 0,
            streamed: false,
            expected: false,
            heard,
            source: Source::Live,
        }
    }

    fn at(attempt: u32) -> Opening {
        Opening {
            attempt: AttemptNumber(attempt),
            retry_since: AttemptNumber(0),
            fresh_since: AttemptNumber(0),
            deployed_since: AttemptNumber(0),
        }
    }

    fn numbers(effects: &[EffectNumber]) -> Vec<u32> {
        effects.iter().map(|effect| effect.0).collect()
    }

    /// Of attempt 1, then of attempt 2: what it was told of counts, what it never asked for does not.
    #[test]
    fn a_swallowed_failure_is_one_that_the_last_attempt_was_told_of() {
        let mut records = vec![
            intent(1, 1),
            record(Head::Outcome(outcome(1, 1, Phase::Rejected, true))),
            intent(1, 2),
            record(Head::Outcome(outcome(1, 2, Phase::Unknown, true))),
        ];
        let first = AtRest::read(records.clone(), at(1));
        assert_eq!(numbers(&first.unsettled()), [1, 2]);
        assert_eq!(numbers(&first.unknown()), [2]);
        assert_eq!(first.questions(), [], "code has heard of it: nobody is asked");
        let second = AtRest::read(records.clone(), at(2));
        assert_eq!(numbers(&second.unsettled()), [0; 0]);
        records.push(record(Head::Replayed(Replayed {
            attempt: AttemptNumber(2),
            given: vec![EffectNumber(2)],
            ..Replayed::default()
        })));
        assert_eq!(numbers(&AtRest::read(records.clone(), at(2)).unsettled()), [2]);
        let decided = Outcome {
            source: Source::Decision,
            ..outcome(2, 2, Phase::Done, true)
        };
        records.push(record(Head::Outcome(decided)));
        let decided = AtRest::read(records, at(2));
        assert_eq!(
            (numbers(&decided.unsettled()), numbers(&decided.unknown())),
            (vec![], vec![])
        );
    }

    #[test]
    fn what_a_run_asks_is_asked_until_it_is_said() {
        let open = vec![intent(1, 1)];
        assert_eq!(
            AtRest::read(open.clone(), at(2)).questions(),
            [Question::Unknown(EffectNumber(1))],
            "cut off, and no code asked for it since"
        );
        let mut records = open;
        records.push(record(Head::Parked(Parked::Unknown {
            attempt: AttemptNumber(2),
            effect: EffectNumber(1),
        })));
        assert_eq!(
            AtRest::read(records.clone(), at(2)).questions(),
            [Question::Unknown(EffectNumber(1))]
        );
        records.push(record(Head::Outcome(Outcome {
            source: Source::Decision,
            ..outcome(2, 1, Phase::NotSent, false)
        })));
        assert_eq!(AtRest::read(records.clone(), at(2)).questions(), []);
        records.push(record(Head::Parked(Parked::Mismatch {
            attempt: AttemptNumber(3),
            lane: Lane::main(),
            endpoint: endpoint(),
            fingerprint: print(9),
            url: String::new(),
            site: String::new(),
            beside: vec![EffectNumber(1)],
        })));
        let pair = Question::Pair {
            endpoint: endpoint(),
            fingerprint: print(9),
            beside: vec![EffectNumber(1)],
        };
        assert_eq!(AtRest::read(records.clone(), at(3)).questions(), [pair]);
        records.push(record(Head::Paired(Paired {
            effect: EffectNumber(1),
            fingerprint: print(9),
            verdict: PairVerdict::Keep,
        })));
        let said = AtRest::read(records, at(3));
        assert_eq!(said.questions(), []);
        assert_eq!(
            said.verdict(&print(9)),
            Some((EffectNumber(1), PairVerdict::Keep))
        );
    }
}
