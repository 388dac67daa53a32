//! What a package promises, whether it comes from a folder or an archive.
#![allow(clippy::unwrap_used)]

mod archive;
mod content;
mod folder;

use std::fs;
use std::path::Path;

use project::{Package, ProjectError};

const FUNCTION: &str = "def end_function(conv):\n    pass\n";

fn write(root: &Path, name: &str, content: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn names(package: &Package) -> Vec<&str> {
    package.files().keys().map(String::as_str).collect()
}

fn code(error: &ProjectError) -> &'static str {
    error.code.as_str()
}
