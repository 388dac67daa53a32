//! What a run's effects came to, in a few sentences: why it was late, what was sent, and that it was sent once.

use std::time::Duration;

use api::{EffectView, RunDetail};
use domain::effect::{Phase, Source};

use super::timeline::numbers;
use crate::screen::time;

/// The sentences, most wanted first; none if it asked for nothing.
pub(super) fn sentences(detail: &RunDetail) -> Vec<String> {
    let mut all = Vec::new();
    let (run, summary) = (&detail.run, &detail.summary);
    if detail.effects.is_empty() {
        return all;
    }
    for waited in &summary.waited {
        let times = match waited.times {
            1 => String::new(),
            times => format!(" in {times} waits"),
        };
        let is_over = run.waiting_for.as_deref() != Some(waited.origin.as_str());
        let verb = if is_over { "It waited" } else { "It has waited" };
        all.push(format!(
            "{verb} {}{times} for {}: {}.",
            span(waited.seconds),
            waited.origin,
            waited.message.trim_end_matches('.')
        ));
    }
    if !summary.waited.is_empty() && run.status.is_over() {
        let late = time::between(run.accepted_at, run.changed_at);
        all.push(format!(
            "It ended {} after it was accepted.",
            span(late.as_secs())
        ));
    }
    all.push(writes(detail));
    let assumed = taken_for_done(detail);
    if !assumed.is_empty() {
        all.push(format!(
            "{} taken for done: nobody saw an answer, a person or a policy said so.",
            if assumed.len() == 1 {
                format!("{} is", numbers(&assumed))
            } else {
                format!("{} are", numbers(&assumed))
            }
        ));
    }
    if summary.given_back > 0 {
        all.push(format!(
            "{} given back to later attempts as {} recorded, not sent again.",
            counted(summary.given_back, "effect was", "effects were"),
            if summary.given_back == 1 {
                "it was"
            } else {
                "they were"
            }
        ));
    }
    if !summary.left_over.is_empty() {
        all.push(format!(
            "{} sent by an earlier attempt, not asked for by the last.",
            was(&summary.left_over)
        ));
    }
    if !summary.unsettled.is_empty() {
        all.push(format!(
            "{} failed, and nothing made {} good.",
            numbers(&summary.unsettled),
            it(&summary.unsettled)
        ));
    }
    if !summary.undecided.is_empty() {
        all.push(format!(
            "Nobody knows whether {} happened.",
            numbers(&summary.undecided)
        ));
    }
    all
}

fn writes(detail: &RunDetail) -> String {
    let summary = &detail.summary;
    let done = summary.writes_done;
    if done == 0 {
        return "No write is done.".to_owned();
    }
    let is_done = counted(done, "write is", "writes are");
    if summary.sent_again.is_empty() {
        let once = if done == 1 { "sent once" } else { "each sent once" };
        return format!("{is_done} done, {once}.");
    }
    let with_key = |number: &u32| {
        let effect = detail.effects.iter().find(|effect| effect.effect == *number);
        effect.is_some_and(|effect| {
            effect
                .sendings
                .iter()
                .all(|one| one.has_key && (one.resend || one.at == effect.sendings[0].at))
        })
    };
    let (keyed, bare): (Vec<u32>, Vec<u32>) = summary.sent_again.iter().partition(|number| with_key(number));
    let mut text = format!("{is_done} done; all were sent once but ");
    if !keyed.is_empty() {
        text.push_str(&format!(
            "{}, sent again with {} idempotency key, which a host that honours it does once",
            numbers(&keyed),
            if keyed.len() == 1 { "its" } else { "their" }
        ));
    }
    if !bare.is_empty() {
        let and = if keyed.is_empty() { "" } else { "; and " };
        text.push_str(&format!(
            "{and}{}, which may have arrived more than once",
            numbers(&bare)
        ));
    }
    text + "."
}

/// Writes that are done because somebody, or something, said so.
fn taken_for_done(detail: &RunDetail) -> Vec<u32> {
    let said = |effect: &&EffectView| {
        let last = effect.sendings.last().and_then(|sending| sending.outcomes.last());
        last.is_some_and(|outcome| outcome.phase == Phase::Done && outcome.source != Source::Live)
    };
    detail
        .effects
        .iter()
        .filter(said)
        .map(|effect| effect.effect)
        .collect()
}

fn was(effects: &[u32]) -> String {
    let verb = if effects.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", numbers(effects))
}

fn it(effects: &[u32]) -> &'static str {
    if effects.len() == 1 { "it" } else { "them" }
}

fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `10 min 3 s`; `3 h 20 min`.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => time::span(Duration::from_secs(seconds)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
