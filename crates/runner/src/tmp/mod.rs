//! The folders that attempts write to: one each, watched while the attempt runs, removed after it.

mod remove;
mod scratch;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};
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
    removals: Sender<Removal>,
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
        let (removals, receiver) = channel(REMOVALS_MAX);
        std::thread::Builder::new()
            .name("remove-tmp".to_owned())
            .spawn(move || remove_each(receiver))?;
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
            is_removed: false,
        }
    }

    /// Waits until the folders of attempts that are over are removed, then removes the root as well, if nothing is left in it.
    pub async fn close(&self) {
        let (told, done) = oneshot::channel();
        if self.removals.send(Removal::Told(told)).await.is_ok() {
            // The other end goes only with the thread, and then there is nothing to wait for.
            let _ = done.await;
        }
        // One call, at the very end.
        if let Err(error) = std::fs::remove_dir(&self.folder) {
            tracing::debug!(%error, "the attempts' folder stays; the next start clears it");
        }
    }
}

fn remove_each(mut removals: Receiver<Removal>) {
    while let Some(removal) = removals.blocking_recv() {
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

/// A child's own folder. The child makes it; [`Self::remove`] removes it, on a thread that no other attempt waits for.
pub struct TmpFolder {
    name: String,
    root: Arc<TmpRoot>,
    is_removed: bool,
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

    /// Has it removed, once its child is over. Where very many wait for that already, it waits for room among them.
    pub async fn remove(mut self) {
        self.is_removed = true;
        if let Some(folder) = self.full()
            && self.root.removals.send(Removal::Folder(folder)).await.is_err()
        {
            tracing::warn!(
                name = self.name,
                "a child's folder stays; the next start removes it"
            );
        }
    }

    /// Its path, if something is in it. Most functions write no file: then it is removed by one call, which waits for nothing,
    /// since the folder lies in memory or in the system's cache.
    fn full(&self) -> Option<PathBuf> {
        let folder = self.root.folder.join(&self.name);
        match std::fs::remove_dir(&folder) {
            Ok(()) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(folder),
        }
    }
}

impl Drop for TmpFolder {
    /// For whoever breaks off before it removes it.
    fn drop(&mut self) {
        if self.is_removed {
            return;
        }
        if let Some(folder) = self.full()
            && let Err(left) = self.root.removals.try_send(Removal::Folder(folder))
            && let Removal::Folder(folder) = left.into_inner()
        {
            tracing::warn!(folder = %folder.display(), "a child's folder stays; the next start removes it");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn an_attempt_that_waits_for_the_removal_of_others_keeps_no_thread_from_its_work() {
        let parent = tempfile::tempdir().unwrap();
        let (removals, mut waiting) = channel(1);
        let root = Arc::new(TmpRoot {
            watch: Watch::start(parent.path().to_owned()).unwrap(),
            folder: parent.path().to_owned(),
            next: AtomicU64::new(1),
            removals,
        });
        let full = || {
            let folder = root.folder();
            fs::create_dir_all(root.path().join(folder.name()).join("below")).unwrap();
            folder
        };
        full().remove().await;
        let mut second = std::pin::pin!(full().remove());
        let moment = std::time::Duration::from_millis(20);
        assert!(
            tokio::time::timeout(moment, &mut second).await.is_err(),
            "there is no room"
        );
        assert!(matches!(waiting.recv().await, Some(Removal::Folder(_))));
        second.await;
        assert!(matches!(waiting.try_recv(), Ok(Removal::Folder(_))));
    }

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
        root.folder().remove().await;
        root.close().await;
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
