//! `aftercall runs`.

mod change;
mod decide;
mod list;
mod logs;
mod show;
mod which;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{CliError, Exit};

pub use list::table as list_table;

/// Runs: list, show, logs, decide, retry, cancel
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall runs list --status failed --since 2h
  aftercall runs show 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d
  aftercall runs retry 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --deployment 4be1f0")]
pub enum Runs {
    /// Runs, newest first
    List(list::List),
    /// One run as a story
    Show(show::Show),
    /// What one attempt of a run logged
    Logs(logs::Logs),
    /// Say what became of a write that nobody can know, or what a write that fits no record is
    Decide(Box<decide::Decide>),
    /// Attempt a run again, also on another deployment
    Retry(change::Retry),
    /// Cancel a run; an attempt under way is ended
    Cancel(change::Cancel),
}

impl Runs {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        match self {
            Self::List(list) => list.about.flags(),
            Self::Decide(decide) => decide.about.flags(),
            _ => Vec::new(),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Logs(logs) => logs.run(context).await,
            Self::Decide(decide) => decide.run(context).await,
            Self::Retry(retry) => retry.run(context).await,
            Self::Cancel(cancel) => cancel.run(context).await,
        }
    }
}
