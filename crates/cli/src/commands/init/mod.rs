//! `aftercall init`.

mod report;
mod takeover;

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Code, ProjectName};

use super::carried::{self, TEMPLATE};
use super::stubs;
use crate::context::Context;
use crate::error::{CliError, Exit};

/// Stands for the project's name in the template.
const NAME: &str = "@NAME@";

/// Write a project to start from
#[derive(Debug, Args)]
#[command(
    after_help = "It writes a function with a helper, conversations to try it on, a test, type stubs for your editor, and a README.
With --from it takes over the functions and the configuration of a project of the vendor's ADK instead, and
tells what it uses: secrets, APIs, packages, and calls that fail or do nothing after the conversation.
It never overwrites.

Examples:
  aftercall init support-desk
  aftercall init --from ~/agents/front-desk front-desk"
)]
pub struct Init {
    /// The folder; it is made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Take over the project in this folder, laid out as the ADK does
    #[arg(long, value_name = "ADK_FOLDER")]
    from: Option<PathBuf>,
    /// The project's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    name: Option<ProjectName>,
}

/// A file to be written, below the project's folder.
type File = (PathBuf, Vec<u8>);

impl Init {
    /// Does it.
    ///
    /// # Errors
    /// `AC0804` if one of the files is there already (then nothing is written); `AC0802` if they cannot be written;
    /// with `--from`, `AC02xx` for a project that cannot be read.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let name = self.project_name()?;
        let Some(from) = &self.from else {
            let template = TEMPLATE.iter().map(|(file, text)| {
                (
                    PathBuf::from(file),
                    text.replace(NAME, name.as_str()).into_bytes(),
                )
            });
            let files = self.write(template.collect(), self.folder.as_path())?;
            report::made(context, &name, &self.folder, &files)?;
            return Ok(Exit::Done);
        };
        self.stands_apart_from(from)?;
        let taken = takeover::take_over(from, &name, context).await?;
        let own = taken
            .files
            .iter()
            .map(|(file, content)| (PathBuf::from(file), content.clone()));
        let beside = takeover::beside(&taken, &name).into_iter();
        let files = own
            .chain(beside.map(|(file, text)| (file, text.into_bytes())))
            .collect();
        let files = self.write(files, from)?;
        report::taken_over(context, &name, &self.folder, from, &taken, &files)?;
        Ok(Exit::Done)
    }

    /// Writes the files and the stubs that go with what is in `source`: all, or none.
    fn write(&self, mut files: Vec<File>, source: &Path) -> Result<Vec<PathBuf>, Box<CliError>> {
        let stubs = stubs::of_project(source).map(|(file, text)| (file, text.as_bytes().to_vec()));
        files.extend(stubs);
        if let Some((file, _)) = files.iter().find(|(file, _)| self.folder.join(file).exists()) {
            return Err(carried::there_already(&self.folder.join(file)));
        }
        for (file, content) in &files {
            carried::write_new(&self.folder.join(file), content)?;
        }
        Ok(files.into_iter().map(|(file, _)| file).collect())
    }

    fn stands_apart_from(&self, from: &Path) -> Result<(), Box<CliError>> {
        let (Ok(source), Ok(target)) = (from.canonicalize(), std::path::absolute(&self.folder)) else {
            return Ok(()); // what is not there is told by who reads it
        };
        let target = target.canonicalize().unwrap_or(target);
        if target.starts_with(&source) {
            return Err(CliError::usage(
                Code::AlreadyExists,
                format!(
                    "{} lies within the project that is taken over",
                    self.folder.display()
                ),
                "name a folder beside it; as it is, it can be deployed too: see `aftercall check` and `aftercall stubs`",
            ));
        }
        Ok(())
    }

    fn project_name(&self) -> Result<ProjectName, Box<CliError>> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let unusable = || {
            CliError::usage(
                Code::BadConfiguration,
                format!("{} gives the project no usable name", self.folder.display()),
                "name it: --name NAME (lower-case letters, digits, '-' and '_')",
            )
        };
        let absolute = std::path::absolute(&self.folder).map_err(|_| unusable())?;
        let last = absolute
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase().replace([' ', '.'], "-"));
        last.unwrap_or_default().parse().map_err(|_| unusable())
    }
}
