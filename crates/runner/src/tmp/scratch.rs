//! A folder of one process, that a later one removes should the first be killed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::remove_all;

/// How the names of such folders begin.
const PREFIX: &str = "invoke-";
/// How often their removal is tried: what wrote there was only just ended.
const TRIES: u32 = 50;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A folder that goes with this value. Its owner holds a lock on it, which the system takes away however the owner ends.
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes one below `parent`, and removes what dead processes have left there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn claim(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // Else one could be taken for a dead one's between its making and its locking.
        let claiming = File::open(parent)?;
        flock(&claiming, FlockOperation::LockExclusive)?;
        sweep(parent)?;
        let mut number = u64::from(std::process::id());
        let path = loop {
            let path = parent.join(format!("{PREFIX}{number}"));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => break made.map(|()| path)?,
            }
        };
        let lock = File::open(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for _ in 0..TRIES {
            // An error tells nothing: something in it may have gone meanwhile, too.
            let _ = remove_all(&self.path);
            if !self.path.exists() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        tracing::warn!(folder = %self.path.display(), "a temporary folder could not be removed; the next start removes it");
    }
}

fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let is_dead = File::open(&path)
            .is_ok_and(|folder| flock(folder, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_dead && let Err(error) = remove_all(&path) {
            tracing::warn!(folder = %path.display(), %error, "what an earlier process left could not be removed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_dead_processes_left_is_removed_and_what_living_ones_have_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("invoke-1");
        fs::create_dir_all(left.join("tmp/c1")).unwrap();
        fs::create_dir(parent.path().join("serve-1")).unwrap();
        let first = Scratch::claim(parent.path()).unwrap();
        let second = Scratch::claim(parent.path()).unwrap();
        assert!(!left.exists());
        assert_ne!(first.path(), second.path());
        assert!(first.path().exists() && second.path().exists());
        drop((first, second));
        let names: Vec<_> = fs::read_dir(parent.path())
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        assert_eq!(names, ["serve-1"]);
    }
}
