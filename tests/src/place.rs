//! Where a server of a test lives.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::server::Setup;

/// A data folder, a folder for the attempts' temporary ones, and room for what else a test writes; gone with the test.
pub struct Place {
    folder: TempDir,
    data: PathBuf,
    children: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A new, empty one.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("aftercall-test-")
            .tempdir()
            .unwrap();
        let data = folder.path().join("data");
        Self::at(folder, data)
    }

    /// One whose data folder is elsewhere.
    #[must_use]
    pub fn with_data(data: &Path) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("aftercall-test-")
            .tempdir()
            .unwrap();
        Self::at(folder, data.to_owned())
    }

    fn at(folder: TempDir, data: PathBuf) -> Self {
        // In memory, as it is by default.
        let children = tempfile::Builder::new()
            .prefix("aftercall-test-")
            .tempdir_in("/dev/shm");
        Self {
            folder,
            data,
            children: children.expect("/dev/shm can be written to"),
        }
    }

    /// The server's data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where attempts get their folders, in folders of the servers' own.
    #[must_use]
    pub fn tmp_root(&self) -> &Path {
        self.children.path()
    }

    /// The folders that attempts have now.
    #[must_use]
    pub fn attempt_folders(&self) -> Vec<PathBuf> {
        let below = |folder: &Path| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        below(self.tmp_root())
            .iter()
            .flat_map(|server| below(server))
            .collect()
    }

    /// A path for a file of the test.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server here, to be set up and started.
    #[must_use]
    pub fn server(&self) -> Setup<'_> {
        Setup::new(self)
    }
}
