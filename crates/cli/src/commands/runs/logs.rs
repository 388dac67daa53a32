//! `aftercall runs logs`.

use api::{AttemptOutcome, LogsView};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::which::which;
use crate::client::{escape, query};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::story;

/// What one attempt of a run logged
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall runs logs 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d
  aftercall runs logs 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --attempt 1 --json")]
pub struct Logs {
    /// The run's id, or the beginning of it: 8 digits or more
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    run: String,
    /// Which attempt, from 1 [default: the last]
    #[arg(long, value_name = "NUMBER")]
    attempt: Option<u32>,
}

impl Logs {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let client = context.client()?;
        let run = which(&client, &self.run).await?;
        let path = format!("/v1/runs/{}/logs", escape(&run));
        let path = query(
            &path,
            &[("attempt", self.attempt.map(|number| number.to_string()))],
        );
        let found: LogsView = client.get(&path).await?;
        if context.screen.json {
            context.screen.json(&found, false)?;
        } else if found.logs.is_empty() {
            context.screen.say(&match found.outcome {
                None => "it was not attempted yet".to_owned(),
                Some(AttemptOutcome::Running) => format!(
                    "attempt {} is under way; what it logs can be read once it has ended",
                    found.attempt
                ),
                Some(_) => format!("attempt {} logged nothing", found.attempt),
            })?;
        } else {
            context
                .screen
                .say(&story::logs(&found.logs, &context.screen.zone))?;
        }
        Ok(Exit::Done)
    }
}
