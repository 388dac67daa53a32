//! `aftercall invoke`.

mod changes;
mod outcome;
mod watch;
pub mod workshop;

use std::path::PathBuf;

use clap::Args;
use domain::conversation::Conversation;
use domain::{Code, Environment, RunId};
use futures_util::{StreamExt as _, stream};
use project::Package;

use super::deploy::project_name;
use crate::arguments::About;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::{Document, Documents};
use crate::screen::style;
use outcome::Outcome;
use workshop::Workshop;

/// Run a project over conversations here and now, with no server
#[derive(Debug, Args)]
#[command(
    after_help = "One attempt each, in a fresh confined process as on the server; nothing is kept.
Exit status 0 if all succeeded, 1 if one did not, 2 if project or conversations cannot be used, 3 for a fault of ours.

Examples:
  aftercall invoke support-desk support-desk/conversations/*.json
  aftercall invoke end_function.py calls.ndjson --json | jq -c '{external_id, status}'
  aftercall invoke support-desk desk-2041.json --watch      again at every save: what became different
  aftercall conversations show desk-2041 --document | aftercall invoke support-desk -"
)]
pub struct Invoke {
    /// The project's folder, or a single .py file
    project: PathBuf,
    /// Conversations: files of one JSON document, an array, or one a line; - for standard input
    #[arg(required = true, value_name = "CONVERSATION")]
    conversations: Vec<PathBuf>,
    /// What `conv.env` says: sandbox, pre-release or live [default: as the conversation says, else sandbox]
    #[arg(long = "env", short, value_name = "ENV")]
    environment: Option<String>,
    /// Run again whenever the project or a conversation is saved, and show what became different
    #[arg(long)]
    watch: bool,
}

impl Invoke {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        About {
            project: None,
            environment: self.environment.clone(),
        }
        .flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// For a project or conversations that cannot be used, and for faults of ours.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        if self.watch {
            return watch::run(self, context).await;
        }
        let mut tally = Tally::default();
        self.each(context, |outcome| {
            tally.count(&outcome);
            outcome.show(context)
        })
        .await?;
        if !context.screen.json {
            context.screen.note(&tally.tell());
        }
        Ok(tally.exit())
    }

    /// Runs all conversations, some at a time, and hands over what became of them in order.
    async fn each(
        &self,
        context: &Context,
        mut take: impl FnMut(Outcome) -> Result<(), Box<CliError>>,
    ) -> Result<(), Box<CliError>> {
        let documents = Documents::new(&self.conversations).all()?;
        if documents.is_empty() {
            return Err(CliError::usage(
                Code::BadInputFile,
                "there is no conversation in what was given",
                "give files of one JSON document, an array, or one a line",
            ));
        }
        let package = Package::from_folder(&self.project)?;
        let name = project_name(&package, &self.project, context)?;
        let usage = |code, message, fix| CliError::usage(code, message, fix);
        let workshop = Workshop::open(context, name, package, usage).await?;
        let screen = &context.screen;
        let open = workshop.invoker.left_open.iter().filter(|_| !screen.json);
        for warning in open.chain(&workshop.invoker.found.warnings) {
            screen.note(&format!("{} {warning}", style::warn("warning:")));
        }
        let configuration = &context.configuration;
        let environment = configuration
            .names_environment()
            .then(|| configuration.environment());
        let at_once = workshop.at_once;
        let mut outcomes = stream::iter(documents)
            .map(|document| one(&workshop, document, environment))
            .buffered(at_once);
        while let Some(outcome) = outcomes.next().await {
            take(outcome)?;
        }
        Ok(())
    }
}

async fn one(workshop: &Workshop, document: Document, environment: Option<Environment>) -> Outcome {
    let conversation = match Conversation::parse(&document.text) {
        Ok(conversation) => conversation,
        Err(error) => return Outcome::refused(&document, &error),
    };
    // As on the server, except that here a person who names an environment means it.
    let environment = environment
        .or(conversation.environment())
        .unwrap_or(Environment::Sandbox);
    let run = RunId::from_uuid(crate::assemble::new_id());
    let report = workshop
        .invoker
        .run(run, conversation.to_json(), environment)
        .await;
    Outcome::new(&document, report)
}

/// How many became what.
#[derive(Debug, Default)]
struct Tally {
    succeeded: usize,
    failed: usize,
    unusable: usize,
    ours: usize,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome.exit() {
            Exit::Done => self.succeeded += 1,
            Exit::Negative => self.failed += 1,
            Exit::Usage => self.unusable += 1,
            Exit::Fault => self.ours += 1,
        }
    }

    const fn exit(&self) -> Exit {
        match (self.ours, self.unusable, self.failed) {
            (1.., ..) => Exit::Fault,
            (_, 1.., _) => Exit::Usage,
            (.., 1..) => Exit::Negative,
            _ => Exit::Done,
        }
    }

    fn tell(&self) -> String {
        let mut parts = vec![style::good(&format!("{} succeeded", self.succeeded))];
        for (count, word) in [
            (self.failed, "failed"),
            (self.unusable, "could not be used"),
            (self.ours, "met a fault of ours"),
        ] {
            if count > 0 {
                parts.push(style::bad(&format!("{count} {word}")));
            }
        }
        parts.join(", ")
    }
}
