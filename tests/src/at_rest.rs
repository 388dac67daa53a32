//! Looking for a text in files, however it may have been written there.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use memchr::memmem;

/// A text that no file may hold, in every form that is looked for.
pub struct Needle {
    /// What it is, for messages.
    pub name: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

/// Where a needle was seen.
#[derive(Debug)]
pub struct Sighting {
    /// Which.
    pub needle: String,
    /// How it was written.
    pub form: &'static str,
    /// Where.
    pub file: PathBuf,
}

impl Needle {
    /// `text` must be long and odd enough not to occur by chance.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let bytes = text.as_bytes();
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let each = |form: fn(&u8) -> String| bytes.iter().map(form).collect::<String>().into_bytes();
        let mut forms = vec![
            ("utf-8", bytes.to_vec()),
            ("reversed", text.chars().rev().collect::<String>().into_bytes()),
            ("reversed bytes", bytes.iter().rev().copied().collect()),
            ("upper case", text.to_uppercase().into_bytes()),
            (
                "utf-16le",
                utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            ),
            (
                "utf-16be",
                utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            ),
            (
                "utf-32le",
                text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            ),
            (
                "utf-32be",
                text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            ),
            ("hex", each(|byte| format!("{byte:02x}"))),
            ("HEX", each(|byte| format!("{byte:02X}"))),
            ("percent-encoded", each(|byte| format!("%{byte:02X}"))),
            ("percent-encoded, lower case", each(|byte| format!("%{byte:02x}"))),
            ("percent-encoded where needed", percent_encoded(text)),
            (
                "form-encoded",
                percent_encoded(text)
                    .iter()
                    .map(|byte| if *byte == b' ' { b'+' } else { *byte })
                    .collect(),
            ),
            ("list of numbers", numbers(bytes, ",")),
            ("list of numbers, spaced", numbers(bytes, ", ")),
            ("\\x-escaped", each(|byte| format!("\\x{byte:02x}"))),
            (
                "\\u-escaped",
                utf16
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect::<String>()
                    .into_bytes(),
            ),
            (
                "\\U-escaped",
                utf16
                    .iter()
                    .map(|unit| format!("\\u{unit:04X}"))
                    .collect::<String>()
                    .into_bytes(),
            ),
            (
                "\\u-escaped where needed",
                escaped_where_needed(text).into_bytes(),
            ),
        ];
        for alignment in 0..3 {
            forms.push(("base64", base64(bytes, alignment, &STANDARD)));
            forms.push(("base64url", base64(bytes, alignment, &URL_SAFE)));
        }
        Self {
            name: name.to_owned(),
            forms,
        }
    }

    /// How it is written in `bytes`, if it is.
    #[must_use]
    pub fn form_in(&self, bytes: &[u8]) -> Option<&'static str> {
        self.forms
            .iter()
            .find(|(_, form)| memmem::find(bytes, form).is_some())
            .map(|(name, _)| *name)
    }
}

/// Every file below these paths that holds one of these needles, and how many files there were.
#[must_use]
pub fn search(paths: &[&Path], needles: &[Needle]) -> (usize, Vec<Sighting>) {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files);
    }
    let mut sightings = Vec::new();
    for file in &files {
        // A socket cannot be read, and holds nothing.
        let Ok(content) = fs::read(file) else { continue };
        let name = file.to_string_lossy();
        for needle in needles {
            let seen = needle
                .form_in(&content)
                .or_else(|| needle.form_in(name.as_bytes()));
            sightings.extend(seen.map(|form| Sighting {
                needle: needle.name.clone(),
                form,
                file: file.clone(),
            }));
        }
    }
    (files.len(), sightings)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        return files.push(path.to_owned());
    };
    for entry in entries {
        collect(&entry.unwrap().path(), files);
    }
}

/// The characters of a base64 text that a part of it, which begins at `alignment` modulo 3, decides alone.
fn base64(bytes: &[u8], alignment: usize, alphabet: &Alphabet) -> Vec<u8> {
    let engine = GeneralPurpose::new(alphabet, NO_PAD);
    let aligned = [&vec![0; alignment], bytes].concat();
    let text = engine.encode(&aligned).into_bytes();
    let first = (alignment * 8).div_ceil(6);
    let last = aligned.len() * 8 / 6;
    text[first..last].to_vec()
}

fn numbers(bytes: &[u8], between: &str) -> Vec<u8> {
    bytes
        .iter()
        .map(u8::to_string)
        .collect::<Vec<_>>()
        .join(between)
        .into_bytes()
}

fn percent_encoded(text: &str) -> Vec<u8> {
    let form = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' | b' ' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(form).collect::<String>().into_bytes()
}

fn escaped_where_needed(text: &str) -> String {
    let mut units = [0; 2];
    let form = |c: char| {
        if c.is_ascii() {
            c.to_string()
        } else {
            c.encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect()
        }
    };
    text.chars().map(form).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_is_found_however_it_was_written_and_wherever_it_begins() {
        let text = "Grüße an 5550107391";
        let needle = Needle::new("greeting", text);
        for (name, form) in &needle.forms {
            assert!(
                needle
                    .form_in(&[b"before", &form[..], b"after"].concat())
                    .is_some(),
                "{name}"
            );
        }
        for before in 0..6 {
            let whole = [&vec![b'x'; before], text.as_bytes(), b"yyyyy"].concat();
            for engine in [
                base64::engine::general_purpose::STANDARD,
                base64::engine::general_purpose::URL_SAFE,
            ] {
                let encoded = engine.encode(&whole);
                assert!(
                    needle
                        .form_in(encoded.as_bytes())
                        .is_some_and(|form| form.starts_with("base64")),
                    "{before}"
                );
            }
        }
        assert!(
            needle
                .form_in(format!("{:?}", text.as_bytes()).as_bytes())
                .is_some()
        );
        assert_eq!(needle.form_in(b"nothing of the kind, 555010739"), None);
    }
}
