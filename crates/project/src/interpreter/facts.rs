//! What an interpreter tells of itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The oldest Python that runs projects.
pub const MINIMUM_PYTHON: (u32, u32) = (3, 11);

/// Where an interpreter has its parts, as it told itself. All paths are absolute; lists hold what exists, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterpreterFacts {
    /// What to start: `sys.executable`, which a version manager's shim is not. In a virtual environment this is its
    /// `bin/python`, a link that must be started by this name to find its packages.
    pub executable: PathBuf,
    /// The file that really runs: `executable` with all links resolved.
    pub real_executable: PathBuf,
    /// `sys.implementation.name`: `cpython`.
    pub implementation: String,
    /// Major, minor, micro.
    pub version: (u32, u32, u32),
    /// As it calls itself: `3.11.7`, `3.14.0rc2`.
    pub version_text: String,
    /// `EXT_SUFFIX` of extension modules: names version, platform and whether it runs without the global lock.
    pub abi: String,
    /// `sys.prefix`: the virtual environment, or the same as `base_prefix`.
    pub prefix: PathBuf,
    /// `sys.base_prefix`: the installation.
    pub base_prefix: PathBuf,
    /// The standard library.
    pub stdlib: PathBuf,
    /// The standard library's part for this platform.
    pub platstdlib: PathBuf,
    /// Folders of installed packages (`purelib`, `platlib`, the system's `dist-packages`).
    pub packages: Vec<PathBuf>,
    /// The shared `libpython`, where the executable is linked to one.
    pub libpython: Option<PathBuf>,
    /// CA certificates: files and folders that its `ssl` reads by default.
    pub certificates: Vec<PathBuf>,
    /// Folders that its `zoneinfo` reads.
    pub zoneinfo: Vec<PathBuf>,
    /// A pip that it can run: the path of the package `pip`, in a folder or in the wheel that Python brings along.
    #[serde(default)]
    pub pip: Option<PathBuf>,
}

impl InterpreterFacts {
    /// What decides about a project's behaviour, with no path of this machine: `cpython 3.11.7 .cpython-311-x86_64-linux-gnu.so`.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{} {} {}", self.implementation, self.version_text, self.abi)
    }

    /// What decides which packages fit it, and what makes one environment as good as another: no patch release.
    #[must_use]
    pub fn packages_identity(&self) -> String {
        let (major, minor, _) = self.version;
        format!("{} {major}.{minor} {}", self.implementation, self.abi)
    }

    /// Its name for people: `Python 3.11.7`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.implementation.as_str() {
            "cpython" => format!("Python {}", self.version_text),
            other => format!("{other} {}", self.version_text),
        }
    }

    /// Everything that must be readable for it to start and import, beside itself: the standard library, packages,
    /// `libpython`, certificates, time zones.
    #[must_use]
    pub fn library(&self) -> Vec<PathBuf> {
        let mut all = vec![self.stdlib.clone(), self.platstdlib.clone()];
        all.extend(
            self.packages
                .iter()
                .chain(&self.libpython)
                .chain(&self.certificates)
                .chain(&self.zoneinfo)
                .cloned(),
        );
        all.dedup();
        all
    }
}
