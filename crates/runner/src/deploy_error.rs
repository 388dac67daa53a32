//! Why a project cannot be had ready to run.

use domain::{Code, ErrorDocument};

use crate::process::SpawnError;

/// Why a package did not become a deployment, or a deployment's zygote cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct DeployError {
    /// What people meet.
    pub code: Code,
    /// In a sentence.
    pub message: String,
    /// The project's file, where it is one's fault.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// What to do about it.
    pub fix: Option<String>,
    /// The exception, where there was one.
    pub error: Option<Box<ErrorDocument>>,
}

impl DeployError {
    pub(crate) fn ours(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            file: None,
            line: None,
            fix: None,
            error: None,
        }
    }
}

impl From<SpawnError> for DeployError {
    fn from(error: SpawnError) -> Self {
        Self::ours(error.code, error.message)
    }
}
