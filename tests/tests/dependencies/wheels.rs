//! Distributions of a test's own, in a folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use system_tests::test_python;
use tempfile::TempDir;

/// A folder of wheels that everybody may read; gone with the test.
pub struct Wheelhouse(TempDir);

impl Wheelhouse {
    /// An empty one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("wheelhouse-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    /// One with a wheel for each of these: name, version, what it requires.
    pub fn of(wheels: &[(&str, &str, &[&str])]) -> Self {
        let house = Self::new();
        for (name, version, requires) in wheels {
            house.add(name, version, requires);
        }
        house
    }

    /// Adds a wheel that knows its version.
    pub fn add(&self, name: &str, version: &str, requires: &[&str]) {
        let source = format!("VERSION = {version:?}\n");
        self.make(&json!({"name": name, "version": version, "source": source, "requires": requires}));
    }

    /// Adds any distribution that `make.py` can make.
    pub fn make(&self, what: &Value) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dependencies/make.py");
        let mut python = Command::new(test_python())
            .arg(script)
            .arg(self.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text = json!([what]).to_string();
        python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(python.wait().unwrap().success());
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Its files.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }

    /// Takes everything away.
    pub fn empty(&self) {
        for file in self.files() {
            fs::remove_file(file).unwrap();
        }
    }
}
