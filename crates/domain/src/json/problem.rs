use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Path, describe};

/// Problems of one document that are told; more are only counted.
pub const MAX_PROBLEMS: usize = 20;

/// One thing that is wrong with a document, told to whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: a JSON pointer (`/turns/3/role`), empty for the whole document.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() {
            "the document"
        } else {
            &self.path
        };
        write!(
            f,
            "{place}: found {}, expected {}; {}",
            self.found, self.expected, self.fix
        )
    }
}

/// Everything that is wrong with one document, the first [`MAX_PROBLEMS`] of it word for word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems {
    list: Vec<Problem>,
    omitted: usize,
}

impl Problems {
    /// Adds one, in words.
    pub fn add(
        &mut self,
        path: &Path<'_>,
        found: impl Into<String>,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if self.list.len() == MAX_PROBLEMS {
            self.omitted += 1;
            return;
        }
        self.list.push(Problem {
            path: path.to_string(),
            found: found.into(),
            expected: expected.into(),
            fix: fix.into(),
        });
    }

    /// Adds one about a value that is not what it should be.
    pub fn unexpected(
        &mut self,
        path: &Path<'_>,
        found: &serde_json::Value,
        expected: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(path, describe(found), expected, fix);
    }

    /// Nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are, those not told included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.omitted
    }

    /// Those that are told, in the order of the document.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// How many are only counted.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}
