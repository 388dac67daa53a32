//! `aftercall send`.

mod batch;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::About;
use crate::assemble;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::Documents;
use crate::screen::{more, style, time};
use batch::{Batch, Sender};
use report::{Line, Report};

/// Hand conversations to the server, from files
#[derive(Debug, Args)]
#[command(
    after_help = "A file is one JSON conversation, an array of them, or one a line (NDJSON); - is standard input.
What was sent before is known again and not run twice, so an interrupted send is simply repeated.
While the server takes nothing (503) it waits as the server asks. Exit status 1 if a conversation was refused.

Examples:
  aftercall send conversations/*.json
  aftercall send calls.ndjson --report calls.report.ndjson --resume
  zcat calls.ndjson.gz | aftercall send - --project support-desk --env live --json"
)]
pub struct Send {
    /// The files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    about: About,
    /// Write what became of each conversation here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Leave out what the report says was accepted, and add to it
    #[arg(long, requires = "report")]
    resume: bool,
    /// How long to go on trying while the server takes nothing, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: u64,
    known: u64,
    refused: u64,
    skipped: u64,
    held: u64,
}

impl Send {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        self.about.flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// For files that cannot be read, and when the server cannot be reached at all, or no longer.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let mut report = Report::open(self.report.as_deref(), self.resume)?;
        let path = context.path(
            "/v1/conversations",
            &[("environment", context.named_environment())],
        )?;
        let mut sender = Sender::new(context.client()?, path, Duration::from_secs(self.patience));
        let mut documents = Documents::new(&self.files);
        let mut tally = Tally::default();
        let bar = bar(context);
        let clock = assemble::clock();
        let began = clock();
        loop {
            let mut batch = Batch::default();
            while !batch.is_full() {
                let Some(document) = documents.read_next()? else {
                    break;
                };
                if report.was_accepted(&document) {
                    tally.skipped += 1;
                } else {
                    batch.push(document);
                }
            }
            if batch.is_empty() {
                break;
            }
            let sent = sender
                .send(batch, &bar, |line| {
                    tally.count(&line);
                    bar.inc(1);
                    report.write(&line)?;
                    bar.suspend(|| tell(&line, context))
                })
                .await;
            // Also when it ended early: what was accepted until then need not be sent again.
            report.flush()?;
            sent?;
        }
        bar.finish_and_clear();
        if !context.screen.json {
            context.screen.say(&tally.tell(time::between(began, clock())))?;
        }
        Ok(if tally.refused == 0 {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}

fn bar(context: &Context) -> ProgressBar {
    if !context.screen.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    // The template is this file's own; the default looks well enough should it ever not be one.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} sent  {per_sec}  {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Programs are told of every conversation, people of those that need a look.
fn tell(line: &Line, context: &Context) -> Result<(), Box<CliError>> {
    if context.screen.json {
        return context.screen.json(line, true);
    }
    if let Some(code) = line.code {
        let place = format!("{}:{}", line.file, line.line);
        let message = line.message.as_deref().unwrap_or_default();
        context
            .screen
            .say(&format!("{} {place}: {} {message}", style::bad("refused"), code))?;
        for detail in &line.details {
            context
                .screen
                .say(&format!("  {} {}", style::faint("-"), style::safe(detail)))?;
        }
        if let Some(fix) = line.fix.as_ref().filter(|fix| !line.details.contains(fix)) {
            context.screen.say(&format!("  {} {fix}", style::faint("fix:")))?;
        }
        context
            .screen
            .say(&format!("  {} {}", style::faint("more:"), more(code)))?;
    }
    Ok(())
}

impl Tally {
    fn count(&mut self, line: &Line) {
        match line.status {
            200 => self.known += 1,
            202 => self.accepted += 1,
            _ => self.refused += 1,
        }
        self.held += u64::from(line.hold.is_some());
    }

    fn tell(&self, took: Duration) -> String {
        let sent = self.accepted + self.known + self.refused;
        let mut parts = vec![style::good(&format!("{} accepted", self.accepted))];
        for (count, word, style) in [
            (self.known, "known already", style::faint as fn(&str) -> String),
            (self.refused, "refused", style::bad),
            (
                self.held,
                "held: the project has no active deployment there",
                style::warn,
            ),
            (self.skipped, "left out, as the report has them", style::faint),
        ] {
            if count > 0 {
                parts.push(style(&format!("{count} {word}")));
            }
        }
        format!("{sent} sent in {}: {}", time::span(took), parts.join(", "))
    }
}
