//! What ran, what it logged, and why it failed.

use std::time::Duration;

use api::{AttemptOutcome, AttemptView, RunDetail};
use domain::{Code, ErrorDocument, LogEntry, LogLevel};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::timeline::{self, Happening};
use super::{effects, indented, short};
use crate::screen::{more, style, table, time};

/// Log entries that are shown of one attempt; `runs logs` shows all.
const LOGS_SHOWN: usize = 20;
/// Letters of a log entry's fields that are shown.
const FIELD_LETTERS: usize = 120;

pub(super) fn tell(detail: &RunDetail, attempt: &AttemptView, zone: &TimeZone) -> String {
    let mut text = format!(
        "{} {}: {}\n",
        style::strong("attempt"),
        attempt.attempt,
        outcome(attempt)
    );
    let usage = attempt.usage;
    let cpu = Duration::from_micros(usage.user_us + usage.system_us);
    let mut facts = vec![
        format!("deployment {}", attempt.deployment.short()),
        format!(
            "began {}",
            time::clock(attempt.started_at.unwrap_or(attempt.claimed_at), zone)
        ),
    ];
    if usage.max_rss_kib > 0 {
        facts.push(format!(
            "{} CPU, {}",
            time::span(cpu),
            time::bytes(usage.max_rss_kib * 1024)
        ));
    }
    if !attempt.confinement.is_empty() {
        facts.push(format!("confinement {}", attempt.confinement));
    }
    text.push_str(&format!("  {}\n", style::faint(&facts.join(" · "))));
    text.push_str(&indented(&effects::given_back(detail, attempt), 2));
    for happening in timeline::of(detail, attempt, LOGS_SHOWN) {
        let told = match happening {
            Happening::Logged(entry) => tell_entry(entry, zone),
            Happening::Sent(effect, sending) => effects::sent(effect, sending, attempt, zone),
            Happening::Said(effect, outcome) => effects::said(effect, outcome, zone),
            Happening::Waits(wait) => effects::waits(wait, zone),
            Happening::Parks(parked) => effects::parks(detail, parked, zone),
        };
        text.push_str(&indented(&told, 2));
    }
    if attempt.logs.len() > LOGS_SHOWN {
        let more = format!(
            "  … {} more entries: aftercall runs logs\n",
            attempt.logs.len() - LOGS_SHOWN
        );
        text.push_str(&style::faint(&more));
    }
    if attempt.outcome == AttemptOutcome::Failed {
        text.push_str(&indented(
            &failure(attempt.code, attempt.message.as_deref(), attempt.error.as_ref()),
            2,
        ));
    }
    text
}

fn outcome(attempt: &AttemptView) -> String {
    let words = outcome_words(attempt);
    match attempt.outcome {
        AttemptOutcome::Running => words,
        AttemptOutcome::Returned => style::good(&words),
        AttemptOutcome::Failed => style::bad(&words),
        AttemptOutcome::Waiting
        | AttemptOutcome::Parked
        | AttemptOutcome::Interrupted
        | AttemptOutcome::Cancelled => style::warn(&words),
    }
}

/// How an attempt is doing, in words.
pub(super) fn outcome_words(attempt: &AttemptView) -> String {
    let after = attempt
        .duration_ms
        .map(|ms| format!(" after {}", time::span(Duration::from_millis(ms))))
        .unwrap_or_default();
    match attempt.outcome {
        AttemptOutcome::Running => "is under way".to_owned(),
        AttemptOutcome::Returned => format!("returned{after}"),
        AttemptOutcome::Failed => format!("failed{after}"),
        AttemptOutcome::Waiting => format!("ended{after} to wait for a host, and does not count"),
        AttemptOutcome::Parked => format!("ended{after} to wait for a decision, and does not count"),
        AttemptOutcome::Interrupted => format!("interrupted{after}, and does not count"),
        AttemptOutcome::Cancelled => format!("cancelled{after}"),
    }
}

/// Log entries, one a line.
#[must_use]
pub fn logs(entries: &[LogEntry], zone: &TimeZone) -> String {
    entries.iter().map(|entry| tell_entry(entry, zone)).collect()
}

fn tell_entry(entry: &LogEntry, zone: &TimeZone) -> String {
    let (word, loud): (&str, fn(&str) -> String) = match entry.level {
        LogLevel::Debug => ("debug", style::faint),
        LogLevel::Info => ("info", str::to_owned),
        LogLevel::Warning => ("warning", style::warn),
        LogLevel::Error => ("error", style::bad),
        LogLevel::Stdout => ("print", style::faint),
        LogLevel::Stderr => ("stderr", style::warn),
    };
    let fields = entry
        .fields
        .as_ref()
        .map(tell_fields)
        .filter(|fields| !fields.is_empty());
    let fields = fields
        .map(|fields| format!("  {}", style::faint(&short(&fields, FIELD_LETTERS))))
        .unwrap_or_default();
    let private = if entry.is_pii {
        style::faint(" (personal data)")
    } else {
        String::new()
    };
    let content = style::safe(&entry.content);
    let mut lines = content.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    let head = format!(
        "{} {}",
        style::faint(&time::clock(entry.timestamp, zone)),
        loud(&format!("{word:<7}"))
    );
    let mut text = format!("{head} {first}{private}{fields}\n");
    for line in lines {
        text.push_str(&format!("{}{line}\n", " ".repeat(style::width(&head) + 1)));
    }
    text
}

fn tell_fields(fields: &Value) -> String {
    let Some(fields) = fields.as_object() else {
        return fields.to_string();
    };
    let one = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    fields.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Why an attempt failed: the code in words, the exception with its traceback, and the user's own line last.
#[must_use]
pub fn failure(code: Option<Code>, message: Option<&str>, error: Option<&ErrorDocument>) -> String {
    let mut text = String::new();
    if let Some(code) = code {
        text.push_str(&format!("{} {}\n", style::bad(code.as_str()), code.title()));
    }
    match (error, message) {
        (Some(error), _) => text.push_str(&tell_error(error)),
        (None, Some(message)) => text.push_str(&format!("{}\n", style::safe(message))),
        (None, None) => {}
    }
    if let Some(code) = code {
        text.push_str(&style::faint(&format!("more: {}\n", more(code))));
    }
    text
}

fn tell_error(error: &ErrorDocument) -> String {
    // A message without a kind is the runner's own: no exception was raised.
    let mut text = match (error.kind.as_str(), error.message.as_str()) {
        ("", message) => format!("{}\n", style::safe(message)),
        (kind, "") => format!("{}\n", style::strong(&style::safe(kind))),
        (kind, message) => format!(
            "{}: {}\n",
            style::strong(&style::safe(kind)),
            style::safe(message)
        ),
    };
    let culprit = error
        .frames
        .iter()
        .rev()
        .find(|frame| frame.own)
        .or(error.frames.last());
    if let Some(frame) = culprit {
        let place = [
            (
                "at",
                style::strong(&style::safe(&format!("{}:{}", frame.file, frame.line))),
            ),
            ("in", style::safe(&frame.function).into_owned()),
        ];
        text.push_str(&indented(&table::pairs(&place), 2));
        if !frame.source.trim().is_empty() {
            text.push_str(&format!("      {}\n", style::safe(frame.source.trim())));
        }
    }
    if says_more(error) {
        text.push_str(&indented(&style::safe(error.traceback.trim_end()), 2));
    }
    text
}

/// Whether the traceback tells what the lines above do not: callers, causes, the members of an exception group.
fn says_more(error: &ErrorDocument) -> bool {
    /// The heading, the frame with its source and, for a syntax error, the mark below it.
    const LINES_OF_ONE_FRAME: usize = 4;
    let told = LINES_OF_ONE_FRAME + error.message.lines().count().max(1);
    error.frames.len() > 1 || error.cause.is_some() || error.traceback.lines().count() > told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(message: &str, traceback: &str) -> ErrorDocument {
        ErrorDocument {
            kind: "ExceptionGroup".to_owned(),
            message: message.to_owned(),
            traceback: traceback.to_owned(),
            frames: Vec::new(),
            cause: None,
        }
    }

    #[test]
    fn members_of_an_exception_group_and_notes_are_shown() {
        let head = "Traceback (most recent call last):\n  File \"functions/end_function.py\", line 2, in end_function\n    raise ExceptionGroup";
        let member = "  +---------------- 1 ----------------\n  | ValueError: first";
        let text = tell_error(&raised(
            "many\na note",
            &format!("{head}\nExceptionGroup: many\na note\n{member}"),
        ));
        assert!(text.contains("| ValueError: first"), "{text}");
        assert!(text.contains(": many\na note\n"), "{text}");
        let plain = tell_error(&raised("many", &format!("{head}\nExceptionGroup: many")));
        assert!(!plain.contains("Traceback"), "{plain}");
    }
}
