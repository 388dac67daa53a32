//! `aftercall runs show`.

use std::path::{Path, PathBuf};

use api::{ConversationView, RunDetail, RunView, RunWord};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use domain::Code;

use super::which::which;
use crate::client::{Client, escape, query};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::story::Teller;

/// One run as a story
#[derive(Debug, Args)]
#[command(
    after_help = "It tells what came in, what ran, what was sent and answered, what it logged, why it was late or failed, what it left and what
happens next.
Exit status 1 if the run failed.

Examples:
  aftercall runs show 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d
  aftercall runs show 0192f0c1-7a7b                              where no other begins so
  aftercall runs show 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --html run.html     one page, to attach to a ticket
  aftercall runs show 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --json | jq .state_after"
)]
pub struct Show {
    /// The run's id, or the beginning of it: 8 digits or more
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    run: String,
    /// Write the story as one page that needs nothing else, without the conversation itself; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

impl Show {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let client = context.client()?;
        let run = which(&client, &self.run).await?;
        let detail: RunDetail = client.get(&format!("/v1/runs/{}", escape(&run))).await?;
        if context.screen.json {
            context.screen.json(&detail, false)?;
        } else if let Some(file) = &self.html {
            let page = teller(context).html(&detail);
            if file.as_os_str() == "-" {
                context.screen.hand_over(&page)?;
            } else {
                write(file, &page)?;
                context.screen.say(&format!("written to {}", file.display()))?;
            }
        } else {
            let conversation = conversation(&client, &detail.run).await?;
            context
                .screen
                .say(&teller(context).run(&detail, conversation.as_ref()))?;
        }
        Ok(if detail.run.status == RunWord::Failed {
            Exit::Negative
        } else {
            Exit::Done
        })
    }
}

fn teller(context: &Context) -> Teller {
    Teller {
        now: context.screen.now,
        zone: context.screen.zone.clone(),
    }
}

fn write(file: &Path, page: &str) -> Result<(), Box<CliError>> {
    std::fs::write(file, page).map_err(|error| {
        CliError::usage(
            Code::BadInputFile,
            format!("{} cannot be written: {error}", file.display()),
            "name another file",
        )
    })
}

/// What came in. A key for handing in may look at runs, not at conversations, and one that was erased nobody can: the story
/// is then told without.
async fn conversation(client: &Client, run: &RunView) -> Result<Option<ConversationView>, Box<CliError>> {
    let path = query(
        &format!("/v1/conversations/{}", run.conversation_id),
        &[
            ("project", Some(run.project.to_string())),
            ("environment", Some(run.environment.to_string())),
        ],
    );
    match client.get(&path).await {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(
                error.code,
                Code::ScopeMissing | Code::NotFound | Code::ConversationErased
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
