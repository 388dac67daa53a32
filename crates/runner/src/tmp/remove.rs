//! Removing a folder that somebody hostile has filled.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, chmodat, openat, renameat, unlinkat};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);

/// Removes a folder and all that it holds, following no link. However deep it is nested, this takes two descriptors and no
/// stack: folders that are found inside are moved up before they are emptied. Nobody may write there any more.
///
/// # Errors
/// Whatever the system says, that there is no such folder included.
pub fn remove_all(folder: &Path) -> io::Result<()> {
    let top = openat(CWD, folder, FOLDER, Mode::empty())?;
    let mut moved = 0;
    loop {
        let full = remove_what_can_be(&top)?;
        if full.is_empty() {
            break;
        }
        for name in full {
            let inner = openat(&top, &name, FOLDER, Mode::empty())?;
            for below in remove_what_can_be(&inner)? {
                move_up(&inner, &below, &top, &mut moved)?;
            }
            is_removed(&top, &name)?;
        }
    }
    std::fs::remove_dir(folder)
}

/// Removes files and empty folders; gives the names of the others, which are then open to us.
fn remove_what_can_be(folder: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        names.push(entry?.file_name().to_owned());
    }
    let mut full = Vec::new();
    for name in names {
        if matches!(name.to_bytes(), b"." | b"..") || is_removed(folder, &name)? {
            continue;
        }
        // It may have been made with any mode; it is a folder, so no link is followed.
        chmodat(folder, &*name, Mode::RWXU, AtFlags::empty())?;
        full.push(name);
    }
    Ok(full)
}

fn move_up(from: &OwnedFd, name: &CStr, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    loop {
        *moved += 1;
        // It may have been given that name already, by whoever filled the folder.
        match renameat(from, name, top, format!(".moved-up-{moved}")) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            done => return Ok(done?),
        }
    }
}

/// Removes a file or an empty folder; `false` if it is a folder that is not empty.
fn is_removed(folder: &OwnedFd, name: &CStr) -> io::Result<bool> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(true),
        // Linux says that it is a folder, POSIX that this may not be done to one.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use rustix::fs::mkdirat;

    use super::*;

    #[test]
    fn a_tree_deeper_than_any_path_is_removed_and_nothing_outside() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let folder = parent.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::create_dir(folder.join(".moved-up-1")).unwrap();
        fs::write(folder.join(".moved-up-1/file"), "x").unwrap();
        fs::create_dir(folder.join("closed")).unwrap();
        fs::write(folder.join("closed/file"), "x").unwrap();
        fs::set_permissions(folder.join("closed"), fs::Permissions::from_mode(0o0)).unwrap();
        symlink(&outside, folder.join("link")).unwrap();
        let mut at = openat(CWD, &folder, FOLDER, Mode::empty()).unwrap();
        for depth in 0..20_000 {
            mkdirat(&at, "d", Mode::RWXU).unwrap();
            if depth % 5_000 == 0 {
                rustix::fs::symlinkat(&outside, &at, "another-link").unwrap();
                mkdirat(&at, "sibling", Mode::RWXU).unwrap();
            }
            at = openat(&at, "d", FOLDER, Mode::empty()).unwrap();
        }
        drop(at);
        remove_all(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "x");
        assert_eq!(remove_all(&folder).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
