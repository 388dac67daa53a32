//! Folders whose names stand for what they hold: written whole or not at all, and looked at again before they are trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use sha2::{Digest as _, Sha256};

const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
/// How the names of unfinished folders begin.
const UNFINISHED: &str = ".unfinished-";

/// Tells apart two writes of the same process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a folder is to hold: paths below it, and bytes.
#[derive(Debug, Clone)]
pub struct Contents<'a> {
    files: BTreeMap<&'a str, &'a [u8]>,
    is_extra: fn(&str) -> bool,
}

/// What putting contents on a disk found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The same.
    WasThere,
    /// Nothing.
    Written,
    /// Something else, which was replaced: in what it differed.
    Mended(String),
}

impl<'a> Contents<'a> {
    /// These files, and nothing else.
    pub fn new(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self {
            files: files.into_iter().collect(),
            is_extra: |_| false,
        }
    }

    /// Files whose path, relative to the folder, is an extra may be there as well: whatever they hold, it is no difference.
    #[must_use]
    pub fn allowing(self, is_extra: fn(&str) -> bool) -> Self {
        Self { is_extra, ..self }
    }

    /// SHA-256 over all names and bytes; what [`digest`] finds in a folder that holds nothing but them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, content) in &self.files {
            add(&mut hash, name, content);
        }
        hash.finalize().into()
    }

    /// Sees to it that `folder` holds exactly this: files 0644, folders 0755, all on disk before the folder has its name.
    /// One that differs is replaced in one step.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn put(&self, folder: &Path) -> io::Result<Put> {
        let there = folder.is_dir();
        let difference = if there { self.difference(folder)? } else { None };
        if there && difference.is_none() {
            return Ok(Put::WasThere);
        }
        let (parent, name) = match (folder.parent(), folder.file_name()) {
            (Some(parent), Some(name)) => (parent, name.to_string_lossy()),
            _ => {
                let message = "a folder of contents needs a name";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        };
        fs::create_dir_all(parent)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unfinished = parent.join(format!("{UNFINISHED}{}-{number}-{name}", std::process::id()));
        let written = self
            .write_all(&unfinished)
            .and_then(|()| self.put_in_place(&unfinished, folder));
        if written.is_err() {
            // The first error is the one to tell; what cannot be removed now is swept at the next start.
            let _ = fs::remove_dir_all(&unfinished);
        }
        written?;
        sync_folder(parent)?;
        Ok(difference.map_or(Put::Written, Put::Mended))
    }

    /// In what a folder differs from this, in a few words; `None` if it does not.
    ///
    /// # Errors
    /// Whatever the system says; a folder that is not there is an error.
    pub fn difference(&self, folder: &Path) -> io::Result<Option<String>> {
        let mut found = walk(folder)?;
        found.retain(|name, _| self.files.contains_key(&**name) || !(self.is_extra)(name));
        if let Some(name) = found.keys().find(|name| !self.files.contains_key(&***name)) {
            return Ok(Some(format!("{name} does not belong there")));
        }
        for (name, content) in &self.files {
            let Some(metadata) = found.get(*name) else {
                return Ok(Some(format!("{name} is missing")));
            };
            let same = metadata.is_file()
                && metadata.len() == content.len() as u64
                && fs::read(folder.join(name))? == *content;
            if !same {
                return Ok(Some(format!("{name} is changed")));
            }
        }
        Ok(None)
    }

    fn write_all(&self, root: &Path) -> io::Result<()> {
        make_folder(root)?;
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([root.to_path_buf()]);
        for (name, content) in &self.files {
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

    fn put_in_place(&self, unfinished: &Path, folder: &Path) -> io::Result<()> {
        match fs::rename(unfinished, folder) {
            Err(_) if folder.is_dir() => {}
            other => return other,
        }
        // Somebody else may have put the same there meanwhile.
        if self.difference(folder)?.is_some() {
            exchange(unfinished, folder)?;
        }
        fs::remove_dir_all(unfinished)
    }
}

/// Two folders change places, in one step where the file system can.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            let aside = one.with_extension("aside");
            fs::rename(other, &aside)?;
            fs::rename(one, other)?;
            fs::rename(aside, one)
        }
        done => Ok(done?),
    }
}

/// Everything below a folder that is no folder, by its relative path. Names that are no UTF-8 are shown as well as they can be.
fn walk(root: &Path) -> io::Result<BTreeMap<String, fs::Metadata>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            found.insert(name, metadata);
        }
    }
    Ok(found)
}

/// SHA-256 over the names and bytes of all that a folder holds; see [`Contents::digest`].
///
/// # Errors
/// Whatever the system says, and `InvalidData` for what is neither file nor folder.
pub fn digest(folder: &Path) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    for (name, metadata) in walk(folder)? {
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{name} is no file"),
            ));
        }
        add(&mut hash, &name, &fs::read(folder.join(&name))?);
    }
    Ok(hash.finalize().into())
}

/// Every part tells its length first, so that no two listings run together into the same bytes.
fn add(hash: &mut Sha256, name: &str, content: &[u8]) {
    for part in [name.as_bytes(), content] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
}

/// The mode is set again after the making, since a umask may have taken from it.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER_MODE).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
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
