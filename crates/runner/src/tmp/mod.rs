//! The folders that attempts write to: one each, watched while the attempt runs, removed after it.

mod remove;
mod scratch;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

pub use remove::remove_all;
pub use scratch::Scratch;
use watch::Watch;
pub use watch::{Bound, Watched};

/// How many folders may wait for their removal; an attempt that ends beyond that waits for its own.
const REMOVALS_MAX: usize = 256;

/// Where all attempts of a server have their folders.
pub struct TmpRoot {
    folder: PathBuf,
    next: AtomicU64,
    removals: SyncSender<Removal>,
    watch: Watch,
}

enum Removal {
    Folder(PathBuf),
    /// Everything before it is removed.
    Told(oneshot::Sender<()>),
}

impl TmpRoot {
    /// Makes the folder.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn new(folder: PathBuf) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(&folder)?;
        let (removals, receiver) = sync_channel(REMOVALS_MAX);
        std::thread::Builder::new()
            .name("remove-tmp".to_owned())
            .spawn(move || remove_each(&receiver))?;
        Ok(Arc::new(Self {
            watch: Watch::start(folder.clone())?,
            folder,
            next: AtomicU64::new(1),
            removals,
        }))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A folder that no other attempt of this server has had. The child makes it.
    pub fn folder(self: &Arc<Self>) -> TmpFolder {
        TmpFolder {
            name: format!("c{}", self.next.fetch_add(1, Ordering::Relaxed)),
            root: Arc::clone(self),
        }
    }

    /// Waits until the folders of attempts that are over are removed, then removes the root as well, if nothing is left in it.
    pub async fn close(&self) {
        let (told, done) = oneshot::channel();
        if self.try_remove(Removal::Told(told)).is_none() {
            // The other end goes only with the thread, and then there is nothing to wait for.
            let _ = done.await;
        }
        if let Err(error) = std::fs::remove_dir(&self.folder) {
            tracing::debug!(%error, "the attempts' folder stays; the next start clears it");
        }
    }

    /// Gives back what cannot be done elsewhere.
    fn try_remove(&self, removal: Removal) -> Option<Removal> {
        match self.removals.try_send(removal) {
            Ok(()) => None,
            Err(TrySendError::Full(removal) | TrySendError::Disconnected(removal)) => Some(removal),
        }
    }
}

fn remove_each(removals: &Receiver<Removal>) {
    for removal in removals {
        match removal {
            Removal::Folder(folder) => remove_or_tell(&folder),
            // Whoever asked may have gone.
            Removal::Told(done) => drop(done.send(())),
        }
    }
}

fn remove_or_tell(folder: &Path) {
    match remove_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "a child's folder could not be removed");
        }
        _ => {}
    }
}

/// A child's own folder. The child makes it; this removes it, on a thread that no other attempt waits for.
pub struct TmpFolder {
    name: String,
    root: Arc<TmpRoot>,
}

impl TmpFolder {
    /// Its name below the root.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Has `exceeded` called, once, should it come to hold more than `bound`, for as long as the answer lives.
    pub fn watch(&self, bound: Bound, exceeded: impl FnOnce(String) + Send + 'static) -> Watched {
        self.root
            .watch
            .add(self.root.folder.join(&self.name), bound, Box::new(exceeded))
    }
}

impl Drop for TmpFolder {
    fn drop(&mut self) {
        let folder = self.root.folder.join(&self.name);
        // Most functions write no file: then one call does it.
        match std::fs::remove_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => {
                if let Some(Removal::Folder(folder)) = self.root.try_remove(Removal::Folder(folder)) {
                    remove_or_tell(&folder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn folders_of_attempts_that_are_over_are_gone_once_the_root_is_closed() {
        let parent = tempfile::tempdir().unwrap();
        let root = TmpRoot::new(parent.path().join("root")).unwrap();
        for full in [false, true] {
            let folder = root.folder();
            let path = root.path().join(folder.name());
            fs::create_dir(&path).unwrap();
            if full {
                fs::create_dir(path.join("below")).unwrap();
                fs::write(path.join("below/file"), "x").unwrap();
            }
        }
        drop(root.folder());
        root.close().await;
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
