//! `aftercall completion`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use crate::arguments::Arguments;
use crate::context::Context;
use crate::error::{CliError, Exit};

/// A script that makes a shell complete commands
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(aftercall completion bash)
  aftercall completion zsh > ~/.zfunc/_aftercall
  aftercall completion fish > ~/.config/fish/completions/aftercall.fish
  aftercall completion bash --json      as `{\"script\": …}`, for programs")]
pub struct Completion {
    /// Which shell
    shell: Shell,
}

impl Completion {
    /// Writes it.
    ///
    /// # Errors
    /// If the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "aftercall", &mut script);
        let script = String::from_utf8_lossy(&script);
        if context.screen.json {
            let answer = json!({ "shell": self.shell.to_string(), "script": script });
            context.screen.json(&answer, false)?;
        } else {
            context.screen.hand_over(&script)?;
        }
        Ok(Exit::Done)
    }
}
