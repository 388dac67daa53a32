//! Projects of a test's own.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A project folder; gone with the test.
pub struct Project(TempDir);

impl Project {
    /// A project whose `functions/end_function.py` is this.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self::files(&[("functions/end_function.py", source)])
    }

    /// A project of these files.
    #[must_use]
    pub fn files(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::Builder::new().prefix("project-").tempdir().unwrap());
        for (name, text) in files {
            project.write(name, text.as_bytes());
        }
        project
    }

    /// Adds a file.
    pub fn write(&self, name: &str, content: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// One of its files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
