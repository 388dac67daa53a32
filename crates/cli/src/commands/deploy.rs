//! `aftercall deploy`.

use std::path::{Path, PathBuf};

use api::{ActivationRequest, ActivationView, DeploymentDetail};
use clap::Args;
use domain::{Code, Environment, ProjectName};
use http::Method;
use project::Package;

use super::check::finding::{self, Finding};
use super::check::scan::{self, Packages};
use super::deployments;
use crate::arguments::About;
use crate::client::query;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// Hand a project to the server; it becomes active in sandbox
#[derive(Debug, Args)]
#[command(
    after_help = "The project is checked, imported once on the server and kept as an immutable deployment, named by its content.
Exit status 1 if the project is refused. What `aftercall check` can tell here of failures at run time is said as well,
and refuses nothing.

Examples:
  aftercall deploy support-desk --message 'tell the desk about refunds'
  aftercall deploy end_function.py --project hello
  aftercall deploy support-desk --to live             and promote it at once"
)]
pub struct Deploy {
    /// The project's folder, or a single .py file
    path: PathBuf,
    /// The project's name [default: `name` in project.yaml, else the folder's]
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    /// What is new in it
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Make it active in this environment too
    #[arg(long, value_name = "ENV")]
    to: Option<Environment>,
}

impl Deploy {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        About::project(&self.project).flags()
    }

    /// Does it.
    ///
    /// # Errors
    /// `AC02xx` with file and line for a project that cannot be used, and those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let package = Package::from_folder(&self.path)?;
        let name = project_name(&package, &self.path, context)?;
        let client = context.client()?;
        let path = query(
            "/v1/deployments",
            &[
                ("project", Some(name.to_string())),
                ("message", self.message.clone()),
            ],
        );
        let archive = package.to_tar();
        let done: DeploymentDetail = client
            .send(Method::POST, &path, Some(api::TAR), archive.into())
            .await?
            .read()?;
        let id = done.deployment.id;
        let promoted = match self.to {
            None | Some(Environment::Sandbox) => None,
            Some(environment) => {
                let wanted = ActivationRequest {
                    project: Some(name.clone()),
                    environment,
                    deployment: id.to_string(),
                };
                Some(
                    client
                        .post::<_, ActivationView>("/v1/activations", &wanted)
                        .await?,
                )
            }
        };
        let findings = looked_at(&package, &done.deployment.warnings, context).await;
        if context.screen.json {
            let answer = serde_json::json!({
                "deployment": done.deployment, "new": done.new, "promoted": promoted, "findings": findings,
            });
            context.screen.json(&answer, false)?;
            return Ok(Exit::Done);
        }
        context
            .screen
            .say(&deployments::tell(&done.deployment, context))?;
        let known = if done.new {
            ""
        } else {
            " (this very content was there before)"
        };
        let live = promoted
            .map(|done| format!(" and {}", done.environment))
            .unwrap_or_default();
        context.screen.say(&format!(
            "{} active in sandbox{live}{known}",
            style::good("deployed:")
        ))?;
        for one in &findings {
            context.screen.note(one.tell().trim_end());
        }
        if self.to.is_none() {
            let next = format!(
                "next: aftercall deployments promote {} --to live --project {name}",
                id.short()
            );
            context.screen.note(&style::faint(&next));
        }
        Ok(Exit::Done)
    }
}

/// What the source here tells of failures to come, which the import on the server did not. The deployment stands
/// whatever is found, so a look that is not possible (no interpreter here) is no error of `deploy`.
async fn looked_at(package: &Package, warnings: &[String], context: &Context) -> Vec<Finding> {
    let packages = if package.files().contains_key(project::REQUIREMENTS_FILE) {
        Packages::Unknown
    } else {
        Packages::None
    };
    match scan::scan(context, package, packages).await {
        Ok(scan) => finding::beside(scan.findings, warnings),
        Err(error) => {
            context
                .screen
                .note(&style::faint(&format!("not checked here: {}", error.message)));
            Vec::new()
        }
    }
}

/// The project's name: said, or in its configuration, or its folder's.
pub(super) fn project_name(
    package: &Package,
    path: &Path,
    context: &Context,
) -> Result<ProjectName, Box<CliError>> {
    if let Some(name) = context.configuration.project()? {
        return Ok(name);
    }
    if let Some(name) = &package.config().aftercall.name {
        return Ok(name.clone());
    }
    let nameless = || {
        CliError::usage(
            Code::BadConfiguration,
            format!("{} gives the project no usable name", path.display()),
            "name it: --project NAME, or `aftercall: {name: NAME}` in project.yaml",
        )
    };
    let absolute = path.canonicalize().map_err(|_| nameless())?;
    // A file of a project stands for the project; a lone file is named by itself.
    let folder = if path.ends_with(project::ENTRY_FILE) {
        absolute.ancestors().nth(2)
    } else {
        Some(&*absolute)
    };
    let stem = folder
        .and_then(Path::file_stem)
        .map(|stem| stem.to_string_lossy().to_lowercase());
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    name.trim_start_matches(['-', '_'])
        .parse()
        .map_err(|_| nameless())
}
