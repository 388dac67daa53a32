//! The key file: whole and durable or not there, and for its owner's eyes only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyError, KeyTextProblem};

/// The largest file that is read, in bytes: far more than a key and white space need.
const MAX_BYTES: usize = 4096;
/// Read and write for the owner.
const MODE: u32 = 0o600;
/// What group and others may do.
const OTHERS: u32 = 0o077;
const ROOT: u32 = 0;

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let failed = |cause| io_error(path, "read", cause);
    // O_NONBLOCK: opening a pipe by mistake must not wait for its writer.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(nonblock).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing {
                path: path.to_owned(),
            });
        }
        opened => opened.map_err(failed)?,
    };
    // Asked of the open file, not of the path: what is checked is what is read.
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(KeyError::NotAFile {
            path: path.to_owned(),
        });
    }
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us && found.uid() != ROOT {
        return Err(KeyError::ForeignOwner {
            path: path.to_owned(),
            owner: found.uid(),
            us,
        });
    }
    if found.mode() & OTHERS != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode: found.mode() & 0o7777,
        });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() > MAX_BYTES {
        let origin = format!("the key file {}", path.display());
        return Err(KeyError::Text {
            origin,
            problem: KeyTextProblem::Format,
        });
    }
    Ok(text)
}

/// Writes under a passing name and links that to the real one: a crash in between leaves no half a key under
/// the real name, and a link never replaces what is there.
pub(super) fn create(path: &Path, suffix: u64, text: &[u8]) -> Result<(), KeyError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists {
            path: path.to_owned(),
        },
        _ => io_error(path, "made", cause),
    };
    let name = path.file_name().ok_or_else(|| KeyError::NotAFile {
        path: path.to_owned(),
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let passing = folder.join(format!(".{}.{suffix:016x}", name.display()));
    let written = write_new(&passing, text).and_then(|()| fs::hard_link(&passing, path));
    let removed = remove_if_there(&passing);
    written
        .and(removed)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(failed)
}

fn write_new(path: &PathBuf, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn io_error(path: &Path, action: &'static str, cause: io::Error) -> KeyError {
    KeyError::Io {
        path: path.to_owned(),
        action,
        cause,
    }
}
