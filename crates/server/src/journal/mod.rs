//! A run's journal as a document: what it asked for, what was sent, what came of it. Pure.

mod bodies;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use api::{
    AttemptOutcome, AttemptView, BodyView, EffectView, EffectsSummary, NewWriteView, OutcomeView, ParkedView,
    ParkedWhy, SendingView, Verdict, WaitView,
};
use domain::effect::{
    AtRest, Catalogue, Class, EffectNumber, Head, Intent, Lane, Outcome, PairVerdict, Parked, Phase, Record,
    Source,
};
use domain::run::Status;
use domain::{AttemptNumber, Timestamp};
use store::RunSummary;

use bodies::Bodies;

/// What a story is read from.
pub(crate) struct Reading<'a> {
    /// The run.
    pub run: &'a RunSummary,
    /// Its attempts, first to last.
    pub attempts: &'a [AttemptView],
    /// What is known of hosts.
    pub catalogue: &'a Catalogue,
    /// Whoever asks may read what conversations hold.
    pub shows_bodies: bool,
    /// The time.
    pub now: Timestamp,
}

/// What is read.
pub(crate) struct Told {
    pub effects: Vec<EffectView>,
    pub waits: Vec<WaitView>,
    pub parked: Vec<ParkedView>,
    pub summary: EffectsSummary,
    /// For what else is to be said of them.
    pub at_rest: AtRest,
}

impl Reading<'_> {
    /// Reads a journal.
    pub fn tell(&self, records: Vec<Record>) -> Told {
        let mut views = self.views(&records);
        let waits = waits(&records);
        let at_rest = AtRest::read(records.clone(), self.run.state.opening());
        let parked = self.parked(&records, &at_rest);
        self.mark(&mut views, &records, &at_rest);
        let summary = self.summary(&views, &waits, &at_rest);
        Told {
            effects: views,
            waits,
            parked,
            summary,
            at_rest,
        }
    }

    fn views(&self, records: &[Record]) -> Vec<EffectView> {
        let lanes: BTreeSet<&Lane> = records.iter().filter_map(intent).map(|one| &one.lane).collect();
        let mut views: BTreeMap<EffectNumber, EffectView> = BTreeMap::new();
        let bodies = Bodies {
            shown: self.shows_bodies,
            catalogue: self.catalogue,
        };
        let mut streamed: BTreeMap<EffectNumber, Vec<u8>> = BTreeMap::new();
        for record in records {
            match &record.head {
                Head::Intent(intent) => {
                    streamed.remove(&intent.effect);
                    let view = views
                        .entry(intent.effect)
                        .or_insert_with(|| self.view(intent, lanes.len() > 1));
                    view.url = self.catalogue.masked(&intent.url);
                    view.phase = None;
                    view.sendings.push(SendingView {
                        attempt: intent.attempt,
                        at: record.at,
                        has_key: intent.key.is_some(),
                        resend: intent.resend,
                        request: bodies.view(&record.body),
                        outcomes: Vec::new(),
                    });
                }
                Head::Chunk(of) => streamed.entry(of.effect).or_default().extend(&record.body),
                Head::Outcome(outcome) => {
                    let Some(view) = views.get_mut(&outcome.effect) else {
                        continue; // of nothing that this version knows
                    };
                    view.phase = Some(outcome.phase);
                    let pieces = streamed.get(&outcome.effect).filter(|_| outcome.streamed);
                    let body = bodies.view(pieces.unwrap_or(&record.body));
                    let told = outcome_view(outcome, record.at, view.class, body);
                    if let Some(sending) = view.sendings.last_mut() {
                        sending.outcomes.push(told);
                    }
                }
                Head::Replayed(replayed) => {
                    for (numbers, drifted) in [(&replayed.given, false), (&replayed.drifted, true)] {
                        for number in numbers {
                            if let Some(view) = views.get_mut(number) {
                                let list = if drifted {
                                    &mut view.drifted
                                } else {
                                    &mut view.given_back
                                };
                                list.push(replayed.attempt);
                            }
                        }
                    }
                }
                Head::Wait(_) | Head::Parked(_) | Head::Paired(_) => {}
            }
        }
        views.into_values().collect()
    }

    fn view(&self, intent: &Intent, tells_lane: bool) -> EffectView {
        EffectView {
            effect: intent.effect.0,
            class: intent.class,
            lane: tells_lane.then(|| intent.lane.to_string()),
            method: intent.endpoint.method.clone(),
            url: self.catalogue.masked(&intent.url),
            endpoint: intent.endpoint.to_string(),
            site: (!intent.site.is_empty()).then(|| intent.site.clone()),
            phase: None,
            sendings: Vec::new(),
            given_back: Vec::new(),
            drifted: Vec::new(),
            left_over: false,
            unsettled: false,
            undecided: false,
        }
    }

    /// What only the whole journal tells of each.
    fn mark(&self, views: &mut [EffectView], records: &[Record], at_rest: &AtRest) {
        let state = &self.run.state;
        let (unsettled, undecided) = match state.status {
            Status::Running => (Vec::new(), Vec::new()),
            Status::Ended => (at_rest.unsettled(), at_rest.unknown()),
            _ => (Vec::new(), at_rest.unknown()),
        };
        let left_over = self.left_over(records);
        for view in views {
            let number = EffectNumber(view.effect);
            // Cut off, and nothing has said since what became of it.
            if view.phase.is_none() && state.status != Status::Running {
                view.phase = Some(Phase::Unknown);
            }
            view.unsettled = unsettled.contains(&number);
            view.undecided = undecided.contains(&number);
            view.left_over = left_over.contains(&number);
        }
    }

    /// Only an attempt that returned has left something for good.
    fn left_over(&self, records: &[Record]) -> Vec<EffectNumber> {
        let last = self.attempts.last();
        let Some(last) = last.filter(|last| last.outcome == AttemptOutcome::Returned) else {
            return Vec::new();
        };
        let replayed = records.iter().rev().find_map(|record| match &record.head {
            Head::Replayed(replayed) => Some(replayed),
            _ => None,
        });
        replayed
            .filter(|replayed| replayed.attempt == last.attempt)
            .map(|replayed| replayed.left_over.clone())
            .unwrap_or_default()
    }

    fn parked(&self, records: &[Record], at_rest: &AtRest) -> Vec<ParkedView> {
        let bodies = Bodies {
            shown: self.shows_bodies,
            catalogue: self.catalogue,
        };
        let mut all = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let Head::Parked(parked) = &record.head else {
                continue;
            };
            let (why, effects, new, said) = match parked {
                Parked::Unknown { effect, .. } => {
                    let said = said_of(*effect, &records[index..]);
                    (ParkedWhy::Unknown, vec![effect.0], None, said)
                }
                Parked::Mismatch {
                    endpoint,
                    fingerprint,
                    url,
                    site,
                    beside,
                    ..
                } => {
                    let new = NewWriteView {
                        method: endpoint.method.clone(),
                        url: self.catalogue.masked(url),
                        endpoint: endpoint.to_string(),
                        site: site.clone(),
                        request: bodies.view(&record.body),
                    };
                    let said = at_rest.verdict(fingerprint).map(|(_, verdict)| match verdict {
                        PairVerdict::Keep => Verdict::Keep,
                        PairVerdict::Send => Verdict::Send,
                    });
                    let effects = beside.iter().map(|number| number.0).collect();
                    (ParkedWhy::Mismatch, effects, Some(new), said)
                }
            };
            all.push(ParkedView {
                attempt: parked.attempt(),
                at: record.at,
                why,
                effects,
                new,
                said,
            });
        }
        all
    }
}

fn intent(record: &Record) -> Option<&Intent> {
    match &record.head {
        Head::Intent(intent) => Some(intent),
        _ => None,
    }
}

/// What a person said of a write since.
fn said_of(effect: EffectNumber, records: &[Record]) -> Option<Verdict> {
    records.iter().find_map(|record| match &record.head {
        Head::Outcome(outcome) if outcome.effect == effect && outcome.source == Source::Decision => {
            Some(verdict_of(outcome))
        }
        _ => None,
    })
}

/// What a person said, by what was written down of it.
pub(crate) fn verdict_of(outcome: &Outcome) -> Verdict {
    if outcome.phase == Phase::Done {
        Verdict::Happened
    } else {
        Verdict::NotSent
    }
}

fn outcome_view(outcome: &Outcome, at: Timestamp, class: Class, body: BodyView) -> OutcomeView {
    let answer = outcome.answer.as_ref();
    // The answer to a request for a token is not written down.
    let kept = answer.is_some() && class != Class::Credential;
    OutcomeView {
        attempt: outcome.attempt,
        at,
        phase: outcome.phase,
        source: outcome.source,
        trouble: outcome.trouble,
        message: outcome.message.clone(),
        status: answer.map(|answer| answer.status),
        reason: answer.map(|answer| answer.reason.clone()).unwrap_or_default(),
        body: kept.then_some(body),
        tries: outcome.tries,
        latency_ms: outcome.latency_us / 1_000,
        expected: outcome.expected,
        heard: outcome.heard,
    }
}

fn waits(records: &[Record]) -> Vec<WaitView> {
    let view = |record: &Record| match &record.head {
        Head::Wait(wait) => Some(WaitView {
            attempt: wait.attempt,
            at: record.at,
            effect: wait.effect.0,
            origin: wait.origin.clone(),
            until: wait.until,
            message: wait.message.clone(),
            paused: wait.paused,
        }),
        _ => None,
    };
    records.iter().filter_map(view).collect()
}

/// When the attempt after this one began.
fn began_after(attempts: &[AttemptView], attempt: AttemptNumber) -> Option<Timestamp> {
    let later = attempts.iter().find(|later| later.attempt > attempt);
    later.map(|later| later.claimed_at)
}
