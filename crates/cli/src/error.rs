//! How a command ends, and what it says when it could not do what it was asked.

use std::fmt;

use domain::Code;
use serde::Serialize;

/// The exit status of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and the answer is good.
    Done = 0,
    /// Done, and the answer is not: a run failed, a check found something, the thing asked for is not there.
    Negative = 1,
    /// Not done: wrong usage, or input that cannot be used.
    Usage = 2,
    /// Not done: a fault of Aftercall, its server or the machine.
    Fault = 3,
}

/// Why a command could not do what it was asked, for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
pub struct CliError {
    /// Names the page that tells more.
    pub code: Code,
    /// What went wrong, in a sentence without a full stop.
    pub message: String,
    /// Where: a file, with its line where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Details, one a line: what differs, what was found instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl CliError {
    /// Wrong usage or unusable input.
    pub fn usage(code: Code, message: impl Into<String>, fix: impl Into<String>) -> Box<Self> {
        Self::new(code, message, Some(fix.into()), Exit::Usage)
    }

    /// A negative answer: the thing is not there, or does not allow what was asked.
    pub fn negative(code: Code, message: impl Into<String>, fix: Option<String>) -> Box<Self> {
        Self::new(code, message, fix, Exit::Negative)
    }

    /// A fault of ours, of the server or of the machine.
    pub fn fault(code: Code, message: impl Into<String>, fix: impl Into<String>) -> Box<Self> {
        Self::new(code, message, Some(fix.into()), Exit::Fault)
    }

    fn new(code: Code, message: impl Into<String>, fix: Option<String>, exit: Exit) -> Box<Self> {
        Box::new(Self {
            code,
            message: message.into(),
            place: None,
            details: Vec::new(),
            fix,
            exit,
        })
    }

    /// The same, with where it is.
    #[must_use]
    pub fn at(mut self: Box<Self>, place: impl Into<String>) -> Box<Self> {
        self.place = Some(place.into());
        self
    }

    /// The same, with more to say. What is said as the fix is not said twice: where no exception stands for a fault, its traceback
    /// ends with the fix.
    #[must_use]
    pub fn with_details(mut self: Box<Self>, mut details: Vec<String>) -> Box<Self> {
        if let Some(fix) = &self.fix {
            let plain = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
            let fix = plain(fix);
            details.retain(|line| plain(line) != fix);
        }
        self.details = details;
        self
    }

    /// The same as an answer that is not good, where finding it was what the command was asked for.
    #[must_use]
    pub fn into_negative(mut self: Box<Self>) -> Box<Self> {
        self.exit = Exit::Negative;
        self
    }

    /// The status to exit with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<project::ProjectError> for Box<CliError> {
    fn from(error: project::ProjectError) -> Self {
        let place = match (&error.file, error.line) {
            (Some(file), Some(line)) => Some(format!("{file}:{line}")),
            (Some(file), None) => Some(file.to_string()),
            (None, _) => None,
        };
        let key = error.key.map(|key| format!("{key}: ")).unwrap_or_default();
        let mut told = CliError::usage(error.code, format!("{key}{}", error.message), error.fix);
        told.place = place;
        told.details = error
            .expected
            .map(|expected| format!("expected {expected}"))
            .into_iter()
            .collect();
        told
    }
}
