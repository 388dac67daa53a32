//! `aftercall keys`.

use api::{CreatedKey, KeyList, KeyRequest, KeyView, Scope};
use bytes::Bytes;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use domain::Environment;
use http::Method;

use super::unknown_project::unknown_project;
use crate::arguments::About;
use crate::client::{escape, problem};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// API keys: create, list, revoke
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  aftercall keys create 'phone platform' --project support-desk --env live
  aftercall keys list
  aftercall keys revoke 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d")]
pub enum Keys {
    /// Make a key; its secret is shown this once
    Create(Create),
    /// All keys, without their secrets
    List(List),
    /// End a key
    Revoke(Revoke),
}

/// Make a key; its secret is shown this once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall keys create 'phone platform' --project support-desk --env live
  aftercall keys create ci --scope admin --env sandbox --env pre-release")]
pub struct Create {
    /// What to call it
    label: String,
    /// What it may do; each word includes those before it
    #[arg(long, value_enum, default_value = "ingest")]
    scope: ScopeWord,
    /// For this project only
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    /// For these environments; may be given several times
    #[arg(long = "env", short, value_name = "ENV", required = true)]
    environments: Vec<Environment>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeWord {
    Ingest,
    Operate,
    Admin,
}

/// All keys, without their secrets
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aftercall keys list")]
pub struct List {}

/// End a key
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aftercall keys revoke 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d")]
pub struct Revoke {
    /// Its id, as `keys list` shows it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

impl Keys {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        match self {
            Self::Create(create) => About::project(&create.project).flags(),
            Self::List(_) | Self::Revoke(_) => Vec::new(),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(_) => list(context).await,
            Self::Revoke(revoke) => revoke.run(context).await,
        }
    }
}

impl Create {
    async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let wanted = KeyRequest {
            label: self.label.clone(),
            project: context.configuration.project()?,
            environments: self.environments.clone(),
            scope: match self.scope {
                ScopeWord::Ingest => Scope::Ingest,
                ScopeWord::Operate => Scope::Operate,
                ScopeWord::Admin => Scope::Admin,
            },
        };
        let client = context.client()?;
        let made: CreatedKey = client.post("/v1/keys", &wanted).await?;
        if context.screen.json {
            context.screen.json(&made, false)?;
        } else {
            context.screen.note(&style::faint(&format!(
                "made key {} ({}); it is shown this once:",
                made.key.id, made.key.label
            )));
            context.screen.say(&made.secret)?;
            // The key is made: that the question has no answer is no reason to say that it is not.
            if let Some(project) = &made.key.project
                && let Ok(Some(_)) = unknown_project(&client, project).await
            {
                context.screen.note(&format!(
                    "{} nothing is deployed yet of a project {project}",
                    style::warn("note:")
                ));
            }
        }
        Ok(Exit::Done)
    }
}

async fn list(context: &Context) -> Result<Exit, Box<CliError>> {
    let all: KeyList = context.client()?.get("/v1/keys").await?;
    if context.screen.json {
        context.screen.json(&all, false)?;
    } else {
        let rows: Vec<_> = all.keys.iter().map(|key| row(key, context)).collect();
        context.screen.say(&table::table(
            &["ID", "LABEL", "SCOPE", "PROJECT", "ENVIRONMENTS", "MADE", ""],
            &rows,
        ))?;
    }
    Ok(Exit::Done)
}

fn row(key: &KeyView, context: &Context) -> Vec<String> {
    let environments: Vec<_> = key.environments.iter().map(Environment::to_string).collect();
    vec![
        key.id.to_string(),
        style::safe(&key.label).into_owned(),
        key.scope.as_str().to_owned(),
        key.project
            .as_ref()
            .map_or_else(|| style::faint("all"), ToString::to_string),
        environments.join(", "),
        time::relative(key.created_at, context.screen.now),
        key.revoked_at.map(|_| style::warn("ended")).unwrap_or_default(),
    ]
}

impl Revoke {
    async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let path = format!("/v1/keys/{}", escape(&self.id));
        let answer = context
            .client()?
            .send(Method::DELETE, &path, None, Bytes::new())
            .await?;
        if !answer.status.is_success() {
            return Err(problem(&answer));
        }
        if context.screen.json {
            context
                .screen
                .json(&serde_json::json!({ "id": self.id, "revoked": true }), false)?;
        } else {
            context.screen.say(&format!("key {} is ended", self.id))?;
        }
        Ok(Exit::Done)
    }
}
