//! Deployments: a project's content, frozen and named by its hash.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{BadId, ProjectName};
use crate::lock::Lock;

/// SHA-256 over everything that decides what a deployment does; shown as 64 hexadecimal digits, accepted by any unique prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentId([u8; 32]);

/// How many digits of a deployment's id are shown where space is short.
pub const SHORT_DIGITS: usize = 12;

impl DeploymentId {
    /// Takes a finished hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first [`SHORT_DIGITS`] digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..SHORT_DIGITS].to_owned()
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeploymentId({self})")
    }
}

impl FromStr for DeploymentId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId {
            expected: "a deployment's id (64 hexadecimal digits)",
            found: text.to_owned(),
        };
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad());
        }
        let mut bytes = [0u8; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for DeploymentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeploymentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// How a deployment's attempts get their processes: decided by what was alive in its zygote after the imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkWay {
    /// glibc's `_Fork`, which skips at-fork handlers: one thread, only extension modules that are known.
    #[serde(rename = "_fork")]
    RawFork,
    /// `os.fork`: other extension modules were loaded, and may need their handlers.
    Fork,
    /// The import left threads behind, so it happens in each child instead.
    LateImport,
    /// A forked child hung, so every attempt starts an interpreter of its own.
    Cold,
}

impl fmt::Display for ForkWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RawFork => "_fork",
            Self::Fork => "fork",
            Self::LateImport => "late_import",
            Self::Cold => "cold",
        })
    }
}

/// What was found out about a deployment when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentFacts {
    /// The content's name.
    pub id: DeploymentId,
    /// The project that it is a version of.
    pub project: ProjectName,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// The file with the entry point, relative to the project.
    pub entry: String,
    /// How many files it holds.
    pub files: u32,
    /// How many bytes they are.
    pub bytes: u64,
    /// The interpreter, as it calls itself (`3.11.7`).
    pub python: String,
    /// The `PYTHONHASHSEED` of its zygotes.
    pub hash_seed: u32,
    /// How its attempts get their processes.
    pub fork_way: ForkWay,
    /// Why that way, in a sentence.
    pub fork_reason: String,
    /// What its author said of it (`deploy --message`).
    pub message: Option<String>,
    /// Warnings of the check, ready to show.
    pub warnings: Vec<String>,
    /// What its `requirements.txt` became; `None` where it has no packages of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
}
