//! What people did to a run. It tells when it was retried last; of earlier times it is certain where more attempts failed than count, and
//! where something followed on one that had been cancelled.

use api::{AttemptOutcome, AttemptView, RunDetail, RunWord};
use domain::effect::Source;
use domain::{AttemptNumber, Timestamp};

/// The attempts after each of which somebody had the run attempted again.
pub(super) fn retried_after(detail: &RunDetail) -> Vec<AttemptNumber> {
    let attempts = &detail.attempts;
    let before_the_last = attempts.iter().take(attempts.len().saturating_sub(1));
    let mut after: Vec<_> = before_the_last
        .clone()
        .filter(|attempt| attempt.outcome == AttemptOutcome::Cancelled)
        .map(|attempt| attempt.attempt)
        .collect();
    // One that returned may count as failed, for a failure that it swallowed: then nobody can say which of them still count.
    let returned = before_the_last
        .filter(|attempt| attempt.outcome == AttemptOutcome::Returned)
        .count();
    if returned == 0
        && let Some(last) = forgiven(detail).checked_sub(1)
        && let Some(attempt) = attempts.iter().filter(|attempt| has_failed(attempt)).nth(last)
    {
        after.push(attempt.attempt);
    }
    after.sort_unstable();
    after
}

/// For the end of the story: what was done, and when, where that is known.
pub(super) fn sentences(detail: &RunDetail) -> Vec<(String, Option<Timestamp>)> {
    let run = &detail.run;
    let mut all = Vec::new();
    if run.retried_at.is_some() {
        let since = match run.failures {
            0 => String::new(),
            1 => ": 1 attempt failed since then, and what failed before counts no more".to_owned(),
            count => format!(": {count} attempts failed since then, and what failed before counts no more"),
        };
        all.push((format!("It was retried by hand{since}."), run.retried_at));
    }
    if run.status == RunWord::Cancelled {
        all.push(("It was cancelled by hand.".to_owned(), cancelled_at(detail)));
    }
    all
}

/// Failed attempts that count no more: somebody retried the run after them.
fn forgiven(detail: &RunDetail) -> usize {
    let failed = detail
        .attempts
        .iter()
        .filter(|attempt| has_failed(attempt))
        .count();
    failed.saturating_sub(usize::try_from(detail.run.failures).unwrap_or(usize::MAX))
}

/// By its own doing: what the machine could not begin never counts.
fn has_failed(attempt: &AttemptView) -> bool {
    attempt.outcome == AttemptOutcome::Failed
        && !attempt.code.is_some_and(|code| code.is_fault_of_surroundings())
}

/// Nothing but a decision on one of its effects changes a run that was cancelled.
fn cancelled_at(detail: &RunDetail) -> Option<Timestamp> {
    let changed_at = detail.run.changed_at;
    let mut outcomes = detail
        .effects
        .iter()
        .flat_map(|effect| &effect.sendings)
        .flat_map(|sending| &sending.outcomes);
    let was_later_decided =
        outcomes.any(|outcome| outcome.source == Source::Decision && outcome.at >= changed_at);
    (!was_later_decided).then_some(changed_at)
}
