//! The same, for whoever looks at one run and its effects: how long it still waits, and what is to be said, with the exact words to type.

use std::time::Duration;

use api::{Next, RunWord, WaitedView};
use domain::effect::{EffectNumber, Question, Source};
use store::RunSummary;

use super::moment;
use crate::journal::Told;

/// What happens next, as a run's effects tell it.
pub(crate) fn with_effects(run: &RunSummary, told: &Told) -> Next {
    let mut next = super::of(run);
    match RunWord::from(&run.state) {
        RunWord::Waiting => {
            let origin = run.state.waiting_for.as_deref();
            let waited = told
                .summary
                .waited
                .iter()
                .find(|one| Some(one.origin.as_str()) == origin);
            if let Some(waited) = waited {
                next.sentence = waiting(run, told, waited);
            }
        }
        RunWord::NeedsDecision => needs_decision(run, told, &mut next),
        RunWord::CompletedWithFailures | RunWord::Failed => over(run, told, &mut next),
        _ => {}
    }
    next
}

fn waiting(run: &RunSummary, told: &Told, waited: &WaitedView) -> String {
    let until = moment(run.state.due_at);
    if told.waits.last().is_some_and(|wait| wait.paused) {
        return format!(
            "It waits because {} is paused by an operator: `aftercall resume` lets it go on; by itself it looks again at {until}.",
            waited.origin
        );
    }
    let left = if waited.patience_s > 0 {
        format!(
            "{} of its patience of {} are used; after that the function is told the error.",
            span(waited.patience_used_s),
            span(waited.patience_s)
        )
    } else {
        String::new()
    };
    format!(
        "It waits for {} until {until}, and then asks again. {left}",
        waited.origin
    )
    .trim_end()
    .to_owned()
}

fn needs_decision(run: &RunSummary, told: &Told, next: &mut Next) {
    let questions = told.at_rest.questions();
    let several = questions.len() > 1;
    let decide = format!("aftercall runs decide {}", run.run);
    let mut asked = Vec::new();
    for question in questions {
        match question {
            Question::Unknown(number) => {
                let of = if several {
                    format!(" --effect {number}")
                } else {
                    String::new()
                };
                asked.push(format!("whether {} happened", effect(told, number)));
                next.commands.push(format!("{decide}{of} --happened"));
                next.commands.push(format!("{decide}{of} --not-sent"));
            }
            Question::Pair { endpoint, beside, .. } => {
                let records: Vec<_> = beside.iter().map(|number| format!("#{number}")).collect();
                asked.push(format!(
                    "whether a {endpoint} that fits no record is {} in other words",
                    records.join(" or ")
                ));
                if let [_] = beside[..] {
                    next.commands.push(format!("{decide} --keep"));
                } else {
                    let keeps = beside
                        .iter()
                        .map(|number| format!("{decide} --effect {number} --keep"));
                    next.commands.extend(keeps);
                }
                next.commands.push(format!("{decide} --send"));
            }
        }
    }
    if !asked.is_empty() {
        next.sentence = format!(
            "It waits for somebody to say {}. Look there, then type one of these:",
            asked.join(", and ")
        );
    }
    next.commands.push(format!("{decide} --abort"));
}

fn over(run: &RunSummary, told: &Told, next: &mut Next) {
    if let RunWord::CompletedWithFailures = RunWord::from(&run.state)
        && !told.summary.unsettled.is_empty()
    {
        let failed: Vec<_> = told
            .summary
            .unsettled
            .iter()
            .map(|number| effect(told, EffectNumber(*number)))
            .collect();
        next.sentence = format!(
            "Nothing by itself: end_function returned, but {} had failed, and nothing made that good. `aftercall runs retry {}` tries again what failed, and sends nothing twice.",
            failed.join(", "),
            run.run
        );
    }
    let undecided = &told.summary.undecided;
    if undecided.is_empty() {
        return;
    }
    next.sentence
        .push_str(" Of what nobody knows, you can say what became of it; a retry heeds that:");
    for number in undecided {
        let of = if undecided.len() > 1 {
            format!(" --effect {number}")
        } else {
            String::new()
        };
        let decide = format!("aftercall runs decide {}{of}", run.run);
        next.commands.push(format!("{decide} --happened"));
        next.commands.push(format!("{decide} --not-sent"));
    }
}

/// `#2 POST https://crm.example.com/notes (it answered 502)`.
fn effect(told: &Told, number: EffectNumber) -> String {
    let Some(view) = told.effects.iter().find(|view| view.effect == number.0) else {
        return format!("#{number}");
    };
    let last = view.sendings.last().and_then(|sending| {
        let mut live = sending.outcomes.iter().rev();
        live.find(|outcome| outcome.source == Source::Live)
    });
    let why = match last {
        None => "cut off while it was sent".to_owned(),
        Some(outcome) => match (outcome.status, &outcome.message) {
            (Some(status), _) => format!("answered {status}"),
            (None, Some(message)) => message.clone(),
            (None, None) => outcome
                .trouble
                .map_or_else(|| outcome.phase.to_string(), |trouble| trouble.to_string()),
        },
    };
    format!("#{number} {} {} ({why})", view.method, view.url)
}

/// `4 min 10 s`, `24 h`.
fn span(seconds: u64) -> String {
    let whole = Duration::from_secs(seconds).as_secs();
    match (whole / 3_600, whole % 3_600 / 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
