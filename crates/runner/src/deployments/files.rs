//! A deployment's files on disk, and how they are known to be those that were deployed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use project::Package;
use project::unpacked::{Put, digest};

/// Beside a deployment's folder lies the digest of what it holds.
fn sum_file(folder: &Path) -> PathBuf {
    folder.with_extension("sha256")
}

/// Sees to it that a deployment's files, and their digest, lie there as they were deployed.
///
/// # Errors
/// Whatever the system says.
pub fn unpack(package: &Package, folder: &Path) -> io::Result<Put> {
    let file = sum_file(folder);
    let sum = hex(&package.contents().digest());
    if fs::read(&file).ok().as_deref() != Some(sum.as_bytes()) {
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent)?;
        }
        let unfinished = file.with_extension("new");
        let mut written = File::create(&unfinished)?;
        written.write_all(sum.as_bytes())?;
        written.sync_all()?;
        fs::rename(unfinished, file)?;
    }
    // Its parent is synced with it: no folder is there without its digest.
    package.unpack(folder)
}

/// Takes a deployment's files and their digest away.
///
/// # Errors
/// Whatever the system says, but for what is not there.
pub fn remove(folder: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    // As it came: no folder is there without its digest.
    gone(fs::remove_dir_all(folder))?;
    gone(fs::remove_file(sum_file(folder)))
}

/// Whether a deployment's files are what was deployed; if not, what is wrong, in a few words.
pub fn fault(folder: &Path) -> Option<String> {
    let told = match fs::read_to_string(sum_file(folder)) {
        Ok(told) => told,
        Err(error) => return Some(format!("has files whose digest cannot be read: {error}")),
    };
    match digest(folder) {
        Ok(found) if hex(&found) == told => None,
        Ok(_) => Some("has other files on disk than were deployed".to_owned()),
        Err(error) => Some(format!("has files that cannot be read: {error}")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_that_changed_since_they_were_deployed_are_found_and_deploying_again_mends_them() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("abc");
        let files = [("end_function.py", "pass\n"), ("functions/x.py", "x = 1\n")];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let package = Package::from_files(files.into()).unwrap();
        assert!(fault(&folder).is_some());
        assert_eq!(unpack(&package, &folder).unwrap(), Put::Written);
        assert_eq!(fault(&folder), None);
        assert_eq!(unpack(&package, &folder).unwrap(), Put::WasThere);
        let damages: [fn(&Path) -> io::Result<()>; 4] = [
            |folder| fs::write(folder.join("functions/x.py"), "x = 2\n"),
            |folder| fs::remove_file(folder.join("functions/x.py")),
            |folder| fs::write(folder.join("sitecustomize.py"), ""),
            |folder| fs::write(folder.with_extension("sha256"), ""),
        ];
        for damage in damages {
            damage(&folder).unwrap();
            assert!(fault(&folder).is_some());
            unpack(&package, &folder).unwrap();
            assert_eq!(fault(&folder), None);
        }
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            2,
            "nothing else is left"
        );
        for _ in 0..2 {
            remove(&folder).unwrap();
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
