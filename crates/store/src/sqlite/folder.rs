//! The data folder: whose it is, what lies in it, and that one process at a time has it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use crate::{StoreError, Torn};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const MAIN: &str = "aftercall.db";
const KEYS: &str = "keys.db";

/// A data folder that this process has, until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Carries the lock: it belongs to this open file, and the kernel takes it back when the process ends, however it ends.
    _lock: File,
    main_file: Arc<File>,
    keys_file: Arc<File>,
    main_was_there: bool,
}

impl Folder {
    /// Makes the folder and its files if they are not there, closes them to others, and locks them.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Torn`] before anything is made, or what the system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path)
            .map_err(|error| failed("cannot be made", path, &error))?;
        let path = fs::canonicalize(path).map_err(|error| failed("cannot be found", path, &error))?;
        close_to_others(&path, FOLDER_MODE)?;
        let lock = lock(&path)?;
        let main_was_there = expect_both(&path)?;
        // SQLite gives a log and its index the mode of their database, so the databases must be there before it comes.
        let folder = Self {
            main_file: Arc::new(open_private(&path.join(MAIN))?),
            keys_file: Arc::new(open_private(&path.join(KEYS))?),
            main_was_there,
            path,
            _lock: lock,
        };
        folder.sync()?;
        Ok(folder)
    }

    /// Whose.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether [`Self::main`] held anything before it was opened.
    pub const fn main_was_there(&self) -> bool {
        self.main_was_there
    }

    /// Everything but the keys.
    pub fn main(&self) -> PathBuf {
        self.path.join(MAIN)
    }

    /// The wrapped keys of conversations.
    pub fn keys(&self) -> PathBuf {
        self.path.join(KEYS)
    }

    /// [`Self::main`], open. To be closed after every connection to it.
    pub fn main_file(&self) -> Arc<File> {
        Arc::clone(&self.main_file)
    }

    /// [`Self::keys`] likewise.
    pub fn keys_file(&self) -> Arc<File> {
        Arc::clone(&self.keys_file)
    }

    /// Space held back.
    pub fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    /// A new file's name is on the disk only once its folder is.
    fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed("cannot be written to the disk", &self.path, &error))
    }
}

/// Refuses a folder with only one of the two databases, where that can be told from outside: SQLite would make a new one,
/// and throw away the log of one that is gone. Answers whether the main one is there.
fn expect_both(folder: &Path) -> Result<bool, StoreError> {
    let holds = |name: &str| match fs::metadata(folder.join(name)) {
        Ok(found) => Ok(found.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("cannot be looked at", &folder.join(name), &error)),
    };
    let log_of = |name: &str| holds(&format!("{name}-wal"));
    let torn = |torn| StoreError::Torn {
        folder: folder.display().to_string(),
        torn,
    };
    let (main, keys) = (holds(MAIN)?, holds(KEYS)?);
    if !keys && (main || log_of(MAIN)? || log_of(KEYS)?) {
        return Err(torn(Torn::NoKeys));
    }
    if !main && log_of(MAIN)? {
        return Err(torn(Torn::NoMain));
    }
    Ok(main)
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let mut file = open_private(&path)?;
    if let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if errno != rustix::io::Errno::WOULDBLOCK {
            return Err(failed("cannot be locked", &path, &errno.into()));
        }
        let mut text = String::new();
        // The holder may not have written its number yet; 0 says so.
        let pid = match file.read_to_string(&mut text) {
            Ok(_) => text.trim().parse().unwrap_or(0),
            Err(_) => 0,
        };
        return Err(StoreError::InUse {
            folder: folder.display().to_string(),
            pid,
        });
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    match written {
        // On a full disk the folder is still opened: who holds it then is not told.
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {}
        other => other.map_err(|error| failed("cannot be written", &path, &error))?,
    }
    Ok(file)
}

/// Opens a file that only its owner can read, making it if it is not there.
pub(super) fn open_private(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| failed("cannot be opened", path, &error))?;
    close_to_others(path, FILE_MODE)?;
    Ok(file)
}

fn close_to_others(path: &Path, mode: u32) -> Result<(), StoreError> {
    let found = fs::metadata(path)
        .map_err(|error| failed("cannot be looked at", path, &error))?
        .permissions()
        .mode();
    if found & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "other users could read this; it is closed to them now");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| {
        failed(
            "is open to other users and cannot be closed to them",
            path,
            &error,
        )
    })
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed(format!("{} {what}: {error}", path.display()))
}
