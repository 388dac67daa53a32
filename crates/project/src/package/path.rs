//! Which paths a project's files may have: those that mean the same everywhere and stay below the project.

use domain::Code;

use crate::error::ProjectError;

/// The longest path of a file below its project, bytes: what common file systems take as one name.
pub const MAX_PATH_BYTES: usize = 255;

pub(super) fn check(name: &str) -> Result<(), ProjectError> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_PATH_BYTES {
        "is longer than 255 bytes"
    } else if name.starts_with('/') {
        "is absolute"
    } else if name.chars().any(|c| c.is_control() || c == '\\') {
        "holds a control character or a backslash"
    } else if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "has an empty part, `.` or `..`"
    } else {
        return Ok(());
    };
    Err(ProjectError::new(
        Code::BadArchive,
        format!("the path {name:?} {wrong}"),
        "give the file a short relative path below the project, or leave it out",
    ))
}
