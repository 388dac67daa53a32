//! `aftercall init`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Code, ProjectName};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// The files of a new project; `@NAME@` stands for its name.
const FILES: [(&str, &str); 7] = [
    ("project.yaml", include_str!("../../template/project.yaml")),
    ("functions/__init__.py", ""),
    (
        "functions/end_function.py",
        include_str!("../../template/functions/end_function.py"),
    ),
    (
        "functions/summary.py",
        include_str!("../../template/functions/summary.py"),
    ),
    (
        "conversations/resolved.json",
        include_str!("../../template/conversations/resolved.json"),
    ),
    (
        "conversations/hung_up.json",
        include_str!("../../template/conversations/hung_up.json"),
    ),
    ("README.md", include_str!("../../template/README.md")),
];

/// Write a project to start from
#[derive(Debug, Args)]
#[command(
    after_help = "It writes a function with a helper, two conversations to try it on, and a README. It never overwrites.

Examples:
  aftercall init support-desk
  aftercall init . --name support-desk"
)]
pub struct Init {
    /// The folder; it is made if it is not there
    folder: PathBuf,
    /// The project's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    name: Option<ProjectName>,
}

impl Init {
    /// Does it.
    ///
    /// # Errors
    /// `AC0804` if one of the files is there already (then nothing is written); `AC0802` if they cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let name = self.project_name()?;
        for (file, _) in FILES {
            if self.folder.join(file).exists() {
                return Err(CliError::usage(
                    Code::AlreadyExists,
                    format!("{} is there already", self.folder.join(file).display()),
                    "name another folder; nothing was written",
                ));
            }
        }
        for (file, text) in FILES {
            write(&self.folder.join(file), &text.replace("@NAME@", name.as_str()))?;
        }
        if context.screen.json {
            let files: Vec<_> = FILES.iter().map(|(file, _)| *file).collect();
            let answer = serde_json::json!({ "name": name, "folder": self.folder, "files": files });
            context.screen.json(&answer, false)?;
        } else {
            context.screen.say(&self.tell(&name))?;
        }
        Ok(Exit::Done)
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

    fn tell(&self, name: &ProjectName) -> String {
        let folder = self.folder.display();
        let files: String = FILES
            .iter()
            .map(|(file, _)| format!("  {folder}/{file}\n"))
            .collect();
        format!(
            "{} {name}\n{files}\nnext\n  aftercall invoke {folder} {folder}/conversations/*.json\n  aftercall invoke {folder} {folder}/conversations/*.json --watch\n",
            style::good("made project")
        )
    }
}

fn write(path: &Path, text: &str) -> Result<(), Box<CliError>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        CliError::usage(
            Code::BadInputFile,
            format!("{} cannot be written: {error}", path.display()),
            "name a folder that can be",
        )
    })
}
