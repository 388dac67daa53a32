//! A project's files in memory.

mod archive;
mod folder;
mod hash;
mod path;

use std::collections::BTreeMap;
use std::path::Path;

use domain::effect::Catalogue;
use domain::{Code, Lock};

use crate::config::conversation::ConversationDefaults;
use crate::config::{ProjectConfig, effects};
use crate::error::ProjectError;
use crate::requirements::Requirements;
use crate::unpacked::{Contents, Put};

pub use archive::MAX_ARCHIVE_BYTES;
pub use folder::IGNORE_FILE;
pub use hash::deployment_id;
pub use path::MAX_PATH_BYTES;

/// Where a project in the ADK's layout has its entry point.
pub const ENTRY_FILE: &str = "functions/end_function.py";
/// Where a small project has it.
const SMALL_ENTRY_FILE: &str = "end_function.py";
/// The project's own configuration.
pub const CONFIG_FILE: &str = "project.yaml";
/// What it says of the hosts that it talks to.
pub const EFFECTS_FILE: &str = "config/effects.yaml";
/// Most files of a project.
pub const MAX_FILES: usize = 10_000;
/// Most bytes of all files of a project together.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A project's files, checked: their paths are relative, clean and few, and one of them is the entry point.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    files: BTreeMap<String, Vec<u8>>,
    entry: String,
    config: ProjectConfig,
    effects: Catalogue,
    conversation: ConversationDefaults,
    requirements: Requirements,
}

impl Package {
    /// Reads a project from a disk: a folder, or one `.py` file that is the whole project.
    ///
    /// Hidden files, `__pycache__`, `*.pyc`, `venv`, `node_modules` and what `.aftercallignore` names (in the manner of a
    /// `.gitignore`) are left out. Symbolic links are followed as long as they stay in the folder. The entry file of a whole
    /// project (`…/functions/end_function.py`) stands for that project.
    ///
    /// # Errors
    /// `AC0213` if nothing readable is there, `AC0201` without an entry point, `AC0208` for a path or link that cannot be
    /// kept, `AC0209` beyond a limit, `AC0211` for a `project.yaml` or a file of `config` that is not valid, `AC0218` for a line of
    /// `requirements.txt` that is not allowed.
    pub fn from_folder(path: &Path) -> Result<Self, ProjectError> {
        Self::from_files(folder::read(path)?)
    }

    /// Reads what [`Self::to_tar`] wrote, or any plain tar archive of a project.
    ///
    /// # Errors
    /// `AC0208` for anything but files and folders with clean relative paths, each once; `AC0209` beyond a limit; `AC0201`
    /// without an entry point; `AC0211` for a `project.yaml` or a file of `config` that is not valid; `AC0218` for a line of `requirements.txt` that
    /// is not allowed.
    pub fn from_tar(archive: &[u8]) -> Result<Self, ProjectError> {
        Self::from_files(archive::read(archive)?)
    }

    /// Takes files that are already in memory, as path below the project and content.
    ///
    /// # Errors
    /// As [`Self::from_tar`].
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Self, ProjectError> {
        let mut size = Size::default();
        for (name, content) in &files {
            path::check(name)?;
            size.add(name, content.len() as u64)?;
            no_file_is_its_folder(name, &files)?;
        }
        let entry = entry_of(&files)?;
        let config = match files.get(CONFIG_FILE) {
            Some(text) => ProjectConfig::parse(CONFIG_FILE, text)?,
            None => ProjectConfig::default(),
        };
        let effects = match files.get(EFFECTS_FILE) {
            Some(text) => effects::parse(EFFECTS_FILE, text)?,
            None => Catalogue::default(),
        };
        let conversation = ConversationDefaults::parse(&config, |name| files.get(name).map(Vec::as_slice))?;
        let requirements = Requirements::of_project(&files)?;
        Ok(Self {
            files,
            entry,
            config,
            effects,
            conversation,
            requirements,
        })
    }

    /// The files as a tar archive: the same files make the same bytes.
    #[must_use]
    pub fn to_tar(&self) -> Vec<u8> {
        archive::write(&self.files)
    }

    /// Every file: its path below the project, and what it holds.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The path of the file that holds `end_function`: a key of [`Self::files`].
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|content| content.len() as u64).sum()
    }

    /// What `project.yaml` says; all defaults where there is none.
    #[must_use]
    pub const fn config(&self) -> &ProjectConfig {
        &self.config
    }

    /// What `config/effects.yaml` says of hosts; nothing where there is none.
    #[must_use]
    pub const fn effects(&self) -> &Catalogue {
        &self.effects
    }

    /// What its configuration says of all its conversations.
    #[must_use]
    pub const fn conversation_defaults(&self) -> &ConversationDefaults {
        &self.conversation
    }

    /// What `requirements.txt` says; nothing where there is none.
    #[must_use]
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Names everything that decides what the project does: all files (its configuration among them), the interpreter
    /// ([`crate::InterpreterFacts::identity`]), the version of the Python runtime that we bring, and the packages that its
    /// requirements became.
    #[must_use]
    pub fn content_hash(&self, interpreter: &str, runtime_version: &str, lock: Option<&Lock>) -> [u8; 32] {
        hash::content(&self.files, interpreter, runtime_version, lock)
    }

    /// The files, as a folder holds them.
    #[must_use]
    pub fn contents(&self) -> Contents<'_> {
        Contents::new(self.files.iter().map(|(name, content)| (&**name, &**content)))
    }

    /// Sees to it that `folder` holds exactly these files, all or nothing; see [`Contents::put`].
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn unpack(&self, folder: &Path) -> std::io::Result<Put> {
        self.contents().put(folder)
    }
}

/// Counts files and bytes against the limits while they are read, so that too much is never all in memory.
#[derive(Default)]
struct Size {
    files: usize,
    bytes: u64,
}

impl Size {
    fn add(&mut self, name: &str, bytes: u64) -> Result<(), ProjectError> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let message = if self.files > MAX_FILES {
            format!("the project holds more than {MAX_FILES} files")
        } else if self.bytes > MAX_BYTES {
            format!("the project holds more than {} MiB", MAX_BYTES / 1024 / 1024)
        } else {
            return Ok(());
        };
        let fix = format!(
            "leave out what end_function does not need: name it in {IGNORE_FILE}, one pattern a line"
        );
        Err(ProjectError::new(Code::ProjectTooLarge, message, fix).in_file(name))
    }
}

fn no_file_is_its_folder(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<(), ProjectError> {
    let mut folders = name.match_indices('/').map(|(end, _)| &name[..end]);
    match folders.find(|folder| files.contains_key(*folder)) {
        None => Ok(()),
        Some(both) => Err(ProjectError::new(
            Code::BadArchive,
            format!("{both:?} is a file and a folder at once"),
            "give one of them another name",
        )
        .in_file(name)),
    }
}

fn entry_of(files: &BTreeMap<String, Vec<u8>>) -> Result<String, ProjectError> {
    for name in [ENTRY_FILE, SMALL_ENTRY_FILE] {
        if files.contains_key(name) {
            return Ok(name.to_owned());
        }
    }
    match files.keys().next() {
        Some(only) if files.len() == 1 && is_python(only) && !only.contains('/') => Ok(only.clone()),
        _ => Err(ProjectError::new(
            Code::NoEndFunctionFile,
            format!("neither {ENTRY_FILE} nor {SMALL_ENTRY_FILE} is there"),
            format!(
                "put `def end_function(conv):` into {ENTRY_FILE}; `aftercall init NAME` writes a project to start from"
            ),
        )),
    }
}

fn is_python(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "py")
}
