//! What a project's `requirements.txt` became: every package of its environment, by the bytes that are installed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The packages of a deployment's environment. Made once, by resolving; installed from, ever after, without resolving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// SHA-256, hexadecimal, over what was resolved: the requirements, the interpreter and the settings that decide.
    pub requirements: String,
    /// By name, each once.
    pub packages: Vec<LockedPackage>,
}

/// One package of a [`Lock`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    /// As it calls itself: `typing_extensions`.
    pub name: String,
    /// Which: `4.16.0`.
    pub version: String,
    /// What is installed: the wheel's file name, or that of the source it is built from.
    pub file: String,
    /// SHA-256 over that file, hexadecimal.
    pub sha256: String,
}

impl fmt::Display for LockedPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}
