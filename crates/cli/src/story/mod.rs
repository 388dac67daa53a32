//! A run told as a story: what came in, what ran, what it logged, why it failed, what it left, what happens next.

mod attempt;
mod by_hand;
mod conversation;
mod effects;
mod html;
mod in_short;
mod left;
mod timeline;

use api::{ConversationView, RunDetail, RunView, RunWord};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::screen::{style, time};

pub use attempt::{failure, logs};
pub use conversation::heading as conversation_heading;
pub use left::{actions, metrics, state_changes};

/// What a story is told by: the moment that "ago" counts from, and the zone of its times.
#[derive(Debug, Clone)]
pub struct Teller {
    /// Now.
    pub now: Timestamp,
    /// The zone.
    pub zone: TimeZone,
}

impl Teller {
    /// Tells a run. Without its conversation (a key may not be allowed to read it) that part is left out.
    #[must_use]
    pub fn run(&self, detail: &RunDetail, conversation: Option<&ConversationView>) -> String {
        let run = &detail.run;
        let document = conversation.and_then(|view| serde_json::from_str(view.document.get()).ok());
        let mut parts = vec![self.opening(run), effects::in_short(detail)];
        if let Some(document) = &document {
            parts.push(conversation::tell(document));
        }
        let retried_after = by_hand::retried_after(detail);
        for attempt in &detail.attempts {
            let mut text = attempt::tell(detail, attempt, &self.zone);
            if retried_after.contains(&attempt.attempt) {
                text.push_str(&format!("  {}\n", style::warn("retried by hand")));
            }
            parts.push(text);
        }
        let state_before = document
            .as_ref()
            .and_then(|document: &serde_json::Value| document.get("state"));
        parts.push(left::tell(detail, state_before));
        parts.push(self.ending(detail));
        parts.retain(|part| !part.is_empty());
        parts.join("\n")
    }

    fn opening(&self, run: &RunView) -> String {
        let attempts = match run.attempts.0 {
            0 => "not attempted yet".to_owned(),
            1 => "after 1 attempt".to_owned(),
            count => format!("after {count} attempts"),
        };
        format!(
            "{} {}: {} {attempts}\n  conversation {} of {}, {}\n  accepted {} ({})\n",
            style::strong("run"),
            run.run_id,
            style::status(run.status.as_str()),
            style::strong(&run.external_id),
            run.project,
            run.environment,
            time::moment(run.accepted_at, &self.zone),
            time::relative(run.accepted_at, self.now),
        )
    }

    fn ending(&self, detail: &RunDetail) -> String {
        let run = &detail.run;
        let told = |sentence: &str, at: Option<Timestamp>| {
            let at = at.map(|at| (time::clock(at, &self.zone), time::relative(at, self.now)));
            let at = at.map_or_else(String::new, |(clock, relative)| format!(" ({clock}, {relative})"));
            format!("  {}{at}\n", style::safe(sentence))
        };
        let mut text = format!(
            "{}\n{}",
            style::strong("next"),
            told(&run.next.sentence, run.next.at)
        );
        for (sentence, at) in by_hand::sentences(detail) {
            text.push_str(&told(&sentence, at));
        }
        for command in &run.next.commands {
            text.push_str(&format!("    {}\n", style::strong(&style::safe(command))));
        }
        if run.status == RunWord::Failed {
            let repaired =
                "  on a repaired version: aftercall deploy FOLDER, then the same with --deployment NEW\n";
            text.push_str(&style::faint(repaired));
        }
        text
    }
}

/// A text on one line, at most so many letters.
pub(crate) fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = style::safe(&line).into_owned();
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most - 1).collect();
    format!("{kept}…")
}

/// Lines moved to the right.
pub(crate) fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{}{line}\n", " ".repeat(by)))
        .collect()
}
