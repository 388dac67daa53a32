//! Telling things: to a person on a terminal, to a file, or to a program as JSON.

mod safe;
pub mod style;
pub mod table;
pub mod time;

use std::io::{self, IsTerminal as _, Write as _};

use domain::Code;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::error::CliError;

/// Where a command's answer goes, and how.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Answers are JSON, one document each.
    pub json: bool,
    /// When the command was started.
    pub now: Timestamp,
    /// The zone that times are told in.
    pub zone: TimeZone,
}

impl Screen {
    /// The answer for a person: standard output, without colours unless that is a terminal which wants them, and
    /// without anything that could mislead whoever reads it, whosever text it is.
    ///
    /// # Errors
    /// `AC0802` if it cannot be written. A reader that has seen enough (`| head`) is no error.
    pub fn say(&self, text: &str) -> Result<(), Box<CliError>> {
        self.hand_over(&safe::safe_but_styles(text))
    }

    /// The answer exactly as it is, for a file or a program.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn hand_over(&self, text: &str) -> Result<(), Box<CliError>> {
        let mut out = anstream::stdout().lock();
        let newline = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        written(write!(out, "{text}{newline}").and_then(|()| out.flush()))
    }

    /// The answer as JSON, on one line if it is one of many.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn json<T: Serialize>(&self, answer: &T, one_of_many: bool) -> Result<(), Box<CliError>> {
        let text = if one_of_many {
            serde_json::to_string(answer)
        } else {
            serde_json::to_string_pretty(answer)
        };
        let text = text.map_err(|error| {
            CliError::fault(
                Code::Internal,
                format!("the answer cannot be written as JSON: {error}"),
                "please report this",
            )
        })?;
        self.hand_over(&text)
    }

    /// Something beside the answer: standard error, and nothing at all where that cannot be written.
    pub fn note(&self, text: &str) {
        note(&safe::safe_but_styles(text));
    }

    /// Whether a person watches: standard error is a terminal and the answer is not for a program.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// An error, with what to do and where to read more.
    pub fn error(&self, error: &CliError) {
        let text = if self.json {
            let mut told = serde_json::json!({ "error": error });
            told["error"]["page"] = error.code.page().into();
            told.to_string()
        } else {
            safe::safe_but_styles(&tell_error(error)).into_owned()
        };
        note(&text);
    }
}

fn note(text: &str) {
    // There is nowhere left to say that this failed.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn written(result: io::Result<()>) -> Result<(), Box<CliError>> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::fault(
            Code::BadInputFile,
            format!("the answer cannot be written: {error}"),
            "look at where standard output goes",
        )),
        _ => Ok(()),
    }
}

/// Where a person reads more of an error.
pub(crate) fn more(code: Code) -> String {
    format!("aftercall explain {code}")
}

fn tell_error(error: &CliError) -> String {
    let mut text = format!(
        "{} {}",
        style::bad(&format!("error {}:", error.code)),
        style::safe(&error.message)
    );
    if let Some(place) = &error.place {
        text.push_str(&format!("\n  {} {place}", style::faint("at")));
    }
    for detail in &error.details {
        text.push_str(&format!("\n  {} {}", style::faint("-"), style::safe(detail)));
    }
    if let Some(fix) = &error.fix {
        text.push_str(&format!("\n  {} {fix}", style::faint("fix:")));
    }
    text.push_str(&format!("\n  {} {}", style::faint("more:"), more(error.code)));
    text
}
