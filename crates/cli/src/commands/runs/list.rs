//! `aftercall runs list`.

use api::{RunList, RunView, RunWord};
use clap::Args;
use domain::{Code, Timestamp};
use jiff::Span;

use super::super::unknown_project::unknown_project;
use crate::arguments::About;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table as text_table, time};

/// The largest page that is asked for at once.
const PAGE: u32 = 200;

/// Runs, newest first
#[derive(Debug, Args)]
#[command(
    after_help = "With --json, external_id is the id that the conversation's platform gave it, conversation_id our own.

Examples:
  aftercall runs list
  aftercall runs list --status failed --since 2h
  aftercall runs list --conversation desk-2041
  aftercall runs list --number +15550101234
  aftercall runs list --limit 1000 --json | jq -r '.runs[] | select(.failures > 0) | .run_id'"
)]
pub struct List {
    #[command(flatten)]
    pub(super) about: About,
    /// Only in these states, separated by commas: queued, running, backoff, succeeded, failed, cancelled …
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<RunWord>,
    /// Only on this deployment
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Only of the conversation with this id
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Only of conversations with this number at either end
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Only what was accepted since: 30min, 2h, 7d, or a time such as 2026-01-05T10:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl List {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let client = context.client()?;
        let words: Vec<_> = self.status.iter().map(|word| word.as_str()).collect();
        let since = self
            .since
            .as_deref()
            .map(|text| since(text, context.screen.now))
            .transpose()?;
        let mut answer = RunList {
            runs: Vec::new(),
            next: None,
        };
        loop {
            let left = self
                .limit
                .saturating_sub(u32::try_from(answer.runs.len()).unwrap_or(u32::MAX));
            let path = context.path(
                "/v1/runs",
                &[
                    ("environment", context.named_environment()),
                    ("status", (!words.is_empty()).then(|| words.join(","))),
                    ("deployment", self.deployment.clone()),
                    ("conversation", self.conversation.clone()),
                    ("number", self.number.clone()),
                    ("since", since.map(|at| at.to_string())),
                    ("limit", Some(left.min(PAGE).to_string())),
                    ("after", answer.next.map(|id| id.to_string())),
                ],
            )?;
            let page: RunList = client.get(&path).await?;
            answer.next = page.next;
            answer.runs.extend(page.runs);
            if answer.next.is_none() || answer.runs.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX)
            {
                break;
            }
        }
        if answer.runs.is_empty()
            && let Some(project) = context.configuration.project()?
            && let Some(error) = unknown_project(&client, &project).await?
        {
            return Err(error);
        }
        if context.screen.json {
            context.screen.json(&answer, false)?;
        } else if answer.runs.is_empty() {
            context
                .screen
                .say("no runs; `aftercall send FILE` hands conversations in")?;
        } else {
            context.screen.say(&table(&answer.runs, context))?;
            if answer.next.is_some() {
                context
                    .screen
                    .note(&style::faint("there are more: --limit COUNT, or narrow it down"));
            }
        }
        Ok(Exit::Done)
    }
}

/// Runs as a table.
#[must_use]
pub fn table(runs: &[RunView], context: &Context) -> String {
    let row = |run: &RunView| {
        let note = match (run.last_error, run.hold) {
            (_, Some(_)) => style::warn("held: no active deployment"),
            _ if run.waiting_for.is_some() => style::warn(&format!(
                "waits for {}",
                style::safe(run.waiting_for.as_deref().unwrap_or_default())
            )),
            (Some(code), None) if !matches!(run.status, RunWord::Succeeded | RunWord::Cancelled) => {
                format!("{code} {}", code.title())
            }
            _ => String::new(),
        };
        vec![
            run.run_id.to_string(),
            style::strong(&run.external_id),
            style::status(run.status.as_str()),
            run.attempts.to_string(),
            format!("{}/{}", run.project, run.environment),
            time::relative(run.accepted_at, context.screen.now),
            note,
        ]
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    text_table::table(
        &[
            "RUN",
            "CONVERSATION",
            "STATUS",
            "ATTEMPTS",
            "PROJECT",
            "ACCEPTED",
            "",
        ],
        &rows,
    )
}

/// A time that was typed: how long ago, or a moment.
pub(super) fn since(text: &str, now: Timestamp) -> Result<Timestamp, Box<CliError>> {
    let bad = || {
        CliError::usage(
            Code::BadRequest,
            format!("{text:?} is no time"),
            "write how long ago (30min, 2h, 7d), or a time with its zone (2026-01-05T10:00:00Z)",
        )
    };
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let span: Span = text.parse().map_err(|_| bad())?;
    let span = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| bad())?;
    now.checked_sub(span.abs()).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_said_as_a_span_or_a_moment() {
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        for (text, at) in [
            ("30min", "2026-01-05T09:30:00Z"),
            ("2h", "2026-01-05T08:00:00Z"),
            ("7d", "2025-12-29T10:00:00Z"),
            ("2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), at, "{text}");
        }
        assert!(since("yesterday", now).is_err());
    }
}
