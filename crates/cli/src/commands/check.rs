//! `aftercall check`.

use std::path::PathBuf;

use clap::Args;
use project::Package;

use super::deploy::project_name;
use super::deployments;
use super::invoke::workshop::Workshop;
use crate::arguments::About;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// Look for mistakes in a project, here
#[derive(Debug, Args)]
#[command(
    after_help = "It reads the project, imports it in the same confinement as the server would, and tells what it found:
syntax errors, a missing end_function, imports that fail or hang, HTTP at import time, a configuration that is not valid.
Exit status 1 if the project could not be deployed.

Examples:
  aftercall check support-desk
  aftercall check end_function.py --json"
)]
pub struct Check {
    /// The project's folder, or a single .py file
    path: PathBuf,
    /// The project's name [default: `name` in project.yaml, else the folder's]
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
}

impl Check {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        About::project(&self.project).flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// `AC02xx` for what is wrong with the project, with exit status 1.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let package =
            Package::from_folder(&self.path).map_err(|error| Box::<CliError>::from(error).into_negative())?;
        let name = project_name(&package, &self.path, context)?;
        let (entry, files, bytes) = (package.entry().to_owned(), package.files().len(), package.bytes());
        let negative = |code, message, fix| CliError::negative(code, message, Some(fix));
        let workshop = Workshop::open(context, name.clone(), package, negative).await?;
        let found = &workshop.invoker.found;
        let packages = workshop
            .invoker
            .lock
            .as_ref()
            .map(|lock| &*lock.packages)
            .unwrap_or_default();
        if context.screen.json {
            context.screen.json(
                &serde_json::json!({
                    "project": name, "entry": entry, "files": files, "bytes": bytes, "python": found.python,
                    "fork_way": found.fork_way, "fork_reason": found.fork_reason, "warnings": found.warnings,
                    "confinement": found.canary.attempts, "packages": packages,
                }),
                false,
            )?;
            return Ok(Exit::Done);
        }
        let mut pairs = vec![
            ("project", name.to_string()),
            ("entry", entry),
            ("content", format!("{files} files, {}", time::bytes(bytes))),
            ("python", found.python.clone()),
            ("fork", format!("{} ({})", found.fork_way, found.fork_reason)),
        ];
        if !packages.is_empty() {
            let all = packages.iter().map(ToString::to_string);
            pairs.push(("packages", deployments::packages(all)));
        }
        context.screen.say(&table::pairs(&pairs))?;
        for warning in &found.warnings {
            context
                .screen
                .say(&format!("{} {warning}", style::warn("warning:")))?;
        }
        let verdict = match found.warnings.len() {
            0 => style::good("nothing wrong was found"),
            count => format!(
                "it can be deployed, with {}",
                style::warn(&format!("{count} warnings"))
            ),
        };
        context.screen.say(&verdict)?;
        Ok(Exit::Done)
    }
}
