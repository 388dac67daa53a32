//! What became of each conversation, one JSON object a line.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use api::LineAnswer;
use domain::run::Hold;
use domain::{Code, ConversationId, RunId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::client::problem_details;
use crate::error::CliError;
use crate::input::Document;

/// How many bytes of a document's SHA-256 a report keeps: enough to tell that a line was changed.
const DIGEST_BYTES: usize = 8;

/// What became of one conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The file, as it was named.
    pub(super) file: String,
    /// The line in it, from 1.
    pub(super) line: u64,
    /// The beginning of the document's SHA-256.
    pub(super) digest: String,
    /// As HTTP has it: 202 accepted, 200 known, 4xx refused.
    pub(super) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hold: Option<Hold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<String>,
}

impl Line {
    pub(super) fn new(document: &Document, answer: &LineAnswer) -> Self {
        let accepted = answer.accepted.as_ref();
        let problem = answer.problem.as_ref();
        Self {
            file: document.file.clone(),
            line: document.line,
            digest: digest(document),
            status: answer.status,
            external_id: accepted.map(|accepted| accepted.external_id.clone()),
            conversation_id: accepted.map(|accepted| accepted.conversation_id),
            run_id: accepted
                .map(|accepted| accepted.run_id)
                .or(problem.and_then(|problem| problem.kept_run_id)),
            hold: accepted.and_then(|accepted| accepted.hold),
            code: problem.map(|problem| problem.code),
            message: problem.map(|problem| problem.detail.clone()),
            details: problem.map(problem_details).unwrap_or_default(),
            fix: problem.map(|problem| problem.fix.clone()),
            page: problem.map(|problem| problem.code.page()),
        }
    }
}

fn digest(document: &Document) -> String {
    Sha256::digest(&document.text)[..DIGEST_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

type Place = (String, u64, String);

/// A report under way; without a file it keeps nothing.
pub(super) struct Report {
    file: Option<BufWriter<File>>,
    accepted: HashSet<Place>,
    name: String,
}

impl Report {
    /// Opens a report: a new file, or one that is there and to be added to.
    pub(super) fn open(path: Option<&Path>, resume: bool) -> Result<Self, Box<CliError>> {
        let Some(path) = path else {
            return Ok(Self {
                file: None,
                accepted: HashSet::new(),
                name: String::new(),
            });
        };
        let name = path.display().to_string();
        let failed = |error: io::Error| unusable(&name, &error);
        let before = match fs::read_to_string(path) {
            Ok(text) if resume => text,
            Ok(text) if text.is_empty() => text,
            Ok(_) => {
                return Err(CliError::usage(
                    Code::AlreadyExists,
                    format!("the report {name} is there already"),
                    "go on with it (--resume), or name another",
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        // A line that was cut off, when the machine went in mid-write, is no line: what it says is sent again.
        let lines = before
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let accepted = lines
            .filter(|line| line.code.is_none())
            .map(|line| (line.file, line.line, line.digest))
            .collect();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        if !before.is_empty() && !before.ends_with('\n') {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self {
            file: Some(BufWriter::new(file)),
            accepted,
            name,
        })
    }

    pub(super) fn was_accepted(&self, document: &Document) -> bool {
        !self.accepted.is_empty()
            && self
                .accepted
                .contains(&(document.file.clone(), document.line, digest(document)))
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), Box<CliError>> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = serde_json::to_writer(&mut *file, line).map_err(io::Error::from);
        written
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| unusable(&self.name, &error))
    }

    pub(super) fn flush(&mut self) -> Result<(), Box<CliError>> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| unusable(&self.name, &error))
    }
}

fn unusable(name: &str, error: &io::Error) -> Box<CliError> {
    CliError::usage(
        Code::BadInputFile,
        format!("the report {name} cannot be used: {error}"),
        "name another with --report",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn document(line: u64, text: &str) -> Document {
        Document {
            file: "calls.ndjson".into(),
            line,
            text: text.into(),
        }
    }

    fn answer(line: u64, status: u16, code: Option<Code>) -> LineAnswer {
        let problem = code.map(|code| api::Problem::new(code, status, "d", "f"));
        LineAnswer {
            line,
            status,
            accepted: None,
            problem,
        }
    }

    #[test]
    fn a_resumed_report_leaves_out_what_was_accepted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.ndjson");
        let mut report = Report::open(Some(&path), false).unwrap();
        report
            .write(&Line::new(&document(1, "a"), &answer(1, 202, None)))
            .unwrap();
        report
            .write(&Line::new(
                &document(2, "b"),
                &answer(2, 400, Some(Code::BadConversation)),
            ))
            .unwrap();
        report.flush().unwrap();
        drop(report);
        // The machine went in the middle of a line.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"file":"calls.ndjson","line":3,"dig"#)
            .unwrap();

        assert_eq!(
            Report::open(Some(&path), false).err().unwrap().code,
            Code::AlreadyExists
        );
        let mut report = Report::open(Some(&path), true).unwrap();
        assert!(report.was_accepted(&document(1, "a")));
        assert!(
            !report.was_accepted(&document(1, "changed")),
            "a line that was changed since is sent"
        );
        assert!(
            !report.was_accepted(&document(2, "b")),
            "what was refused is sent again"
        );
        assert!(
            !report.was_accepted(&document(3, "c")),
            "what was cut off is sent again"
        );
        report
            .write(&Line::new(&document(3, "c"), &answer(3, 200, None)))
            .unwrap();
        drop(report);
        let report = Report::open(Some(&path), true).unwrap();
        assert!(
            report.was_accepted(&document(3, "c")),
            "a line after a cut-off one is read"
        );
    }
}
