//! `aftercall conversations`.

use api::ConversationView;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use crate::arguments::About;
use crate::client::escape;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};
use crate::story;

/// Conversations: show
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall conversations show desk-2041
  aftercall conversations show desk-2041 --document > desk-2041.json")]
pub enum Conversations {
    /// What came in, and what became of it
    Show(Show),
}

/// What came in, and what became of it
#[derive(Debug, Args)]
#[command(
    after_help = "With --json, external_id is the id that its platform gave it, conversation_id our own.

Examples:
  aftercall conversations show desk-2041
  aftercall conversations show 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d
  aftercall conversations show desk-2041 --document > desk-2041.json     exactly as it was sent"
)]
pub struct Show {
    /// The id that its platform gave it, or ours
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    conversation: String,
    /// The document as its source told of it later: 2 and so on
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u32>,
    /// Only the document, exactly as it was sent
    #[arg(long)]
    document: bool,
    #[command(flatten)]
    about: About,
}

impl Conversations {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let Self::Show(show) = self;
        show.about.flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let Self::Show(show) = self;
        let path = format!("/v1/conversations/{}", escape(&show.conversation));
        let revision = show.revision.map(|number| number.to_string());
        let path = context.path(
            &path,
            &[
                ("environment", context.named_environment()),
                ("revision", revision),
            ],
        )?;
        let found: ConversationView = context.client()?.get(&path).await?;
        if show.document {
            context.screen.hand_over(found.document.get())?;
        } else if context.screen.json {
            context.screen.json(&found, false)?;
        } else {
            context.screen.say(&tell(&found, context))?;
        }
        Ok(Exit::Done)
    }
}

fn tell(found: &ConversationView, context: &Context) -> String {
    let screen = &context.screen;
    let document: Option<serde_json::Value> = serde_json::from_str(found.document.get()).ok();
    let accepted = format!(
        "{} ({})",
        time::moment(found.accepted_at, &screen.zone),
        time::relative(found.accepted_at, screen.now)
    );
    let mut text = table::pairs(&[
        ("conversation", style::strong(&found.external_id)),
        ("our id", found.conversation_id.to_string()),
        ("project", format!("{}, {}", found.project, found.environment)),
        ("came in by", found.source.clone()),
        ("accepted", accepted),
        (
            "is",
            document
                .as_ref()
                .map(story::conversation_heading)
                .unwrap_or_default(),
        ),
    ]);
    for revision in &found.revisions {
        let came = time::moment(revision.received_at, &screen.zone);
        text.push_str(&format!("revision {} came {came}\n", revision.number));
    }
    text.push('\n');
    text.push_str(&super::runs::list_table(&found.runs, context));
    if let (Some(document), Some(after)) = (&document, &found.state_after) {
        let changes = story::state_changes(document.get("state"), after);
        if !changes.is_empty() {
            text.push('\n');
            text.push_str(&changes);
        }
    }
    for other in &found.others {
        let also = format!(
            "also known in {}, {}: {}\n",
            other.project, other.environment, other.conversation_id
        );
        text.push_str(&style::faint(&also));
    }
    text
}
