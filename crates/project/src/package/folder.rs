//! Reads a project from a disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::Code;
use ignore::{DirEntry, WalkBuilder};

use super::{ENTRY_FILE, MAX_BYTES, Size, is_python, path};
use crate::error::ProjectError;

/// Names what to leave out, in the manner of a `.gitignore`; may lie in any folder of the project.
pub const IGNORE_FILE: &str = ".aftercallignore";

/// Left out wherever they are, beside everything hidden: caches and installations that belong to one machine.
const LEFT_OUT: [&str; 4] = ["__pycache__", "venv", "node_modules", "aftercall-data"];

pub(super) fn read(given: &Path) -> Result<BTreeMap<String, Vec<u8>>, ProjectError> {
    let found = fs::metadata(given).map_err(|error| nothing_there(given, &error.to_string()))?;
    if found.is_dir() {
        return read_folder(given);
    }
    if let Some(project) = given.ancestors().nth(2).filter(|_| given.ends_with(ENTRY_FILE)) {
        // An empty path means here.
        return read_folder(if project.as_os_str().is_empty() {
            Path::new(".")
        } else {
            project
        });
    }
    let name = given
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if !is_python(name) {
        return Err(nothing_there(given, "neither a folder nor a .py file"));
    }
    path::check(name)?;
    let content = read_file(given, name, &mut Size::default())?;
    Ok(BTreeMap::from([(name.to_owned(), content)]))
}

fn read_folder(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, ProjectError> {
    let root = root
        .canonicalize()
        .map_err(|error| nothing_there(root, &error.to_string()))?;
    let walk = WalkBuilder::new(&root)
        .standard_filters(false)
        .hidden(true)
        .follow_links(true)
        .add_custom_ignore_filename(IGNORE_FILE)
        .filter_entry(|entry| !is_left_out(entry))
        .build();
    let mut files = BTreeMap::new();
    let mut size = Size::default();
    for entry in walk {
        let entry = entry.map_err(|error| unreadable(&error.to_string()))?;
        if let Some(error) = entry.error() {
            return Err(unreadable(&error.to_string()));
        }
        if entry.path_is_symlink() {
            stays_inside(entry.path(), &root)?;
        }
        // Sockets, pipes and devices are nobody's source code, and reading one could wait for ever.
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = name_below(entry.path(), &root)?;
        path::check(&name)?;
        let content = read_file(entry.path(), &name, &mut size)?;
        files.insert(name, content);
    }
    Ok(files)
}

fn is_left_out(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() > 0 && (LEFT_OUT.contains(&&*name) || name.ends_with(".pyc"))
}

fn stays_inside(link: &Path, root: &Path) -> Result<(), ProjectError> {
    let target = link
        .canonicalize()
        .map_err(|error| unreadable(&error.to_string()))?;
    if target.starts_with(root) {
        return Ok(());
    }
    Err(ProjectError::new(
        Code::BadArchive,
        "the symbolic link leads out of the project",
        format!(
            "copy {} into the project, or leave the link out",
            target.display()
        ),
    )
    .in_file(below(link, root).display().to_string()))
}

fn name_below(file: &Path, root: &Path) -> Result<String, ProjectError> {
    let relative = below(file, root);
    relative.to_str().map(str::to_owned).ok_or_else(|| {
        ProjectError::new(
            Code::BadArchive,
            "the file's name is not UTF-8",
            "give the file a name in UTF-8, or leave it out",
        )
        .in_file(relative.display().to_string())
    })
}

fn below(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_path_buf()
}

fn read_file(path: &Path, name: &str, size: &mut Size) -> Result<Vec<u8>, ProjectError> {
    let failed = |error: std::io::Error| unreadable(&error.to_string()).in_file(name);
    let mut content = Vec::new();
    // One byte past the limit shows that there is more, without reading it all.
    File::open(path)
        .map_err(failed)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    size.add(name, content.len() as u64)?;
    Ok(content)
}

fn nothing_there(path: &Path, reason: &str) -> ProjectError {
    ProjectError::new(
        Code::NoSuchFolder,
        format!("{}: {reason}", path.display()),
        "give the project's folder (the one that holds functions/) or a single .py file",
    )
}

fn unreadable(reason: &str) -> ProjectError {
    ProjectError::new(
        Code::NoSuchFolder,
        format!("a part of the project cannot be read: {reason}"),
        format!("make it readable, or name it in {IGNORE_FILE}"),
    )
}
