//! `aftercall config`.

use api::{ConfigurationView, Origin};
use clap::{Args, Subcommand};

use crate::configuration::view;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table};

/// Settings and where each comes from
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Every setting, its value, and who said so
    Show(Show),
}

/// Every setting, its value, and who said so
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall config show                    what holds for commands typed here
  aftercall config show --running          what holds in the server that runs
  AFTERCALL_ATTEMPTS=3 aftercall config show --json")]
pub struct Show {
    /// Ask the running server instead
    #[arg(long)]
    running: bool,
}

impl Config {
    /// Does it.
    ///
    /// # Errors
    /// With `--running`, those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let Self::Show(show) = self;
        let shown: ConfigurationView = if show.running {
            context.client()?.get("/v1/config").await?
        } else {
            view(&context.configuration)
        };
        if context.screen.json {
            context.screen.json(&shown, false)?;
        } else {
            context.screen.say(&tell(&shown))?;
        }
        Ok(Exit::Done)
    }
}

fn tell(shown: &ConfigurationView) -> String {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Null => style::faint("not set"),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    let origin = |origin: &Origin| match origin {
        Origin::Flag => style::strong("flag"),
        Origin::Environment(variable) => style::strong(&format!("environment {variable}")),
        Origin::File(place) => style::strong(&format!("file {place}")),
        Origin::Default => style::faint("default"),
    };
    let rows: Vec<Vec<String>> = shown
        .settings
        .iter()
        .map(|setting| {
            vec![
                setting.name.clone(),
                value(&setting.value),
                origin(&setting.origin),
            ]
        })
        .collect();
    let file = shown.file.as_deref().map_or_else(
        || style::faint("no configuration file was found (aftercall.toml here, or in ~/.config/aftercall)"),
        |path| format!("configuration file: {path}"),
    );
    format!("{file}\n\n{}", table::table(&["SETTING", "VALUE", "FROM"], &rows))
}
