//! What is wrong with a project, for its author.

use std::fmt;

use domain::Code;

/// Something is wrong with a project, its configuration or its interpreter: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProjectError {
    /// Names the page that tells more.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: Box<str>,
    /// The file that it is about: relative to the project where it lies in it.
    pub file: Option<Box<str>>,
    /// From 1.
    pub line: Option<u32>,
    /// The key of a configuration file, dotted: `aftercall.limits.memory_mb`.
    pub key: Option<Box<str>>,
    /// What would be right there.
    pub expected: Option<Box<str>>,
    /// What to do, in a sentence.
    pub fix: Box<str>,
}

impl ProjectError {
    /// An error about the project as a whole.
    pub fn new(code: Code, message: impl Into<Box<str>>, fix: impl Into<Box<str>>) -> Self {
        Self {
            code,
            message: message.into(),
            file: None,
            line: None,
            key: None,
            expected: None,
            fix: fix.into(),
        }
    }

    /// The same, about one file.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<Box<str>>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The same, about one line of its file, from 1.
    #[must_use]
    pub const fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, _) => {}
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.expected {
            Some(expected) => write!(f, " (expected {expected})"),
            None => Ok(()),
        }
    }
}
