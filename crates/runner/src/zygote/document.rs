//! The JSON packets by which a zygote is configured and says what its imports left (docs/protocol.md, section 2).

use std::path::PathBuf;

use domain::ErrorDocument;
use serde::{Deserialize, Serialize};

/// The version of the control channel.
pub const VERSION: u32 = 1;
/// Most bytes of one packet of a project's defaults: what any socket's buffer has room for.
pub const DEFAULTS_PACKET: usize = 64 * 1024;

/// What a zygote is to be.
#[derive(Debug, Clone, Serialize)]
pub struct Configure {
    pub version: u32,
    pub runtime: PathBuf,
    pub preload: PathBuf,
    pub project: PathBuf,
    pub entry: String,
    pub mode: ZygoteMode,
    pub virtualenv: Option<PathBuf>,
    pub confine: bool,
    pub base_filter: String,
    pub child_filter: String,
    pub child_read: Vec<PathBuf>,
    pub tmp_root: PathBuf,
    pub limits: LimitsDocument,
    /// Bytes of the packets that follow, [`DEFAULTS_PACKET`] each but for the last: what the project's conversations show
    /// unless they say otherwise, JSON.
    pub defaults: usize,
}

/// When the project is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ZygoteMode {
    /// In the zygote.
    Serve,
    /// In each attempt's own process, once that is confined as a child is.
    LateImport,
}

/// Limits in the units of the protocol.
#[derive(Debug, Clone, Serialize)]
pub struct LimitsDocument {
    pub cpu_s: u64,
    pub address_space: u64,
    pub file_size: u64,
    pub open_files: u64,
}

/// What a zygote answers to [`Configure`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Configured {
    /// The project is imported, or will be by each child.
    Ready(Ready),
    /// It is not.
    Failed(Failed),
}

/// What the imports left.
#[derive(Debug, Deserialize)]
pub struct Ready {
    /// The interpreter, as it calls itself.
    pub python: String,
    /// Extension modules that are not known to survive a fork without handlers.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Names of the threads that are alive beside the first.
    #[serde(default)]
    pub threads: Vec<String>,
    /// What the imports took.
    #[serde(default)]
    pub import_ms: f64,
    /// What a careful author would mend.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// Something that will run, though perhaps not as meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Warning {
    /// `AC0250` and the like.
    pub code: String,
    /// In a sentence.
    pub message: String,
    /// Relative to the project.
    #[serde(default)]
    pub file: Option<String>,
    /// From 1.
    #[serde(default)]
    pub line: Option<u32>,
}

/// Why the project cannot be used.
#[derive(Debug, Deserialize)]
pub struct Failed {
    /// `AC0203` and the like.
    pub code: String,
    /// What Python said.
    pub error: ProjectFault,
}

/// An exception, and what its author can do about it.
#[derive(Debug, Deserialize)]
pub struct ProjectFault {
    /// The exception.
    #[serde(flatten)]
    pub document: ErrorDocument,
    /// The file at fault, relative to the project.
    #[serde(default)]
    pub file: Option<String>,
    /// From 1.
    #[serde(default)]
    pub line: Option<u32>,
    /// What to do about it.
    #[serde(default)]
    pub fix: Option<String>,
}

/// The last packet before forks: which way they are made.
#[derive(Debug, Serialize)]
pub struct Go {
    pub go: GoFork,
}

/// See [`Go`].
#[derive(Debug, Serialize)]
pub struct GoFork {
    pub fork: &'static str,
    pub settle: bool,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{} {file}:{line}: {}", self.code, self.message),
            (Some(file), None) => write!(f, "{} {file}: {}", self.code, self.message),
            _ => write!(f, "{} {}", self.code, self.message),
        }
    }
}
