//! `aftercall schema`.

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{CliError, Exit};

/// The JSON Schema of a document
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall schema conversation > conversation.schema.json
  aftercall schema effects > effects.schema.json")]
pub enum Schema {
    /// A finished conversation, as `send`, `invoke` and POST /v1/conversations take it
    Conversation(Conversation),
    /// A project's config/effects.yaml: what it knows of the hosts that it talks to
    Effects(Effects),
}

/// A finished conversation, as `send`, `invoke` and POST /v1/conversations take it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall schema conversation > conversation.schema.json")]
pub struct Conversation {}

/// A project's config/effects.yaml: what it knows of the hosts that it talks to
#[derive(Debug, Args)]
#[command(
    after_help = "An editor with a YAML language server completes and checks the file with it, named in its first line:
  # yaml-language-server: $schema=./effects.schema.json

Examples:
  aftercall schema effects > config/effects.schema.json"
)]
pub struct Effects {}

impl Schema {
    /// Writes it.
    ///
    /// # Errors
    /// If the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let schema = match self {
            Self::Conversation(_) => domain::schema::conversation(),
            Self::Effects(_) => domain::schema::effects(),
        };
        context.screen.hand_over(schema)?;
        Ok(Exit::Done)
    }
}
