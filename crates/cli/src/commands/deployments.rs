//! `aftercall deployments`.

use api::{ActivationRequest, ActivationView, DeploymentList, DeploymentView};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use domain::Environment;

use crate::arguments::About;
use crate::client::escape;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// Deployments: list, show, promote
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall deployments list --project support-desk
  aftercall deployments show 4be1f0
  aftercall deployments promote 4be1f0 --to live")]
pub enum Deployments {
    /// A project's deployments, newest first
    List(List),
    /// One deployment
    Show(Show),
    /// Make a deployment the active one of an environment; an older one too (rollback)
    Promote(Promote),
}

/// A project's deployments, newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aftercall deployments list --project support-desk")]
pub struct List {
    /// The project [default: the key's, or the only one that there is]
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
}

/// One deployment
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aftercall deployments show 4be1f0")]
pub struct Show {
    /// Its id, or the beginning of it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    deployment: String,
}

/// Make a deployment the active one of an environment; an older one too (rollback)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall deployments promote 4be1f0 --to live
  aftercall deployments promote 9a03c2 --to live      back to an older one")]
pub struct Promote {
    /// Its id, or the beginning of it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    deployment: String,
    /// The environment
    #[arg(long, value_name = "ENV")]
    to: Environment,
    /// The project [default: the key's, or the only one that there is]
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
}

impl Deployments {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let project = match self {
            Self::List(list) => list.project.clone(),
            Self::Promote(promote) => promote.project.clone(),
            Self::Show(_) => None,
        };
        About {
            project,
            environment: None,
        }
        .flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        match self {
            Self::List(_) => list(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Promote(promote) => promote.run(context).await,
        }
    }
}

async fn list(context: &Context) -> Result<Exit, Box<CliError>> {
    let all: DeploymentList = context
        .client()?
        .get(&context.path("/v1/deployments", &[])?)
        .await?;
    if context.screen.json {
        context.screen.json(&all, false)?;
        return Ok(Exit::Done);
    }
    if all.deployments.is_empty() {
        context
            .screen
            .say("no deployments yet; `aftercall deploy FOLDER` makes one")?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = all
        .deployments
        .iter()
        .map(|one| {
            vec![
                style::strong(&one.id.short()),
                one.project.to_string(),
                active(one),
                time::relative(one.created_at, context.screen.now),
                one.fork_way.to_string(),
                style::safe(one.message.as_deref().unwrap_or_default()).into_owned(),
            ]
        })
        .collect();
    context.screen.say(&table::table(
        &["DEPLOYMENT", "PROJECT", "ACTIVE IN", "MADE", "FORK", "MESSAGE"],
        &rows,
    ))?;
    Ok(Exit::Done)
}

fn active(deployment: &DeploymentView) -> String {
    let all: Vec<_> = deployment.active_in.iter().map(Environment::to_string).collect();
    if all.is_empty() {
        style::faint("-")
    } else {
        style::good(&all.join(", "))
    }
}

impl Show {
    async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let one: DeploymentView = context
            .client()?
            .get(&format!("/v1/deployments/{}", escape(&self.deployment)))
            .await?;
        if context.screen.json {
            context.screen.json(&one, false)?;
        } else {
            context.screen.say(&tell(&one, context))?;
        }
        Ok(Exit::Done)
    }
}

/// A deployment for a person: also what `deploy` says of a new one.
pub(super) fn tell(one: &DeploymentView, context: &Context) -> String {
    let screen = &context.screen;
    let made = format!(
        "{} ({})",
        time::moment(one.created_at, &screen.zone),
        time::relative(one.created_at, screen.now)
    );
    let mut pairs = vec![
        ("deployment", one.id.to_string()),
        ("project", one.project.to_string()),
        ("active in", active(one)),
        ("made", made),
        ("entry", one.entry.clone()),
        (
            "content",
            format!("{} files, {}", one.files, time::bytes(one.bytes)),
        ),
        ("python", one.python.clone()),
        ("fork", format!("{} ({})", one.fork_way, one.fork_reason)),
    ];
    if !one.packages.is_empty() {
        let all = one
            .packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version));
        pairs.push(("packages", packages(all)));
    }
    if let Some(message) = &one.message {
        pairs.push(("message", style::safe(message).into_owned()));
    }
    let warnings: String = one
        .warnings
        .iter()
        .map(|text| format!("{} {text}\n", style::warn("warning:")))
        .collect();
    table::pairs(&pairs) + &warnings
}

/// A list of packages for a person: `2 (idna 3.20, requests 2.34.2)`.
pub(super) fn packages(all: impl Iterator<Item = String>) -> String {
    let all: Vec<_> = all.map(|text| style::safe(&text).into_owned()).collect();
    format!("{} ({})", all.len(), all.join(", "))
}

impl Promote {
    async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let wanted = ActivationRequest {
            project: context.configuration.project()?,
            environment: self.to,
            deployment: self.deployment.clone(),
        };
        let done: ActivationView = context.client()?.post("/v1/activations", &wanted).await?;
        if context.screen.json {
            context.screen.json(&done, false)?;
            return Ok(Exit::Done);
        }
        let before = match done.previous {
            Some(previous) if previous == done.deployment => " (it was before)".to_owned(),
            Some(previous) => format!(" in place of {}", previous.short()),
            None => String::new(),
        };
        let released = match done.released_runs {
            0 => String::new(),
            count => format!("; {count} runs that waited for it begin"),
        };
        context.screen.say(&format!(
            "{} is now active in {} of {}{before}{released}",
            style::strong(&done.deployment.short()),
            style::good(done.environment.as_str()),
            done.project,
        ))?;
        Ok(Exit::Done)
    }
}
