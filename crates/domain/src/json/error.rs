use std::fmt;

use super::Problem;
use super::describe::{grouped, quote};

/// What sort of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// More bytes than allowed; nothing of it was read.
    TooLarge,
    /// It is not JSON.
    Syntax,
    /// It is JSON, but of a sort that is not taken: a key twice, too deep, a number that cannot be kept.
    Refused,
}

/// Why a text was not taken as JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// What sort of refusal.
    pub kind: JsonErrorKind,
    /// From 1; 0 where the place does not matter.
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
    /// JSON pointer to the value that was being read.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What to do about it.
    pub fix: String,
}

impl JsonError {
    /// As a problem of the document, its line and column told along.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        let found = match self.line {
            0 => self.found.clone(),
            line => format!("{} (line {line}, column {})", self.found, self.column),
        };
        Problem {
            path: self.path.clone(),
            found,
            expected: self.expected.clone(),
            fix: self.fix.clone(),
        }
    }

    /// What `serde_json` said of `bytes` that are not JSON, put so that the sender can act on it. The path is not known.
    #[must_use]
    pub fn syntax(error: &serde_json::Error, bytes: &[u8]) -> Self {
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(before, _)| before);
        let stopped = offset_of(bytes, error.line(), error.column());
        // Where it is cut off, that is the end.
        let begins = if error.is_eof() {
            stopped
        } else {
            start_of_word(bytes, stopped)
        };
        let fault = explain(message, &bytes[begins..]);
        Self {
            kind: JsonErrorKind::Syntax,
            line: error.line(),
            column: error.column().saturating_sub(stopped - begins),
            path: String::new(),
            found: fault.found,
            expected: fault.expected,
            fix: fault.fix,
        }
    }

    pub(super) fn too_large(bytes: usize, limit: usize) -> Self {
        Self {
            kind: JsonErrorKind::TooLarge,
            line: 0,
            column: 0,
            path: String::new(),
            found: format!("{} bytes", grouped(bytes)),
            expected: format!("at most {} bytes", grouped(limit)),
            fix: "leave out what the function does not need".to_owned(),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_problem().fmt(f)
    }
}

impl std::error::Error for JsonError {}

/// What is wrong at one place, without the place.
#[derive(Debug)]
pub(super) struct Fault {
    pub found: String,
    pub expected: String,
    pub fix: String,
}

impl Fault {
    pub(super) fn new(found: impl Into<String>, expected: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            expected: expected.into(),
            fix: fix.into(),
        }
    }
}

/// Starts of what people send instead of a JSON value: what it is, and the fix.
const LOOK_ALIKES: &[(&str, &str)] = &[
    ("\u{feff}", "leave out the byte order mark at the start"),
    (
        "NaN",
        "JSON has no NaN: in state send {\"$type\": \"float\", \"value\": \"nan\"}, elsewhere null",
    ),
    (
        "Infinity",
        "JSON has no infinity: in state send {\"$type\": \"float\", \"value\": \"inf\"} or \"-inf\", elsewhere null",
    ),
    (
        "None",
        "write null: this looks like Python's repr, use json.dumps",
    ),
    (
        "True",
        "write true: this looks like Python's repr, use json.dumps",
    ),
    (
        "False",
        "write false: this looks like Python's repr, use json.dumps",
    ),
    ("undefined", "write null, or leave the member out"),
    ("'", "put texts and keys in double quotes"),
    ("/", "leave comments out"),
];

/// Where a line and a column (both from 1, the latter in bytes) are.
fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        line => bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(bytes.len(), |(index, _)| index + 1),
    };
    (line_start + column.saturating_sub(1)).min(bytes.len())
}

/// Where the word, number or escape begins that the parser stopped in: of `nope` it has read the `n`, which may begin a
/// `null`.
fn start_of_word(bytes: &[u8], stopped: usize) -> usize {
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-._\\".contains(byte) || !byte.is_ascii();
    stopped - bytes[..stopped].iter().rev().take_while(part).count()
}

/// What `serde_json` said of the text from the word on that it stopped in. Its wording is matched, as it gives no codes;
/// wording that is not known is passed on as it is.
fn explain(message: &str, rest: &[u8]) -> Fault {
    if message.contains("surrogate") || message.contains("unexpected end of hex escape") {
        return Fault::new(
            "half of a surrogate pair (one of \\ud800 to \\udfff alone)",
            "whole characters",
            "in state send such a text as {\"$type\": \"str\", \"value\": base64 of its UTF-16LE}; elsewhere replace it",
        );
    }
    if message.starts_with("EOF while parsing") {
        let expected = format!("the rest of {}", message.trim_start_matches("EOF while parsing "));
        return Fault::new(
            "the end of the text",
            expected,
            "the document is cut off: send all of it",
        );
    }
    if message.starts_with("trailing characters") {
        return Fault::new(
            shown(rest),
            "nothing after the document",
            "send one document, or several as NDJSON, one a line",
        );
    }
    let text = String::from_utf8_lossy(&rest[..rest.len().min(16)]);
    let text = text.trim_start_matches('-');
    if let Some((_, fix)) = LOOK_ALIKES.iter().find(|(start, _)| text.starts_with(start)) {
        return Fault::new(shown(rest), "JSON", *fix);
    }
    if message.contains("control character") {
        return Fault::new(
            "a control character inside a text",
            "an escape such as \\n or \\u0000",
            "let a JSON library write the document",
        );
    }
    if message.contains("invalid unicode code point") {
        return Fault::new(
            "bytes that are not UTF-8",
            "UTF-8",
            "encode the document as UTF-8",
        );
    }
    let expected = match message {
        "expected ident" | "expected value" => "a JSON value".to_owned(),
        "key must be a string" => "a key in double quotes".to_owned(),
        other => format!("JSON ({other})"),
    };
    let fix = if text.starts_with(char::is_alphabetic) && message != "invalid escape" {
        "put texts and keys in double quotes: the only bare words are true, false and null"
    } else {
        "let a JSON library write the document"
    };
    Fault::new(shown(rest), expected, fix)
}

fn shown(rest: &[u8]) -> String {
    /// Bytes that are looked at; [`quote`] shortens further.
    const LOOKED_AT: usize = 256;
    if rest.is_empty() {
        return "the end of the text".to_owned();
    }
    quote(&String::from_utf8_lossy(&rest[..rest.len().min(LOOKED_AT)]))
}
