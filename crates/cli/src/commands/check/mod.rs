//! `aftercall check`.

pub mod finding;
pub mod scan;

use std::path::PathBuf;

use clap::Args;
use domain::ProjectName;
use project::Package;
use serde_json::{Value, json};

use super::deploy::project_name;
use super::deployments;
use super::invoke::workshop::Workshop;
use crate::arguments::About;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};
use finding::{Finding, Level, When};
use scan::{Packages, Scan};

/// Tell what would fail at run time in a project, here
#[derive(Debug, Args)]
#[command(
    after_help = "It reads the project's source and imports it in the same confinement as the server would. Errors are certain to
fail: no end_function of the right shape, imports that lead nowhere, names that nothing defines, attributes and
calls that conv does not have. Warnings may fail: the same on paths that are not always taken, clock and chance
at module level, sockets, processes, files outside the run's folder. Exit status 1 if there is an error.

Examples:
  aftercall check support-desk
  aftercall check end_function.py --json | jq -r '.findings[] | \"\\(.file):\\(.line) \\(.code)\"'"
)]
pub struct Check {
    /// The project's folder, or a single .py file
    #[arg(default_value = ".")]
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
    /// `AC02xx` for a project that cannot be read, with exit status 1; faults of ours.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let package =
            Package::from_folder(&self.path).map_err(|error| Box::<CliError>::from(error).into_negative())?;
        let subject = Subject {
            name: project_name(&package, &self.path, context)?,
            entry: package.entry().to_owned(),
            files: package.files().len(),
            bytes: package.bytes(),
        };
        let negative = |code, message, fix| CliError::negative(code, message, Some(fix));
        let opened = Workshop::open(context, subject.name.clone(), package.clone(), negative).await;
        if let Err(error) = &opened
            && Finding::of_import(error).is_none()
        {
            return Err(error.clone());
        }
        let packages = match &opened {
            Ok(workshop) => workshop
                .invoker
                .packages
                .as_deref()
                .map_or(Packages::None, Packages::In),
            Err(_) if package.files().contains_key(project::REQUIREMENTS_FILE) => Packages::Unknown,
            Err(_) => Packages::None,
        };
        let scan = scan::scan(context, &package, packages).await?;
        let imported = opened.as_ref().map(|workshop| &workshop.invoker.found);
        let found = finding::merged(scan.findings.clone(), imported.map_err(|error| &**error));
        if context.screen.json {
            context
                .screen
                .json(&subject.document(opened.as_ref().ok(), &scan, &found), false)?;
        } else {
            context.screen.say(&subject.tell(opened.as_ref().ok()))?;
            for one in &found {
                context.screen.say(&one.tell())?;
            }
            context.screen.say(&verdict(&found))?;
        }
        Ok(if count(&found, Level::Error) > 0 {
            Exit::Negative
        } else {
            Exit::Done
        })
    }
}

/// What there is to say of a project beside what is wrong with it.
struct Subject {
    name: ProjectName,
    entry: String,
    files: usize,
    bytes: u64,
}

impl Subject {
    fn document(&self, workshop: Option<&Workshop>, scan: &Scan, findings: &[Finding]) -> Value {
        let found = workshop.map(|workshop| &workshop.invoker.found);
        let findings: Vec<_> = findings
            .iter()
            .map(|one| {
                let mut document = json!(one);
                document["title"] = one.code.title().into();
                document["page"] = one.code.page().into();
                document
            })
            .collect();
        json!({
            "project": self.name,
            "entry": self.entry,
            "files": self.files,
            "bytes": self.bytes,
            "python": found.map(|found| &found.python),
            "fork_way": found.map(|found| found.fork_way),
            "fork_reason": found.map(|found| &found.fork_reason),
            "confinement": found.map(|found| &found.canary.attempts),
            "packages": workshop.and_then(|workshop| workshop.invoker.lock.as_ref()).map(|lock| &lock.packages),
            "needs": scan.needs,
            "findings": findings,
        })
    }

    fn tell(&self, workshop: Option<&Workshop>) -> String {
        let mut pairs = vec![
            ("project", self.name.to_string()),
            ("entry", self.entry.clone()),
            (
                "content",
                format!("{} files, {}", self.files, time::bytes(self.bytes)),
            ),
        ];
        if let Some(workshop) = workshop {
            let found = &workshop.invoker.found;
            pairs.push(("python", found.python.clone()));
            pairs.push(("fork", format!("{} ({})", found.fork_way, found.fork_reason)));
            if let Some(lock) = &workshop.invoker.lock
                && !lock.packages.is_empty()
            {
                let all = lock.packages.iter().map(ToString::to_string);
                pairs.push(("packages", deployments::packages(all)));
            }
        }
        table::pairs(&pairs)
    }
}

fn count(found: &[Finding], level: Level) -> usize {
    found.iter().filter(|one| one.level == level).count()
}

fn verdict(found: &[Finding]) -> String {
    let (errors, warnings) = (count(found, Level::Error), count(found, Level::Warning));
    let number = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let is_undeployable = |one: &Finding| one.level == Level::Error && one.when == When::Import;
    match (errors, warnings) {
        (0, 0) => style::good("nothing wrong was found"),
        (0, _) => format!(
            "it can be deployed, with {}",
            style::warn(&number(warnings, "warning"))
        ),
        _ => {
            let fate = if found.iter().any(is_undeployable) {
                "it cannot be deployed"
            } else {
                "it would fail"
            };
            let others = if warnings > 0 {
                format!(", {}", number(warnings, "warning"))
            } else {
                String::new()
            };
            format!("{fate}: {}{others}", style::bad(&number(errors, "error")))
        }
    }
}
