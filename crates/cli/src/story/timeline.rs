//! What happened in an attempt, in order, and in which words. However it is shown, this is what is shown.

use std::time::Duration;

use api::{
    AttemptOutcome, AttemptView, EffectView, OutcomeView, ParkedView, RunDetail, SendingView, WaitView,
};
use domain::effect::{Class, Phase, Source};
use domain::{LogEntry, Timestamp};

use crate::screen::time;

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening<'a> {
    /// The code logged something.
    Logged(&'a LogEntry),
    /// Something was sent, or was about to be.
    Sent(&'a EffectView, &'a SendingView),
    /// A policy or a person said what became of something that was sent before.
    Said(&'a EffectView, &'a OutcomeView),
    /// The run went to wait for a host.
    Waits(&'a WaitView),
    /// The run went to wait for a person.
    Parks(&'a ParkedView),
}

impl Happening<'_> {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Logged(entry) => entry.timestamp,
            Self::Sent(_, sending) => sending.at,
            Self::Said(_, outcome) => outcome.at,
            Self::Waits(wait) => wait.at,
            Self::Parks(parked) => parked.at,
        }
    }
}

/// What happened in an attempt, and after it until the next one, in order; of its log so many entries.
pub(super) fn of<'a>(detail: &'a RunDetail, attempt: &'a AttemptView, logs: usize) -> Vec<Happening<'a>> {
    let number = attempt.attempt;
    let mut all: Vec<Happening<'a>> = attempt.logs.iter().take(logs).map(Happening::Logged).collect();
    for effect in &detail.effects {
        for sending in &effect.sendings {
            if sending.attempt == number {
                all.push(Happening::Sent(effect, sending));
            }
            let said = sending.outcomes.iter().filter(|outcome| {
                outcome.attempt == number && (outcome.source != Source::Live || sending.attempt != number)
            });
            all.extend(said.map(|outcome| Happening::Said(effect, outcome)));
        }
    }
    let waits = detail.waits.iter().filter(|wait| wait.attempt == number);
    all.extend(waits.map(Happening::Waits));
    let parked = detail.parked.iter().filter(|parked| parked.attempt == number);
    all.extend(parked.map(Happening::Parks));
    all.sort_by_key(Happening::at);
    all
}

/// Effects that the attempt was given back, and those among them that it asked for in slightly other words.
pub(super) fn given_back(detail: &RunDetail, attempt: &AttemptView) -> (Vec<u32>, Vec<u32>) {
    let number = attempt.attempt;
    let of = |is: fn(&EffectView) -> &[domain::AttemptNumber]| {
        let to_it = detail
            .effects
            .iter()
            .filter(|effect| is(effect).contains(&number));
        to_it.map(|effect| effect.effect).collect()
    };
    (of(|effect| &effect.given_back), of(|effect| &effect.drifted))
}

/// Which way something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Neutral,
    Warn,
    Bad,
}

/// Whether something left.
pub(super) fn verb(sending: &SendingView) -> &'static str {
    let last = sending
        .outcomes
        .iter()
        .find(|outcome| outcome.source == Source::Live);
    match last.map(|outcome| outcome.phase) {
        Some(Phase::NotSent | Phase::Refused) => "tried",
        _ => "sent",
    }
}

/// What became of a sending, in words; `attempt` is the one that it was for.
pub(super) fn result(effect: &EffectView, sending: &SendingView, attempt: &AttemptView) -> (Tone, String) {
    match sending
        .outcomes
        .iter()
        .find(|outcome| outcome.source == Source::Live)
    {
        Some(outcome) => outcome_words(effect, outcome),
        // A policy said at once what it is taken for.
        None if sending.outcomes.iter().any(|one| one.attempt == sending.attempt) => {
            (Tone::Warn, unknown(effect, "no answer"))
        }
        None if attempt.outcome == AttemptOutcome::Running => (Tone::Neutral, "under way".to_owned()),
        None => (Tone::Bad, unknown(effect, "cut off")),
    }
}

/// What an outcome proves, in words.
pub(super) fn outcome_words(effect: &EffectView, outcome: &OutcomeView) -> (Tone, String) {
    let answered = outcome.status.map(|status| {
        let answered = format!("{status} {}", outcome.reason);
        answered.trim_end().to_owned()
    });
    let message = outcome.message.clone();
    let said = answered
        .clone()
        .or(message)
        .or(outcome.trouble.map(|trouble| trouble.to_string()))
        .unwrap_or_else(|| outcome.phase.to_string());
    let (tone, words) = match outcome.phase {
        Phase::Done => (Tone::Good, said),
        Phase::Rejected if outcome.expected => (Tone::Good, format!("{said}, as expected")),
        Phase::Rejected => (Tone::Bad, said),
        Phase::NotSent => (Tone::Warn, format!("not sent: {said}")),
        Phase::TurnedAway => (Tone::Warn, format!("turned away: {said}")),
        Phase::Refused => (Tone::Bad, format!("refused: {said}")),
        Phase::Unknown => (Tone::Bad, unknown(effect, &said)),
    };
    let took = Duration::from_millis(outcome.latency_ms);
    let mut how = Vec::new();
    if answered.is_some() && outcome.tries > 0 {
        how.push(format!("after {}", time::span(took)));
    }
    if outcome.tries > 1 {
        how.push(format!("{} tries", outcome.tries));
    }
    if how.is_empty() {
        return (tone, words);
    }
    (tone, format!("{words} ({})", how.join(", ")))
}

fn unknown(effect: &EffectView, said: &str) -> String {
    match effect.class {
        Class::Write if effect.undecided => format!("{said}: nobody knows whether it happened"),
        Class::Write => format!("{said}: nobody knew whether it had happened"),
        _ => said.to_owned(),
    }
}

/// What a policy or a person said, in words.
pub(super) fn said_words(outcome: &OutcomeView) -> String {
    match (outcome.source, outcome.phase) {
        (Source::Decision, Phase::Done) => "somebody said that it happened".to_owned(),
        (Source::Decision, _) => {
            "somebody said that it was not sent: it is sent when it is asked for again".to_owned()
        }
        (Source::Policy, _) => "taken for done, as the policy of its host says".to_owned(),
        (Source::Live, phase) => format!("it was told later: {phase}"),
    }
}

/// Where it was asked for, and how it was sent.
pub(super) fn facts(effect: &EffectView, sending: &SendingView) -> Vec<String> {
    let mut facts: Vec<String> = effect.site.iter().cloned().collect();
    facts.push(effect.class.as_str().to_owned());
    if let Some(lane) = &effect.lane {
        facts.push(format!("lane {lane}"));
    }
    if sending.has_key {
        facts.push("idempotency key".to_owned());
    }
    if sending.resend {
        facts.push("the recorded bytes once more, to learn what became of them".to_owned());
    }
    facts
}

/// `#1, #2 and #7`.
pub(super) fn numbers(effects: &[u32]) -> String {
    let all: Vec<_> = effects.iter().map(|number| format!("#{number}")).collect();
    match &all[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
