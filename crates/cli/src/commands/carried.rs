//! Files that the program carries, and writing them where nothing is lost.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use domain::Code;

use crate::error::CliError;

include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// Writes a file that is not there yet, with the folders above it.
///
/// # Errors
/// `AC0804` if it is there by now, `AC0802` if it cannot be written.
pub fn write_new(path: &Path, content: &[u8]) -> Result<(), Box<CliError>> {
    let opened = parent(path).and_then(|()| OpenOptions::new().write(true).create_new(true).open(path));
    let written = opened.and_then(|mut file| file.write_all(content));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => unwritable(path, &error),
    })
}

/// Writes a file that is the program's own, whatever it held.
///
/// # Errors
/// `AC0802` if it cannot be written.
pub fn write_own(path: &Path, content: &str) -> Result<(), Box<CliError>> {
    parent(path)
        .and_then(|()| fs::write(path, content))
        .map_err(|error| unwritable(path, &error))
}

/// The error for a file that would have to be overwritten.
#[must_use]
pub fn there_already(path: &Path) -> Box<CliError> {
    CliError::usage(
        Code::AlreadyExists,
        format!("{} is there already", path.display()),
        "name another folder, or move it away; nothing was written",
    )
}

fn parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn unwritable(path: &Path, error: &io::Error) -> Box<CliError> {
    CliError::usage(
        Code::BadInputFile,
        format!("{} cannot be written: {error}", path.display()),
        "name a folder that can be",
    )
}
