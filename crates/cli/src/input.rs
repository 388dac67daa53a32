//! Conversations from files: one JSON document, an array of them, or one a line.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use domain::Code;
use domain::json::JsonError;
use serde_json::value::RawValue;

use crate::error::CliError;

/// Standard input's name among files.
pub const STANDARD_INPUT: &str = "-";
/// The most bytes of one conversation that are read: a little more than servers take, so that theirs is the last word.
const MAX_CONVERSATION_BYTES: u64 = 16 * 1024 * 1024;
/// The most bytes of a file that is one document or an array.
const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// One conversation, as it stands in its file but on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, as it was named; [`STANDARD_INPUT`] for that.
    pub file: String,
    /// The line, from 1; in an array the number of the element.
    pub line: u64,
    /// The JSON text, without line ends. It may be no JSON at all: only one a line is looked at.
    pub text: Vec<u8>,
}

enum Content {
    /// One a line; the line that was read to find that out comes first.
    Lines {
        first: Option<Vec<u8>>,
        rest: Box<dyn BufRead>,
        line: u64,
    },
    /// Taken apart already.
    Whole(VecDeque<Document>),
}

/// Reads conversations from files, one after the other.
pub struct Documents {
    files: VecDeque<PathBuf>,
    open: Option<(String, Content)>,
}

impl Documents {
    /// From these files; [`STANDARD_INPUT`] may be one of them.
    #[must_use]
    pub fn new(files: &[PathBuf]) -> Self {
        Self {
            files: files.iter().cloned().collect(),
            open: None,
        }
    }

    /// The next conversation.
    ///
    /// # Errors
    /// `AC0802` for a file that cannot be read or holds neither JSON nor lines of it.
    pub fn read_next(&mut self) -> Result<Option<Document>, Box<CliError>> {
        loop {
            if let Some((name, content)) = &mut self.open {
                let found = match content {
                    Content::Whole(all) => all.pop_front(),
                    Content::Lines { first, rest, line } => next_line(name, first, rest, line)?,
                };
                if found.is_some() {
                    return Ok(found);
                }
                self.open = None;
            }
            let Some(path) = self.files.pop_front() else {
                return Ok(None);
            };
            let name = path.display().to_string();
            let content = open(&path, &name)?;
            self.open = Some((name, content));
        }
    }

    /// All that are left.
    ///
    /// # Errors
    /// As [`Self::read_next`].
    pub fn all(mut self) -> Result<Vec<Document>, Box<CliError>> {
        let mut all = Vec::new();
        while let Some(document) = self.read_next()? {
            all.push(document);
        }
        Ok(all)
    }
}

/// A file whose first line is a whole document holds one a line; so does one that is named so.
fn open(path: &Path, name: &str) -> Result<Content, Box<CliError>> {
    let failed = |error: io::Error| unreadable(name, &error.to_string());
    let mut reader: Box<dyn BufRead> = if name == STANDARD_INPUT {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(
            256 * 1024,
            File::open(path).map_err(failed)?,
        ))
    };
    // Some editors begin a file so, to say that it is UTF-8.
    if reader
        .fill_buf()
        .map_err(failed)?
        .starts_with("\u{feff}".as_bytes())
    {
        reader.consume("\u{feff}".len());
    }
    let named_so = path
        .extension()
        .is_some_and(|extension| extension == "ndjson" || extension == "jsonl");
    let mut line = 0;
    let mut blank = Vec::new();
    let first = loop {
        let Some(text) = read_line(&mut reader, name, line + 1)? else {
            break None;
        };
        line += 1;
        if !is_blank(&text) {
            break Some(text);
        }
        blank.push(b'\n');
    };
    let Some(first) = first else {
        return Ok(Content::Whole(VecDeque::new()));
    };
    if named_so || serde_json::from_slice::<&RawValue>(&first).is_ok_and(|value| value.get().starts_with('{'))
    {
        return Ok(Content::Lines {
            first: Some(first),
            rest: reader,
            line,
        });
    }
    let mut text = blank;
    text.extend(&first);
    text.push(b'\n');
    reader
        .take(MAX_DOCUMENT_BYTES)
        .read_to_end(&mut text)
        .map_err(failed)?;
    whole(name, &text).map(Content::Whole)
}

fn whole(name: &str, text: &[u8]) -> Result<VecDeque<Document>, Box<CliError>> {
    let bad = |error: serde_json::Error| {
        let error = JsonError::syntax(&error, text);
        CliError::usage(
            Code::NotJson,
            format!(
                "it is no JSON: found {}, expected {}",
                error.found, error.expected
            ),
            format!(
                "{}; give one conversation, an array of them, or one a line (.ndjson)",
                error.fix
            ),
        )
        .at(format!("{name}:{}:{}", error.line, error.column))
    };
    let value: &RawValue = serde_json::from_slice(text).map_err(bad)?;
    if !value.get().starts_with('[') {
        return Ok(VecDeque::from([document(name, 1, value.get())]));
    }
    let all: Vec<&RawValue> = serde_json::from_slice(text).map_err(bad)?;
    Ok((1..)
        .zip(all)
        .map(|(number, value)| document(name, number, value.get()))
        .collect())
}

/// Within JSON a bare line end is only ever white space, so that a document can be put on one line without reading it.
fn document(name: &str, line: u64, text: &str) -> Document {
    let text = text
        .bytes()
        .map(|byte| {
            if byte == b'\n' || byte == b'\r' {
                b' '
            } else {
                byte
            }
        })
        .collect();
    Document {
        file: name.to_owned(),
        line,
        text,
    }
}

fn next_line(
    name: &str,
    first: &mut Option<Vec<u8>>,
    rest: &mut Box<dyn BufRead>,
    line: &mut u64,
) -> Result<Option<Document>, Box<CliError>> {
    loop {
        let text = match first.take() {
            Some(text) => text,
            None => match read_line(rest, name, *line + 1)? {
                Some(text) => {
                    *line += 1;
                    text
                }
                None => return Ok(None),
            },
        };
        if !is_blank(&text) {
            return Ok(Some(Document {
                file: name.to_owned(),
                line: *line,
                text,
            }));
        }
    }
}

fn read_line(reader: &mut Box<dyn BufRead>, name: &str, line: u64) -> Result<Option<Vec<u8>>, Box<CliError>> {
    let mut text = Vec::new();
    let read = reader
        .take(MAX_CONVERSATION_BYTES + 1)
        .read_until(b'\n', &mut text);
    if read.map_err(|error| unreadable(name, &error.to_string()))? == 0 {
        return Ok(None);
    }
    if text.last() == Some(&b'\n') {
        text.pop();
        text.pop_if(|byte| *byte == b'\r');
    } else if text.len() as u64 > MAX_CONVERSATION_BYTES {
        return Err(CliError::usage(
            Code::TooLarge,
            format!(
                "the line is longer than {} MiB",
                MAX_CONVERSATION_BYTES / 1024 / 1024
            ),
            "give one conversation a line, without recordings",
        )
        .at(format!("{name}:{line}")));
    }
    Ok(Some(text))
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

fn unreadable(name: &str, reason: &str) -> Box<CliError> {
    CliError::usage(
        Code::BadInputFile,
        format!("{name} cannot be read: {reason}"),
        "name a file that is there, or - for standard input",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(name: &str, content: &str) -> Result<Vec<(u64, String)>, Box<CliError>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let all = Documents::new(&[path]).all()?;
        Ok(all
            .into_iter()
            .map(|one| (one.line, String::from_utf8(one.text).unwrap()))
            .collect())
    }

    fn lines(all: &[(u64, &str)]) -> Vec<(u64, String)> {
        all.iter()
            .map(|(line, text)| (*line, (*text).to_owned()))
            .collect()
    }

    #[test]
    fn a_document_may_stand_on_many_lines_or_one() {
        assert_eq!(
            read("a.json", "{\n  \"id\": \"1\"\r\n}\n").unwrap(),
            lines(&[(1, "{   \"id\": \"1\"  }")])
        );
        assert_eq!(
            read("a.json", "{\"id\": \"a\\nb\"}").unwrap(),
            lines(&[(1, "{\"id\": \"a\\nb\"}")])
        );
    }

    #[test]
    fn an_array_gives_each_of_its_elements() {
        assert_eq!(
            read("a.json", "[{\"id\": 1},\n {\"id\": 2}]").unwrap(),
            lines(&[(1, "{\"id\": 1}"), (2, "{\"id\": 2}")])
        );
        assert_eq!(read("a.json", "[]").unwrap(), []);
        let marked = "\u{feff}[{\"id\": 1}]";
        assert_eq!(read("a.json", marked).unwrap(), lines(&[(1, "{\"id\": 1}")]));
    }

    #[test]
    fn one_a_line_is_known_by_its_first_line_or_by_its_name() {
        let text = "\n{\"id\":1}\r\n\n{\"id\":2}\nrubbish\n{\"id\":3}";
        let expected = lines(&[
            (2, "{\"id\":1}"),
            (4, "{\"id\":2}"),
            (5, "rubbish"),
            (6, "{\"id\":3}"),
        ]);
        assert_eq!(read("a.json", text).unwrap(), expected);
        assert_eq!(
            read("a.ndjson", "rubbish\n{\"id\":1}\n").unwrap(),
            lines(&[(1, "rubbish"), (2, "{\"id\":1}")])
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let error = read("a.json", "\n{\n  \"id\": ,\n}").unwrap_err();
        assert_eq!(error.code, Code::NotJson);
        assert!(error.place.clone().unwrap().ends_with("a.json:3:9"), "{error:?}");
        let error = read("a.json", "{\n  \"id\": nope\n}").unwrap_err();
        assert!(error.place.clone().unwrap().ends_with("a.json:2:9"), "{error:?}");
        assert!(error.message.contains("found \"nope"), "{error:?}");
        assert_eq!(read("a.json", "").unwrap(), []);
        let missing = Documents::new(&[PathBuf::from("/nowhere/a.json")])
            .all()
            .unwrap_err();
        assert_eq!(missing.code, Code::BadInputFile);
    }
}
