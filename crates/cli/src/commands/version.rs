//! `aftercall version`.

use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{CliError, Exit};

/// The version of this program
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aftercall version\n  aftercall version --json")]
pub struct Version {}

impl Version {
    /// Tells it.
    ///
    /// # Errors
    /// If the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let version = env!("CARGO_PKG_VERSION");
        if context.screen.json {
            context.screen.json(&told(), false)?;
        } else {
            context.screen.say(&format!(
                "aftercall {version} (runtime {})",
                &runner::RUNTIME_HASH[..12]
            ))?;
        }
        Ok(Exit::Done)
    }
}

/// For programs; also what `aftercall --version --json` answers.
pub(crate) fn told() -> Value {
    json!({ "version": env!("CARGO_PKG_VERSION"), "runtime": runner::RUNTIME_HASH })
}
