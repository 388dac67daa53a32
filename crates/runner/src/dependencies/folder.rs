//! Environments on disk: written whole or not at all, in folders named by what they hold.

use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use domain::Lock;
use rustix::fs::{FlockOperation, OFlags, flock, syncfs};

/// Where an environment has its packages.
const PACKAGES: &str = "site-packages";
/// How the names of unfinished folders begin.
const UNFINISHED: &str = ".unfinished-";
/// Most files and folders of an environment.
const MAX_ENTRIES: u64 = 500_000;
/// Most bytes of an environment.
const MAX_BYTES: u64 = 8 << 30;
/// Most environments that one look removes.
const MAX_REMOVED: usize = 64;

/// The folder of all environments.
#[derive(Debug, Clone)]
pub(super) struct Folder(pub PathBuf);

impl Folder {
    /// An environment's packages, if it is there.
    pub fn packages(&self, id: &str) -> Option<PathBuf> {
        let folder = self.0.join(id).join(PACKAGES);
        folder.is_dir().then_some(folder)
    }

    /// Takes over what was installed: files of this process's own, that nobody else may write to, on disk before the
    /// environment has its name.
    ///
    /// # Errors
    /// Whatever the system says, and `InvalidData` for what an environment cannot hold.
    pub fn put(&self, id: &str, installed: &Path) -> io::Result<PathBuf> {
        let unfinished = self.0.join(format!("{UNFINISHED}{id}"));
        remove(&unfinished)?;
        make_folder(&unfinished)?;
        let mut left = Left {
            entries: MAX_ENTRIES,
            bytes: MAX_BYTES,
        };
        let put = left
            .copy(installed, &unfinished.join(PACKAGES))
            // One call for all its files, instead of one for each of ten thousand.
            .and_then(|()| Ok(syncfs(File::open(&unfinished)?)?))
            .and_then(|()| fs::rename(&unfinished, self.0.join(id)))
            .and_then(|()| File::open(&self.0)?.sync_all());
        if put.is_err() {
            // The first error is the one to tell; what cannot be removed now is removed before the next try.
            let _ = remove(&unfinished);
        }
        put.map(|()| self.0.join(id).join(PACKAGES))
    }

    /// Waits until nobody else, in whatever process, makes what this name stands for.
    ///
    /// # Errors
    /// Whatever the system says.
    pub async fn turn(&self, name: &str) -> io::Result<File> {
        let folder = self.0.join("turns");
        let file = folder.join(name);
        tokio::task::spawn_blocking(move || {
            fs::create_dir_all(folder)?;
            let file = OpenOptions::new().create(true).append(true).open(file)?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        })
        .await
        .map_err(io::Error::other)?
    }

    /// What these requirements were resolved to before, if it is known here.
    pub fn lock(&self, requirements: &str) -> Option<Lock> {
        let file = self.lock_file(requirements);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a lock cannot be read; it is made again");
                return None;
            }
        };
        match serde_json::from_slice(&text) {
            Ok(lock) => Some(lock),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a lock cannot be read; it is made again");
                None
            }
        }
    }

    /// Writes down what requirements were resolved to.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn put_lock(&self, lock: &Lock) -> io::Result<()> {
        let file = self.lock_file(&lock.requirements);
        let folder = self.0.join("locks");
        fs::create_dir_all(&folder)?;
        let unfinished = file.with_extension("new");
        let mut written = File::create(&unfinished)?;
        written.write_all(&serde_json::to_vec_pretty(lock)?)?;
        written.sync_all()?;
        fs::rename(unfinished, file)?;
        File::open(folder)?.sync_all()
    }

    fn lock_file(&self, requirements: &str) -> PathBuf {
        self.0.join("locks").join(format!("{requirements}.json"))
    }

    /// Removes environments that are not to be kept. Answers how many there were.
    ///
    /// # Errors
    /// Whatever the system says; a folder that is not there holds nothing.
    pub fn sweep(&self, is_kept: impl Fn(&str, &fs::Metadata) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for entry in entries(&self.0)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_id(&name) && removed < MAX_REMOVED && !is_kept(&name, &entry.metadata()?) {
                // Under another name first, so that none is ever there in part.
                let aside = self.0.join(format!("{UNFINISHED}{name}"));
                fs::rename(entry.path(), &aside)?;
                remove(&aside)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes what was resolved for nobody who is still there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn sweep_locks(&self, is_kept: impl Fn(&Lock, &fs::Metadata) -> bool) -> io::Result<()> {
        for entry in entries(&self.0.join("locks"))? {
            let path = entry.path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
            let lock = name.and_then(|name| self.lock(&name));
            let metadata = entry.metadata()?;
            if !lock.is_some_and(|lock| is_kept(&lock, &metadata)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Removes what was cut off. To be called while nothing is made here.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn sweep_unfinished(&self) -> io::Result<()> {
        for entry in entries(&self.0)? {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                remove(&entry.path())?;
            }
        }
        remove(&self.0.join("turns"))
    }

    /// Notes that an environment and the lock that it was made by are in use.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn touch(&self, id: &str, requirements: &str) -> io::Result<()> {
        touch(&self.0.join(id))?;
        touch(&self.lock_file(requirements))
    }
}

fn touch(path: &Path) -> io::Result<()> {
    let now = rustix::fs::Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    };
    let times = rustix::fs::Timestamps {
        last_access: now,
        last_modification: now,
    };
    Ok(rustix::fs::utimensat(
        rustix::fs::CWD,
        path,
        &times,
        rustix::fs::AtFlags::empty(),
    )?)
}

fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// What may still be copied.
struct Left {
    entries: u64,
    bytes: u64,
}

impl Left {
    /// Copied, not moved: whoever made the files may still hold them open, or be their owner.
    fn copy(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        make_folder(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            self.entries = self.entries.checked_sub(1).ok_or_else(|| {
                invalid(
                    &from,
                    &format!("the environment has more than {MAX_ENTRIES} files and folders"),
                )
            })?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.copy(&from, &to)?;
            } else if kind.is_file() {
                self.copy_file(&from, &to)?;
            } else {
                return Err(invalid(
                    &from,
                    "a package holds something that is neither file nor folder",
                ));
            }
        }
        Ok(())
    }

    fn copy_file(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut source = OpenOptions::new().read(true).custom_flags(no_follow).open(from)?;
        let found = source.metadata()?;
        self.bytes = self.bytes.checked_sub(found.len()).ok_or_else(|| {
            invalid(
                from,
                &format!("the environment has more than {} MiB", MAX_BYTES >> 20),
            )
        })?;
        let mut target = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(to)?;
        io::copy(&mut source, &mut target)?;
        let readable = if found.permissions().mode() & 0o111 == 0 {
            0o444
        } else {
            0o555
        };
        target.set_permissions(Permissions::from_mode(readable))?;
        // Python looks whether what it compiled is as old as its source.
        target.set_times(FileTimes::new().set_modified(found.modified()?))
    }
}

fn invalid(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} ({})", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(letter: &str) -> String {
        letter.repeat(64)
    }

    #[test]
    fn an_environment_is_copied_whole_and_nobody_may_write_to_it() {
        let root = tempfile::tempdir().unwrap();
        let installed = root.path().join("installed");
        fs::create_dir_all(installed.join("lib/deep")).unwrap();
        fs::write(installed.join("lib/deep/x.py"), "x = 1\n").unwrap();
        fs::set_permissions(installed.join("lib/deep/x.py"), Permissions::from_mode(0o4777)).unwrap();
        let folder = Folder(root.path().join("environments"));
        fs::create_dir_all(folder.0.join(format!("{UNFINISHED}{}", id("a"))).join("cut off")).unwrap();
        assert_eq!(folder.packages(&id("a")), None);
        let packages = folder.put(&id("a"), &installed).unwrap();
        assert_eq!(folder.packages(&id("a")), Some(packages.clone()));
        let (from, to) = (installed.join("lib/deep/x.py"), packages.join("lib/deep/x.py"));
        assert_eq!(fs::read(&to).unwrap(), b"x = 1\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&to), mode(to.parent().unwrap())), (0o555, 0o755));
        let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(modified(&from), modified(&to));

        std::os::unix::fs::symlink("/etc", installed.join("lib/link")).unwrap();
        let refused = folder.put(&id("b"), &installed).unwrap_err();
        assert!(
            refused.to_string().contains("neither file nor folder"),
            "{refused}"
        );
        assert_eq!(
            fs::read_dir(&folder.0).unwrap().count(),
            1,
            "nothing of it is left"
        );
    }

    #[test]
    fn only_what_is_named_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder(root.path().to_path_buf());
        for letter in ["a", "b"] {
            fs::create_dir_all(root.path().join(id(letter)).join(PACKAGES)).unwrap();
            let lock = Lock {
                requirements: letter.to_owned(),
                packages: Vec::new(),
            };
            folder.put_lock(&lock).unwrap();
        }
        fs::create_dir(root.path().join(format!("{UNFINISHED}x"))).unwrap();
        folder.sweep_unfinished().unwrap();
        assert_eq!(folder.sweep(|name, _| name.starts_with('a')).unwrap(), 1);
        folder.sweep_locks(|lock, _| lock.requirements == "a").unwrap();
        assert!(folder.packages(&id("a")).is_some() && folder.lock("a").is_some());
        assert!(folder.packages(&id("b")).is_none() && folder.lock("b").is_none());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        assert_eq!(Folder(root.path().join("none")).sweep(|_, _| false).unwrap(), 0);
    }
}
