//! `aftercall config`.

use std::path::PathBuf;

use api::{ConfigurationView, FixedLimit, LimitUnit, Origin};
use clap::{Args, Subcommand};
use project::Package;

use crate::configuration::view;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Settings and where each comes from
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall config show
  aftercall config conv support-desk | jq .handoffs")]
pub enum Config {
    /// Every setting, its value, and who said so; and the limits that no setting changes
    Show(Show),
    /// What `conv` shows in a project where a conversation is silent, JSON
    Conv(Conv),
}

/// Every setting, its value, and who said so; and the limits that no setting changes
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

/// What `conv` shows in a project where a conversation is silent, JSON
#[derive(Debug, Args)]
#[command(
    after_help = "It comes from project.yaml and config/*.yaml: handoffs, SMS templates, variants, translations,
and what kind of value each entity is. aftercall.testing asks for it here, so that a test shows
what a server shows.

Examples:
  aftercall config conv support-desk | jq .handoffs"
)]
pub struct Conv {
    /// The project's folder, or a single .py file
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Config {
    /// Does it.
    ///
    /// # Errors
    /// With `--running`, those of a request; `AC02xx` for a project that cannot be read.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let show = match self {
            Self::Show(show) => show,
            Self::Conv(conv) => {
                let package = Package::from_folder(&conv.path)?;
                context.screen.json(package.conversation_defaults(), false)?;
                return Ok(Exit::Done);
            }
        };
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
    let settings = table::table(&["SETTING", "VALUE", "FROM"], &rows);
    let limits: Vec<_> = shown.limits.iter().map(limit).collect();
    if limits.is_empty() {
        return format!("{file}\n\n{settings}");
    }
    let limits = table::table(&["FIXED LIMIT", "VALUE", "OF"], &limits);
    format!("{file}\n\n{settings}\n{limits}")
}

fn limit(limit: &FixedLimit) -> Vec<String> {
    let value = match limit.unit {
        LimitUnit::Bytes if limit.value.is_multiple_of(MIB) => {
            format!("{} MiB", in_groups(limit.value / MIB))
        }
        LimitUnit::Bytes if limit.value.is_multiple_of(KIB) => {
            format!("{} KiB", in_groups(limit.value / KIB))
        }
        LimitUnit::Bytes => format!("{} bytes", in_groups(limit.value)),
        LimitUnit::Seconds => format!("{} s", in_groups(limit.value)),
        LimitUnit::Count => in_groups(limit.value),
    };
    vec![limit.name.clone(), value, limit.about.clone()]
}

/// `1,000,000`.
fn in_groups(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_in_the_unit_that_it_is_written_in() {
        let told = |value, unit| {
            let (name, about) = ("one".to_owned(), "of all".to_owned());
            limit(&FixedLimit {
                name,
                value,
                unit,
                about,
            })
            .swap_remove(1)
        };
        assert_eq!(told(8 << 20, LimitUnit::Bytes), "8 MiB");
        assert_eq!(told(64 << 10, LimitUnit::Bytes), "64 KiB");
        assert_eq!(told(1_500, LimitUnit::Bytes), "1,500 bytes");
        assert_eq!(told(300, LimitUnit::Seconds), "300 s");
        assert_eq!(told(999, LimitUnit::Count), "999");
        assert_eq!(told(1_000_000, LimitUnit::Count), "1,000,000");
    }
}
