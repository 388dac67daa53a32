//! `aftercall runs retry` and `aftercall runs cancel`.

use api::{RetryRequest, RunView};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;

use super::which::which;
use crate::client::{Client, escape};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// Attempt a run again, also on another deployment
#[derive(Debug, Args)]
#[command(
    after_help = "The attempts that were are kept. Exit status 1 if a run is in no state to be retried.

Examples:
  aftercall runs retry 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d
  aftercall runs retry 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --deployment 4be1f0
  aftercall runs retry 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --again     although it succeeded"
)]
pub struct Retry {
    /// The runs' ids, or the beginnings of them: 8 digits or more
    #[arg(required = true, value_parser = NonEmptyStringValueParser::new())]
    runs: Vec<String>,
    /// On this deployment [default: the one that the run began on]
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Also if it succeeded: whatever it did is done again
    #[arg(long)]
    again: bool,
}

/// Cancel a run; an attempt under way is ended
#[derive(Debug, Args)]
#[command(after_help = "Exit status 1 if a run is over already.

Examples:
  aftercall runs cancel 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d")]
pub struct Cancel {
    /// The runs' ids, or the beginnings of them: 8 digits or more
    #[arg(required = true, value_parser = NonEmptyStringValueParser::new())]
    runs: Vec<String>,
}

impl Retry {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let body = RetryRequest {
            deployment: self.deployment.clone(),
            again: self.again,
        };
        change(context, &self.runs, "retry", &body).await
    }
}

impl Cancel {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        change(context, &self.runs, "cancel", &serde_json::json!({})).await
    }
}

/// One after the other; the first that is not possible ends it, with those before it done and told.
async fn change<Q: Serialize>(
    context: &Context,
    runs: &[String],
    word: &str,
    body: &Q,
) -> Result<Exit, Box<CliError>> {
    let client: Client = context.client()?;
    for id in runs {
        let run: RunView = client
            .post(
                &format!("/v1/runs/{}/{word}", escape(&which(&client, id).await?)),
                body,
            )
            .await?;
        if context.screen.json {
            context.screen.json(&run, runs.len() > 1)?;
        } else {
            let told = format!(
                "{} is {}: {}",
                run.run_id,
                style::status(run.status.as_str()),
                run.next.sentence
            );
            context.screen.say(&told)?;
        }
    }
    Ok(Exit::Done)
}
