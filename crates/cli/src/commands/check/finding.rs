//! What a check found, from wherever: the source, or the import that was tried.

use domain::Code;
use runner::Found;
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Exit};
use crate::screen::{more, style};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is certain to fail.
    Error,
    /// It may fail.
    Warning,
    /// It works, though perhaps not as meant.
    Note,
}

/// When it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// While the project is imported: it could not be deployed.
    Import,
    /// When a conversation is handled.
    Run,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Names the page that tells more.
    pub code: Code,
    /// In a sentence without a full stop.
    pub message: String,
    /// Relative to the project, where it has a place.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// The way out.
    pub fix: Option<String>,
    /// When it is met.
    pub when: When,
    /// A traceback, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Finding {
    /// What an import that failed says; nothing where that was no fault of the project.
    pub fn of_import(error: &CliError) -> Option<Self> {
        if error.exit() != Exit::Negative {
            return None;
        }
        let (file, line) = place(error.place.as_deref().unwrap_or_default());
        Some(Self {
            level: Level::Error,
            code: error.code,
            message: error.message.clone(),
            file,
            line,
            fix: error.fix.clone(),
            when: When::Import,
            details: error.details.clone(),
        })
    }

    /// A warning of an import that was successful: `AC0205 functions/a.py:4: …`.
    fn of_warning(text: &str) -> Option<Self> {
        let (code, rest) = text.split_once(' ')?;
        let (at, message) = rest.split_once(": ")?;
        let (file, line) = place(at);
        Some(Self {
            level: Level::Warning,
            code: code.parse().ok()?,
            message: message.to_owned(),
            file,
            line: line.filter(|line| *line > 0),
            fix: None,
            when: When::Import,
            details: Vec::new(),
        })
    }

    /// Whether an import that was successful leaves it standing.
    fn outlives_import(&self) -> bool {
        self.level != Level::Error || self.when != When::Import
    }

    fn is_same(&self, other: &Self) -> bool {
        self.code == other.code && self.is_at(other)
    }

    fn is_at(&self, other: &Self) -> bool {
        self.file == other.file && self.line == other.line
    }

    /// For a person: what and where, the way out, and where to read on.
    pub fn tell(&self) -> String {
        let word = match self.level {
            Level::Error => style::bad(&format!("error {}", self.code)),
            Level::Warning => style::warn(&format!("warning {}", self.code)),
            Level::Note => style::faint(&format!("note {}", self.code)),
        };
        let at = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!(" {}", style::strong(&format!("{file}:{line}"))),
            (Some(file), None) => format!(" {}", style::strong(file)),
            (None, _) => String::new(),
        };
        let mut text = format!("{word}{at}: {}\n", style::safe(&self.message));
        for detail in &self.details {
            text.push_str(&format!("  {} {}\n", style::faint("-"), style::safe(detail)));
        }
        if let Some(fix) = &self.fix {
            text.push_str(&format!("  {} {}\n", style::faint("fix:"), style::safe(fix)));
        }
        if self.level != Level::Note {
            text.push_str(&format!("  {} {}\n", style::faint("more:"), more(self.code)));
        }
        text
    }
}

/// `functions/a.py:4` → the file and the line.
fn place(text: &str) -> (Option<String>, Option<u32>) {
    if text.is_empty() {
        return (None, None);
    }
    match text
        .rsplit_once(':')
        .map(|(file, line)| (file, line.parse().ok()))
    {
        Some((file, Some(line))) => (Some(file.to_owned()), Some(line)),
        _ => (Some(text.to_owned()), None),
    }
}

/// One list of what the source told and what the import did. The import is the judge of what is met in it.
pub fn merged(scanned: Vec<Finding>, imported: Result<&Found, &CliError>) -> Vec<Finding> {
    let mut all = scanned;
    match imported {
        Ok(found) => {
            all.retain(Finding::outlives_import);
            for warning in found.warnings.iter().filter_map(|text| Finding::of_warning(text)) {
                if !all.iter().any(|one| one.is_same(&warning)) {
                    all.push(warning);
                }
            }
        }
        Err(error) => {
            let is_error = |one: &&Finding| one.level == Level::Error && one.when == When::Import;
            if let Some(failure) = Finding::of_import(error) {
                let same = |one: &Finding| {
                    one.is_at(&failure) || (one.code == failure.code && one.file == failure.file)
                };
                // The source says the same with a better way out.
                if !all.iter().filter(is_error).any(same) {
                    all.insert(0, failure);
                }
            }
        }
    }
    all
}

/// What the source told of a project that was imported with these warnings, and they do not: errors and warnings.
pub fn beside(scanned: Vec<Finding>, warnings: &[String]) -> Vec<Finding> {
    let told: Vec<_> = warnings
        .iter()
        .filter_map(|text| Finding::of_warning(text))
        .collect();
    scanned
        .into_iter()
        .filter(|one| one.level != Level::Note && one.outlives_import())
        .filter(|one| !told.iter().any(|warning| one.is_same(warning)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(code: Code, line: u32, when: When) -> Finding {
        Finding {
            level: Level::Error,
            code,
            message: "m".to_owned(),
            file: Some("f.py".to_owned()),
            line: Some(line),
            fix: None,
            when,
            details: Vec::new(),
        }
    }

    fn failed(code: Code, place: &str) -> Box<CliError> {
        CliError::negative(code, "it failed", None).at(place)
    }

    #[test]
    fn a_failed_import_that_the_source_explains_is_told_once() {
        let module = || vec![scanned(Code::UnknownModule, 3, When::Import)];
        let codes = |all: Vec<Finding>| all.into_iter().map(|one| one.code).collect::<Vec<_>>();
        let same = failed(Code::ImportFailed, "f.py:3");
        assert_eq!(codes(merged(module(), Err(&same))), [Code::UnknownModule]);
        let other = failed(Code::ImportFailed, "f.py:9");
        assert_eq!(
            codes(merged(module(), Err(&other))),
            [Code::ImportFailed, Code::UnknownModule]
        );
        let shape = vec![scanned(Code::BadEndFunction, 7, When::Import)];
        let said = failed(Code::BadEndFunction, "f.py:1");
        assert_eq!(merged(shape, Err(&said))[0].line, Some(7), "the nearer line");
    }

    #[test]
    fn beside_the_warnings_of_an_import_stands_what_they_do_not_say() {
        let scanned = vec![
            Finding {
                level: Level::Warning,
                ..scanned(Code::HttpAtImport, 4, When::Import)
            },
            scanned(Code::UnknownModule, 5, When::Import),
            scanned(Code::UnknownModule, 6, When::Run),
            Finding {
                level: Level::Note,
                ..scanned(Code::UnknownModule, 7, When::Run)
            },
        ];
        let told = format!("{} f.py:4: x: y was refused", Code::HttpAtImport);
        let lines = |all: Vec<Finding>| all.into_iter().map(|one| one.line).collect::<Vec<_>>();
        assert_eq!(lines(beside(scanned.clone(), &[told])), [Some(6)]);
        assert_eq!(lines(beside(scanned, &[])), [Some(4), Some(6)]);
    }

    #[test]
    fn warnings_of_an_import_keep_their_place() {
        let finding = Finding::of_warning("AC0205 functions/a.py:4: x: y was refused").unwrap();
        assert_eq!(
            (finding.file.as_deref(), finding.line, &*finding.message),
            (Some("functions/a.py"), Some(4), "x: y was refused")
        );
    }
}
