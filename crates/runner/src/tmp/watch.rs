//! How much attempts write, looked at from outside: no limit of the system bounds what one process's files hold together
//! (`RLIMIT_FSIZE` is one file's).
//!
//! The file system as a whole is looked at often, since that costs one call; the folders only when it has grown by a part of
//! what one of them may hold, or now and then. What is deleted while it is open is in no folder, and is not found.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use tokio::time::Instant;

/// How often the file system is looked at while attempts run. Memory is filled with some 2 GB/s: 40 MB between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// How often the folders are looked at in any case.
const LOOK_CLOSELY: Duration = Duration::from_secs(1);
/// At most this part of the time goes into looking at folders.
const SHARE: u32 = 4;
/// The part of what one folder may hold, by which all together may grow unseen.
const UNSEEN_PART: u64 = 4;
/// A block of `st_blocks`, bytes.
const BLOCK: u64 = 512;

/// What a folder may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Bytes on the disk, or in memory, of all files together.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
}

type Exceeded = Box<dyn FnOnce(String) + Send>;

struct Folder {
    path: PathBuf,
    bound: Bound,
    exceeded: Option<Exceeded>,
}

#[derive(Default)]
struct State {
    folders: HashMap<u64, Folder>,
    next: u64,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches folders from a thread of its own, which sleeps while there are none.
pub struct Watch(Arc<Shared>);

/// A folder is watched for as long as this lives.
pub struct Watched {
    shared: Arc<Shared>,
    number: u64,
}

impl Watch {
    pub fn start(root: PathBuf) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let watch = Self(Arc::clone(&shared));
        std::thread::Builder::new()
            .name("watch-tmp".to_owned())
            .spawn(move || run(&shared, &root))?;
        Ok(watch)
    }

    pub fn add(&self, path: PathBuf, bound: Bound, exceeded: Exceeded) -> Watched {
        let mut state = self.0.state();
        state.next += 1;
        let number = state.next;
        let exceeded = Some(exceeded);
        if state.folders.is_empty() {
            self.0.changed.notify_one();
        }
        state.folders.insert(
            number,
            Folder {
                path,
                bound,
                exceeded,
            },
        );
        Watched {
            shared: Arc::clone(&self.0),
            number,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_one();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.shared.state().folders.remove(&self.number);
    }
}

fn run(shared: &Shared, root: &Path) {
    let mut last = Seen::default();
    let mut looked = Instant::now();
    loop {
        let smallest = {
            let mut state = shared.state();
            while state.folders.is_empty() && !state.closed {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed {
                return;
            }
            let bounds = state.folders.values().map(|folder| folder.bound);
            bounds.reduce(|one, other| Bound {
                bytes: one.bytes.min(other.bytes),
                entries: one.entries.min(other.entries),
            })
        };
        // What is written in the time before the first look is bounded by how short that is.
        std::thread::sleep(LOOK);
        let seen = Seen::of(root);
        let grown = smallest.is_some_and(|bound| seen.has_grown(&last, bound));
        if grown || looked.elapsed() >= LOOK_CLOSELY {
            let began = Instant::now();
            look_closely(shared);
            last = seen;
            looked = Instant::now();
            // Many small files take long to count: the watch must not become what the machine is busy with.
            std::thread::sleep(began.elapsed() * (SHARE - 1));
        } else {
            last.forget_what_is_gone(&seen);
        }
    }
}

/// What the file system as a whole holds.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    bytes: u64,
    entries: u64,
}

impl Seen {
    fn of(root: &Path) -> Self {
        match rustix::fs::statvfs(root) {
            Ok(whole) => Self {
                bytes: whole.f_blocks.saturating_sub(whole.f_bfree) * whole.f_frsize,
                entries: whole.f_files.saturating_sub(whole.f_ffree),
            },
            // As if it had grown: then the folders are looked at.
            Err(_) => Self {
                bytes: u64::MAX,
                entries: u64::MAX,
            },
        }
    }

    const fn has_grown(&self, last: &Self, bound: Bound) -> bool {
        self.bytes.saturating_sub(last.bytes) > bound.bytes / UNSEEN_PART
            || self.entries.saturating_sub(last.entries) > bound.entries / UNSEEN_PART
    }

    /// What was freed since may be filled again, and is growth then.
    fn forget_what_is_gone(&mut self, now: &Self) {
        self.bytes = self.bytes.min(now.bytes);
        self.entries = self.entries.min(now.entries);
    }
}

fn look_closely(shared: &Shared) {
    let folders: Vec<(u64, PathBuf, Bound)> = {
        let state = shared.state();
        let folders = state.folders.iter();
        folders
            .filter(|(_, folder)| folder.exceeded.is_some())
            .map(|(number, folder)| (*number, folder.path.clone(), folder.bound))
            .collect()
    };
    for (number, path, bound) in folders {
        let Some(how) = excess(&path, bound) else { continue };
        let exceeded = shared
            .state()
            .folders
            .get_mut(&number)
            .and_then(|folder| folder.exceeded.take());
        if let Some(exceeded) = exceeded {
            exceeded(how);
        }
    }
}

/// How a folder exceeds its bound, if it does. It is counted only as far as it needs to be.
fn excess(root: &Path, bound: Bound) -> Option<String> {
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let found = match fs::read_dir(&folder) {
            Ok(found) => found,
            // It was removed meanwhile, or is not made yet; or was made so that its owner cannot write there either.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                continue;
            }
            Err(error) => return Some(format!("a folder in it cannot be looked at ({error})")),
        };
        for entry in found.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK;
            entries += 1;
            if bytes > bound.bytes {
                return Some(format!(
                    "its files held more than {} MiB together",
                    bound.bytes / (1024 * 1024)
                ));
            }
            if entries > bound.entries {
                return Some(format!("it held more than {} files and folders", bound.entries));
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc::sync_channel;

    use super::*;

    const BOUND: Bound = Bound {
        bytes: 8 << 20,
        entries: 100,
    };
    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn whoever_fills_a_folder_is_told_of_and_nobody_else() {
        let root = tempfile::tempdir().unwrap();
        let watch = Watch::start(root.path().to_owned()).unwrap();
        let (sender, told) = sync_channel(8);
        let watched: Vec<_> = ["bytes", "entries", "deep", "small", "late"]
            .map(|name| {
                let (path, sender) = (root.path().join(name), sender.clone());
                watch.add(
                    path,
                    BOUND,
                    Box::new(move |how| sender.send((name, how)).unwrap()),
                )
            })
            .into();
        for name in ["bytes", "entries", "deep", "small"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("small/file"), vec![1; 1 << 20]).unwrap();
        for number in 0..9 {
            fs::write(root.path().join(format!("bytes/{number}")), vec![1; 1 << 20]).unwrap();
        }
        for number in 0..101 {
            fs::write(root.path().join(format!("entries/{number}")), "").unwrap();
        }
        let deep = root.path().join("deep").join("d/".repeat(101));
        fs::create_dir_all(deep).unwrap();
        let mut full: Vec<_> = (0..3).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
        full.sort();
        let expected = [
            ("bytes", "its files held more than 8 MiB together"),
            ("deep", "it held more than 100 files and folders"),
            ("entries", "it held more than 100 files and folders"),
        ];
        assert_eq!(full, expected.map(|(name, how)| (name, how.to_owned())));
        assert!(
            told.recv_timeout(LOOK_CLOSELY * 2).is_err(),
            "each is told of once"
        );
        drop(watched);
    }
}
