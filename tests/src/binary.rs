//! What the tests are given: a binary, an interpreter, the repository.

use std::path::{Path, PathBuf};

/// The binary under test, built with its fail points.
#[must_use]
pub fn aftercall() -> PathBuf {
    given("AFTERCALL_BIN")
}

/// A Python with the packages that end functions may count on (`requests`, `pydantic` and so on).
#[must_use]
pub fn test_python() -> PathBuf {
    given("AFTERCALL_TEST_PYTHON")
}

/// The repository's root.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn given(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!(
            "{variable} is not set: run these tests by `make test-system`, which builds what they need and sets it. \
             By hand: cargo build -p aftercall --features fail-points, python3 -m venv VENV, \
             VENV/bin/pip install -r python/requirements-dev.txt; then set AFTERCALL_BIN and AFTERCALL_TEST_PYTHON"
        );
    };
    let path = PathBuf::from(path);
    assert!(path.is_file(), "{variable}={} is no file", path.display());
    path
}
