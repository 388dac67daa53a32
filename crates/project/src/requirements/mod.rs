//! What a project needs installed: its `requirements.txt`, read and checked before any installer sees it.
//!
//! The file is its author's, the index and what may run while installing are the operator's. So a line names a package
//! and which versions of it will do, and nothing else: no index, no path, no URL, no option that loosens a rule.

mod line;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use domain::Code;
use sha2::{Digest as _, Sha256};

use crate::error::ProjectError;
use line::{Line, refuse};

pub use line::Requirement;

/// Where a project says what it needs: beside `project.yaml`.
pub const REQUIREMENTS_FILE: &str = "requirements.txt";
/// Most requirements and constraints of a project, all its files of them together.
pub const MAX_REQUIREMENTS: usize = 1_000;
/// Most bytes of one such file.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// What a project needs installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    packages: Vec<Requirement>,
    constraints: Vec<Requirement>,
    digest: [u8; 32],
}

impl Requirements {
    /// Reads `requirements.txt` among a project's files, and those of the project that it refers to (`-r`, `-c`).
    /// Without one, nothing is needed.
    ///
    /// # Errors
    /// `AC0218` with file, line and what to write instead.
    pub fn of_project(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, ProjectError> {
        if !files.contains_key(REQUIREMENTS_FILE) {
            return Ok(Self::default());
        }
        let mut reader = Reader {
            files,
            seen: BTreeSet::new(),
            found: Self::default(),
            hash: Sha256::new(),
        };
        reader.read(REQUIREMENTS_FILE, false)?;
        reader.found.digest = reader.hash.finalize().into();
        Ok(reader.found)
    }

    /// Reads requirements from single lines, such as a setting's.
    ///
    /// # Errors
    /// `AC0218` with what to write instead; its `file` is `place`, its `line` counts the lines.
    pub fn of_lines(place: &str, lines: &[String]) -> Result<Self, ProjectError> {
        let text = lines.join("\n");
        let mut found = Self::default();
        for (number, text) in line::logical(place, &text)? {
            match line::read(place, number, &text)? {
                Line::Package(package) => found.packages.push(package),
                Line::Requirements(_) | Line::Constraints(_) => {
                    return Err(refuse(
                        place,
                        number,
                        "refers to a file",
                        "name the packages themselves",
                    ));
                }
            }
        }
        found.digest = Sha256::digest(text.as_bytes()).into();
        Ok(found)
    }

    /// These, and of `base` what they do not name themselves: a project's own word about a package holds.
    #[must_use]
    pub fn with_base(mut self, base: &Self) -> Self {
        let own: BTreeSet<String> = self.packages.iter().map(|one| one.name.clone()).collect();
        let more = base.packages.iter().filter(|one| !own.contains(&one.name));
        self.packages.extend(more.cloned());
        self.digest = Sha256::new()
            .chain_update(self.digest)
            .chain_update(base.digest)
            .finalize()
            .into();
        self
    }

    /// Whether nothing has to be installed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// What must be installed.
    #[must_use]
    pub fn packages(&self) -> &[Requirement] {
        &self.packages
    }

    /// Which versions may be installed of what is, whoever asks for it.
    #[must_use]
    pub fn constraints(&self) -> &[Requirement] {
        &self.constraints
    }

    /// SHA-256 over the files as they were written: a comment more makes another.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

struct Reader<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    seen: BTreeSet<(String, bool)>,
    found: Requirements,
    hash: Sha256,
}

impl Reader<'_> {
    /// No deeper than there are files: each is read once.
    fn read(&mut self, name: &str, as_constraints: bool) -> Result<(), ProjectError> {
        if !self.seen.insert((name.to_owned(), as_constraints)) {
            return Ok(());
        }
        let bytes = self.files.get(name).map(Vec::as_slice).unwrap_or_default();
        for part in [name.as_bytes(), bytes, &[u8::from(as_constraints)]] {
            self.hash.update((part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
        if bytes.len() > MAX_FILE_BYTES {
            let why = format!("is larger than {MAX_FILE_BYTES} bytes");
            return Err(refuse(name, 1, &why, "name only what end_function needs"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            refuse(name, line, "is not UTF-8", "save the file as UTF-8")
        })?;
        for (number, text) in line::logical(name, text)? {
            match line::read(name, number, &text)? {
                Line::Package(one) if as_constraints => self.found.constraints.push(one),
                Line::Package(one) => self.found.packages.push(one),
                Line::Requirements(other) => {
                    let other = self.beside(name, number, &other)?;
                    self.read(&other, as_constraints)?;
                }
                Line::Constraints(other) => {
                    let other = self.beside(name, number, &other)?;
                    self.read(&other, true)?;
                }
            }
            if self.found.packages.len() + self.found.constraints.len() > MAX_REQUIREMENTS {
                let why = format!("is one more than the {MAX_REQUIREMENTS} that a project may have");
                return Err(refuse(name, number, &why, "name only what end_function needs"));
            }
        }
        Ok(())
    }

    /// The project's file that `other` means in `file`.
    fn beside(&self, file: &str, line: u32, other: &str) -> Result<String, ProjectError> {
        let mut parts: Vec<&str> = file.split('/').collect();
        parts.pop();
        for component in Path::new(other).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir if !parts.is_empty() => drop(parts.pop()),
                Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(refuse(
                        file,
                        line,
                        "refers to a file outside of the project",
                        "copy that file into the project and refer to it there",
                    ));
                }
            }
        }
        let name = parts.join("/");
        if self.files.contains_key(&name) {
            return Ok(name);
        }
        Err(ProjectError::new(
            Code::BadRequirement,
            format!("refers to {other:?}, which is not a file of the project"),
            "correct the path: it is meant from the folder of this file",
        )
        .in_file(file)
        .at_line(line))
    }
}

#[cfg(test)]
mod tests;
