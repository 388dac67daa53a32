//! Puts a project's files on disk, as a deployment that nobody changes again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
/// How the names of unfinished folders begin.
const UNFINISHED: &str = ".unfinished-";

/// Tells apart two writes of the same process.
static NEXT: AtomicU64 = AtomicU64::new(0);

pub(super) fn unpack(files: &BTreeMap<String, Vec<u8>>, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let (parent, name) = match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(name)) => (parent, name.to_string_lossy()),
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a deployment needs a folder with a name",
            ));
        }
    };
    fs::create_dir_all(parent)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = parent.join(format!("{UNFINISHED}{}-{number}-{name}", std::process::id()));
    let written = write_all(files, &unfinished).and_then(|()| put_in_place(&unfinished, folder));
    if written.is_err() {
        // The first error is the one to tell; what cannot be removed now is swept at the next start.
        let _ = fs::remove_dir_all(&unfinished);
    }
    written?;
    sync_folder(parent)
}

fn write_all(files: &BTreeMap<String, Vec<u8>>, root: &Path) -> io::Result<()> {
    make_folder(root)?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([root.to_path_buf()]);
    for (name, content) in files {
        let path = root.join(name);
        let below_root = path.ancestors().skip(1).take_while(|folder| *folder != root);
        let mut missing: Vec<&Path> = below_root.filter(|folder| !folders.contains(*folder)).collect();
        while let Some(folder) = missing.pop() {
            make_folder(folder)?;
            folders.insert(folder.to_path_buf());
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        file.write_all(content)?;
        file.sync_all()?;
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// The mode is set again after the making, since a umask may have taken from it.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER_MODE).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
}

fn put_in_place(unfinished: &Path, folder: &Path) -> io::Result<()> {
    match fs::rename(unfinished, folder) {
        // Somebody else put the same content there meanwhile.
        Err(_) if folder.is_dir() => fs::remove_dir_all(unfinished),
        other => other,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what writes left behind that were cut off. To be called at a start, while nothing writes below `parent`.
/// Answers how many there were.
///
/// # Errors
/// Whatever the system says; a `parent` that does not exist holds nothing.
pub fn sweep_unfinished(parent: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut swept = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}
