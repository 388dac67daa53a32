//! `aftercall stubs`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::Code;

use super::carried::{self, STUBS};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// Where Pyright, Pylance and the settings of `aftercall init` look for stubs, below a project.
pub const FOLDER: &str = "typings";
/// How each of our files there begins; one that begins otherwise is somebody else's.
const OURS: &str = "# Generated from Aftercall's runtime";
/// Set aside where a project has modules of its own of that name: the stubs would hide them.
const SHARED_PACKAGE: &str = "utils";

/// Type stubs of `_gen` and its like, for editors and type checkers
#[derive(Debug, Args)]
#[command(
    after_help = "`_gen`, `imports`, `polyai`, `plog` and `utils.secret_vault` are there when a function runs, but not installed.
Their stubs go into typings/, where VS Code (Pylance) and Pyright look by themselves; mypy needs
`mypy_path = \"typings\"`. A _gen/ of the project is left as it is. `aftercall init` writes them too.

Examples:
  aftercall stubs
  aftercall stubs support-desk
  aftercall stubs support-desk --check      exit status 1 if they are of another version"
)]
pub struct Stubs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Write nothing: say whether they are of this version
    #[arg(long)]
    check: bool,
}

impl Stubs {
    /// Writes what is not as it should be, or tells of it.
    ///
    /// # Errors
    /// `AC0213` if there is no folder, `AC0804` if a file there is somebody else's, `AC0802` if one cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        if !self.folder.is_dir() {
            return Err(CliError::usage(
                Code::NoSuchFolder,
                format!("{} is no folder", self.folder.display()),
                "name the project's folder",
            ));
        }
        let stale = stale(&self.folder)?;
        if !self.check {
            for (path, text) in &stale {
                match text {
                    Some(text) => carried::write_own(path, text)?,
                    None => fs::remove_file(path).map_err(|error| unreadable(path, &error))?,
                }
            }
        }
        let exit = if self.check && !stale.is_empty() {
            Exit::Negative
        } else {
            Exit::Done
        };
        if context.screen.json {
            let files: Vec<_> = stale.iter().map(|(path, _)| path).collect();
            let answer = serde_json::json!({ "folder": self.folder.join(FOLDER), "stale": files, "written": !self.check });
            context.screen.json(&answer, false)?;
        } else {
            context.screen.say(&self.tell(&stale))?;
        }
        Ok(exit)
    }

    fn tell(&self, stale: &[(PathBuf, Option<&str>)]) -> String {
        let folder = self.folder.join(FOLDER);
        let folder = folder.display();
        match (stale.len(), self.check) {
            (0, _) => format!("{} {folder} is of this version", style::good("up to date:")),
            (count, true) => format!(
                "{} {count} files in {folder} are not of this version\n  {} aftercall stubs {}",
                style::warn("stale:"),
                style::faint("fix:"),
                self.folder.display()
            ),
            (count, false) => format!(
                "{} {count} files in {folder}\n  VS Code and Pyright find them; for mypy set `mypy_path = \"{FOLDER}\"`",
                style::good("wrote")
            ),
        }
    }
}

/// The stubs that belong into a project, below its folder.
pub fn of_project(project: &Path) -> impl Iterator<Item = (PathBuf, &'static str)> {
    let has_own =
        project.join(SHARED_PACKAGE).is_dir() || project.join(SHARED_PACKAGE).with_extension("py").is_file();
    STUBS
        .iter()
        .filter(move |(name, _)| !(has_own && Path::new(name).starts_with(SHARED_PACKAGE)))
        .map(|(name, text)| (Path::new(FOLDER).join(name), *text))
}

/// Files that are not as they should be, with what should be there: nothing, for one of ours that is no more.
fn stale(project: &Path) -> Result<Vec<(PathBuf, Option<&'static str>)>, Box<CliError>> {
    let mut stale = Vec::new();
    let mut wanted = Vec::new();
    for (name, text) in of_project(project) {
        let path = project.join(name);
        match fs::read_to_string(&path) {
            Ok(there) if there == text => {}
            Ok(there) if !there.starts_with(OURS) => return Err(carried::there_already(&path)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unreadable(&path, &error));
            }
            _ => stale.push((path.clone(), Some(text))),
        }
        wanted.push(path);
    }
    // Modules that an older version had.
    for entry in fs::read_dir(project.join(FOLDER).join("_gen"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        let is_ours = || fs::read_to_string(&path).is_ok_and(|there| there.starts_with(OURS));
        if !wanted.contains(&path) && is_ours() {
            stale.push((path, None));
        }
    }
    Ok(stale)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<CliError> {
    CliError::usage(
        Code::BadInputFile,
        format!("{} cannot be used: {error}", path.display()),
        "look at its permissions",
    )
}
