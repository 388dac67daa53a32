//! `aftercall schema`.

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{CliError, Exit};

/// The JSON Schema of a document
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall schema conversation > conversation.schema.json")]
pub enum Schema {
    /// A finished conversation, as `send`, `invoke` and POST /v1/conversations take it
    Conversation(Conversation),
}

/// A finished conversation, as `send`, `invoke` and POST /v1/conversations take it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall schema conversation > conversation.schema.json")]
pub struct Conversation {}

impl Schema {
    /// Writes it.
    ///
    /// # Errors
    /// If the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let Self::Conversation(_) = self;
        context.screen.hand_over(domain::schema::conversation())?;
        Ok(Exit::Done)
    }
}
