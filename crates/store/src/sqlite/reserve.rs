//! Space held back on the disk: given up when it is full, so that what runs can complete, and taken again when there is space.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::folder::open_private;

/// What opening the databases takes: the logs' indexes, and a first commit.
const OPENING_BYTES: u64 = 1024 * 1024;

/// A file of a fixed size that nobody reads.
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    held: bool,
}

impl Reserve {
    /// As an earlier process left it. On a disk that is full it is given up at once: databases cannot be opened without
    /// any space.
    pub fn found(path: PathBuf, bytes: u64) -> io::Result<Self> {
        let mut reserve = Self {
            path,
            bytes,
            held: false,
        };
        drop(open_private(&reserve.path).map_err(io::Error::other)?);
        if free(&reserve.path)? < OPENING_BYTES {
            reserve.release();
        }
        Ok(reserve)
    }

    /// Whether the space is held.
    pub const fn held(&self) -> bool {
        self.held
    }

    /// Gives the space up. Answers whether there was any to give.
    pub fn release(&mut self) -> bool {
        let released = self.held && self.bytes > 0;
        self.held = false;
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(%error, path = %self.path.display(), "the space held back cannot be given up");
            return false;
        }
        released
    }

    /// Takes the space again if as much once more stays free beside it, so that the next write does not give it up at once.
    pub fn take(&mut self) -> bool {
        if self.held {
            return true;
        }
        if let Err(error) = self.try_take() {
            tracing::debug!(%error, "no space to hold back");
            self.release();
            return false;
        }
        self.held = true;
        true
    }

    fn try_take(&self) -> io::Result<()> {
        let file = open_private(&self.path).map_err(io::Error::other)?;
        if self.bytes > 0 {
            match fallocate(&file, FallocateFlags::empty(), 0, self.bytes) {
                Err(Errno::OPNOTSUPP) => fill(&file, self.bytes)?,
                other => other?,
            }
        }
        if free(&self.path)? < self.bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// Bytes that we may still use.
fn free(path: &Path) -> io::Result<u64> {
    let left = statvfs(path)?;
    Ok(left.f_bavail.saturating_mul(left.f_frsize))
}

/// For file systems that cannot be asked for space other than by using it.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0xa5).take(bytes), &mut file)?;
    file.sync_all()
}
