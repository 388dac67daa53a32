//! What a decision is to a run's journal. Pure.

use api::Verdict;
use domain::Timestamp;
use domain::effect::{
    Answer, AtRest, Effect, EffectNumber, Head, Outcome, PairVerdict, Paired, Phase, Question, Record, Source,
};
use domain::run::{Decision, End, Event, Status};
use store::RunSummary;

use crate::journal::verdict_of;

/// What a person says.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub verdict: Verdict,
    /// With `happened`: what was answered.
    pub answer: Option<serde_json::Value>,
    /// Of these; `None`: of the one that it can only be about.
    pub effects: Option<Vec<EffectNumber>>,
}

/// What is to be written down.
#[derive(Debug)]
pub(super) enum Planned {
    Say {
        effects: Vec<u32>,
        decided: store::Decided,
    },
    /// It was before.
    Already { effects: Vec<u32> },
}

/// Why nothing is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// An attempt is under way.
    Running,
    /// In a sentence without its end.
    Nothing(String),
    NoSuchEffect(EffectNumber),
    /// It may be about each of these.
    Several(Vec<EffectNumber>),
    Otherwise {
        effect: EffectNumber,
        said: Verdict,
    },
}

/// A run as it stands, to be decided about.
pub(super) struct Plan<'a> {
    run: &'a RunSummary,
    records: Vec<Record>,
    at_rest: AtRest,
}

impl<'a> Plan<'a> {
    pub fn read(run: &'a RunSummary, records: Vec<Record>) -> Self {
        Self {
            run,
            at_rest: AtRest::read(records.clone(), run.state.opening()),
            records,
        }
    }

    pub const fn at_rest(&self) -> &AtRest {
        &self.at_rest
    }

    /// What the run waits for; nothing if it does not wait.
    pub fn questions(&self) -> Vec<Question> {
        match self.run.state.status {
            Status::NeedsDecision => self.at_rest.questions(),
            _ => Vec::new(),
        }
    }

    /// Plans what is said.
    pub fn say(&self, wish: &Wish, now: Timestamp) -> Result<Planned, Why> {
        if self.run.state.status == Status::Running {
            return Err(Why::Running);
        }
        match wish.verdict {
            Verdict::Happened | Verdict::NotSent => self.unknown(wish, now),
            Verdict::Keep => self.pair(wish, PairVerdict::Keep, now),
            Verdict::Send => self.pair(wish, PairVerdict::Send, now),
            Verdict::Abort => self.abort(),
        }
    }

    fn unknown(&self, wish: &Wish, now: Timestamp) -> Result<Planned, Why> {
        let effects = match &wish.effects {
            Some(effects) => effects.clone(),
            None => match &self.candidates()[..] {
                [] => return self.said_before(wish.verdict),
                [one] => vec![*one],
                several => return Err(Why::Several(several.to_vec())),
            },
        };
        let mut open = Vec::new();
        for number in &effects {
            if self.is_open(*number, wish.verdict)? {
                open.push(*number);
            }
        }
        if open.is_empty() {
            return Ok(Planned::Already {
                effects: numbers(&effects),
            });
        }
        let records = open
            .iter()
            .map(|number| self.outcome(*number, wish, now))
            .collect();
        let decision = match wish.verdict {
            Verdict::Happened => Decision::Happened,
            _ => Decision::NotSent,
        };
        Ok(self.planned(numbers(&open), records, decision))
    }

    /// What it can only be about, where nobody says: what the run asks; else every write that is unknown.
    fn candidates(&self) -> Vec<EffectNumber> {
        let asked = self
            .questions()
            .into_iter()
            .filter_map(|question| match question {
                Question::Unknown(number) => Some(number),
                Question::Pair { .. } => None,
            });
        let asked: Vec<_> = asked.collect();
        if asked.is_empty() {
            return self.at_rest.unknown();
        }
        asked
    }

    /// Whether it can be said of this effect; not, if it was said before.
    fn is_open(&self, number: EffectNumber, verdict: Verdict) -> Result<bool, Why> {
        let effect = self.at_rest.effect(number).ok_or(Why::NoSuchEffect(number))?;
        if !effect.intent().class.is_write() {
            let class = effect.intent().class.as_str();
            return Err(Why::Nothing(format!(
                "effect {number} is no write but a {class}, which may be made again"
            )));
        }
        match (effect.phase(), decided(effect)) {
            (_, Some(said)) if said == verdict => Ok(false),
            (_, Some(said)) => Err(Why::Otherwise { effect: number, said }),
            (Some(Phase::Unknown), None) => Ok(true),
            (phase, None) => {
                let known = phase.map_or("under way", Phase::as_str);
                Err(Why::Nothing(format!(
                    "what became of effect {number} is known: {known}"
                )))
            }
        }
    }

    fn said_before(&self, verdict: Verdict) -> Result<Planned, Why> {
        let said = |effect: &&Effect| decided(effect) == Some(verdict);
        let before: Vec<_> = self.at_rest.effects().iter().filter(said).collect();
        if !before.is_empty() {
            return Ok(Planned::Already {
                effects: before.iter().map(|effect| effect.number.0).collect(),
            });
        }
        let other = self
            .at_rest
            .effects()
            .iter()
            .find_map(|effect| Some((effect.number, decided(effect)?)));
        match other {
            Some((effect, said)) => Err(Why::Otherwise { effect, said }),
            None if self.questions().is_empty() => {
                Err(Why::Nothing("what became of every write is known".to_owned()))
            }
            None => Err(Why::Nothing(
                "it asks about a write that fits no record: say --keep or --send".to_owned(),
            )),
        }
    }

    fn outcome(&self, effect: EffectNumber, wish: &Wish, now: Timestamp) -> Record {
        let attempt = self.run.state.attempt;
        let (outcome, body) = match (wish.verdict, &wish.answer) {
            (Verdict::Happened, None) => (
                effects::assumed(effect, attempt, Source::Decision),
                effects::ASSUMED_BODY.to_vec(),
            ),
            (Verdict::Happened, Some(answer)) => {
                let body = answer.to_string().into_bytes();
                let headers = [
                    ("Content-Type", "application/json".to_owned()),
                    ("Content-Length", body.len().to_string()),
                ];
                let answer = Answer {
                    status: 200,
                    reason: "OK".to_owned(),
                    version: "HTTP/1.1".to_owned(),
                    headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
                };
                let outcome = Outcome {
                    message: Some("the answer was given by a person".to_owned()),
                    answer: Some(answer),
                    ..effects::assumed(effect, attempt, Source::Decision)
                };
                (outcome, body)
            }
            _ => {
                let outcome = Outcome {
                    phase: Phase::NotSent,
                    message: Some("a person said that it was not sent".to_owned()),
                    answer: None,
                    heard: false,
                    ..effects::assumed(effect, attempt, Source::Decision)
                };
                (outcome, Vec::new())
            }
        };
        Record {
            at: now,
            head: Head::Outcome(outcome),
            body,
        }
    }

    fn pair(&self, wish: &Wish, verdict: PairVerdict, now: Timestamp) -> Result<Planned, Why> {
        let asked = self.questions().into_iter().find_map(|question| match question {
            Question::Pair {
                fingerprint, beside, ..
            } => Some((fingerprint, beside)),
            Question::Unknown(_) => None,
        });
        let Some((fingerprint, beside)) = asked else {
            return self.paired_before(wish.verdict, verdict);
        };
        let named = wish.effects.as_ref().and_then(|effects| effects.first().copied());
        let effect = match (named, &beside[..]) {
            (Some(named), beside) if beside.contains(&named) => named,
            (Some(named), _) => {
                return Err(Why::Nothing(format!(
                    "effect {named} is none of those that it may be"
                )));
            }
            (None, [one]) => *one,
            (None, []) => return Err(Why::Nothing("nothing is left over".to_owned())),
            (None, [first, ..]) if verdict == PairVerdict::Send => *first,
            (None, several) => return Err(Why::Several(several.to_vec())),
        };
        let paired = Paired {
            effect,
            fingerprint,
            verdict,
        };
        let record = Record {
            at: now,
            head: Head::Paired(paired),
            body: Vec::new(),
        };
        let decision = match verdict {
            PairVerdict::Keep => Decision::Keep,
            PairVerdict::Send => Decision::Send,
        };
        Ok(self.planned(vec![effect.0], vec![record], decision))
    }

    fn paired_before(&self, wanted: Verdict, verdict: PairVerdict) -> Result<Planned, Why> {
        let last = self.records.iter().rev().find_map(|record| match &record.head {
            Head::Paired(pair) => Some(pair),
            _ => None,
        });
        match last {
            Some(pair) if pair.verdict == verdict => Ok(Planned::Already {
                effects: vec![pair.effect.0],
            }),
            Some(pair) => Err(Why::Otherwise {
                effect: pair.effect,
                said: if wanted == Verdict::Keep {
                    Verdict::Send
                } else {
                    Verdict::Keep
                },
            }),
            None if self.questions().is_empty() => Err(Why::Nothing(
                "it asks about no write that fits no record".to_owned(),
            )),
            None => Err(Why::Nothing(
                "it asks whether a write happened: say --happened or --not-sent".to_owned(),
            )),
        }
    }

    fn abort(&self) -> Result<Planned, Why> {
        match (self.run.state.status, self.run.state.end) {
            (Status::NeedsDecision, _) => Ok(self.planned(Vec::new(), Vec::new(), Decision::Abort)),
            (_, Some(End::Cancelled)) => Ok(Planned::Already { effects: Vec::new() }),
            (_, Some(_)) => Err(Why::Nothing("it is over, there is nothing to give up".to_owned())),
            (_, None) => Err(Why::Nothing(
                "it waits for no decision; `aftercall runs cancel` gives it up".to_owned(),
            )),
        }
    }

    fn planned(&self, effects: Vec<u32>, records: Vec<Record>, decision: Decision) -> Planned {
        let mut after = self.records.clone();
        after.extend(records.iter().cloned());
        let after = AtRest::read(after, self.run.state.opening());
        let count = |left: usize| u32::try_from(left).unwrap_or(u32::MAX);
        let event = Event::Decided {
            decision,
            open: count(after.questions().len()),
            unsettled_failures: count(after.unsettled().len()),
        };
        Planned::Say {
            effects,
            decided: store::Decided {
                run: self.run.run,
                epoch: self.run.state.epoch,
                first: count(self.records.len()),
                records,
                event,
            },
        }
    }
}

/// What a person said of it last, if nothing became of it since.
fn decided(effect: &Effect) -> Option<Verdict> {
    let outcome = &effect.concluded()?.outcome;
    (outcome.source == Source::Decision).then(|| verdict_of(outcome))
}

fn numbers(effects: &[EffectNumber]) -> Vec<u32> {
    effects.iter().map(|number| number.0).collect()
}
