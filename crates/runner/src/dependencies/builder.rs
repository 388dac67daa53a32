//! Who installs, where, and what that one may reach.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, time::Duration};

use confinement::{Limits, Mode, ZygotePolicy};
use domain::Code;
use project::InterpreterFacts;
use sha2::{Digest as _, Sha256};

use super::options::DependencyOptions;
use crate::deploy_error::DeployError;
use crate::tmp::Scratch;

/// Where a user that owns nothing can build: the server's own folders are closed to it.
const SHARED_FOLDER: &str = "/var/tmp";
/// The largest file that an installer may write, bytes.
const FILE_SIZE_MAX: u64 = 4 << 30;
/// Open files of an installer.
const OPEN_FILES_MAX: u64 = 1_024;
/// Read by pip, beside what an interpreter needs anyway: to look up names of hosts, and to tell an index which system asks.
const SYSTEM_FILES: [&str; 14] = [
    "/etc/os-release",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/redhat-release",
    "/etc/fedora-release",
    "/etc/centos-release",
    "/etc/system-release",
    "/etc/alpine-release",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
];
/// What a build from source may read and start beside that: compilers, their headers and libraries.
const TOOLS: [&str; 6] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/alternatives",
    "/etc/passwd",
];

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Builder {
    /// `None`: whoever this process is.
    pub user: Option<u32>,
    /// Below it each build has a folder.
    pub place: PathBuf,
}

impl Builder {
    /// The unprivileged user where this process is root and that one can reach what it needs; else whoever this process is, held by
    /// Landlock alone and without root's capabilities.
    ///
    /// # Errors
    /// `AC0216` if the installer would have all that root has.
    pub fn choose(
        options: &DependencyOptions,
        python: &InterpreterFacts,
        mode: Mode,
    ) -> Result<Self, DeployError> {
        let own = Self {
            user: None,
            place: options.folder.join("work"),
        };
        if !rustix::process::geteuid().is_root() || options.user == 0 {
            return Ok(own);
        }
        let Some(closed) = needed(options, python).into_iter().find(|path| !is_open(path)) else {
            let digest = Sha256::digest(options.folder.as_os_str().as_encoded_bytes());
            let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Self {
                user: Some(options.user),
                place: Path::new(SHARED_FOLDER).join(format!("aftercall-{name}")),
            });
        };
        let closed = closed.display();
        if mode != Mode::Off && confinement::probe().landlock_abi.is_some() {
            tracing::warn!(
                "user {} cannot read {closed}, so packages are installed as root, confined and without its capabilities",
                options.user
            );
            return Ok(own);
        }
        Err(DeployError {
            fix: Some(format!(
                "make it readable to user {}, choose an interpreter that is (AFTERCALL_PYTHON), or set dependencies.user = 0 \
                 to install as root all the same",
                options.user
            )),
            ..DeployError::ours(
                Code::InstallerFailed,
                format!(
                    "user {} cannot read {closed}, and nothing would hold an installer that is root",
                    options.user
                ),
            )
        })
    }

    /// A folder to build in, its own; what killed builds left is removed.
    ///
    /// # Errors
    /// Whatever the system says; a place that somebody else has made first.
    pub fn folder(&self) -> io::Result<Scratch> {
        if let Some(parent) = self.place.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::DirBuilder::new().mode(0o711).create(&self.place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        let found = fs::symlink_metadata(&self.place)?;
        let user = rustix::process::geteuid().as_raw();
        if !found.is_dir() || found.uid() != user || found.permissions().mode() & 0o022 != 0 {
            let message = format!("{} is not a folder of this user alone", self.place.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let scratch = Scratch::claim(&self.place)?;
        fs::create_dir(scratch.path().join("tmp"))?;
        Ok(scratch)
    }

    /// Makes all that a folder holds the builder's own.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn hand_over(&self, folder: &Path) -> io::Result<()> {
        let Some(user) = self.user else { return Ok(()) };
        let mut all = vec![folder.to_path_buf()];
        for entry in fs::read_dir(folder)? {
            all.push(entry?.path());
        }
        all.iter()
            .try_for_each(|path| std::os::unix::fs::lchown(path, Some(user), Some(user)))
    }

    /// What an installer may reach: the interpreter, the network, and its folder.
    ///
    /// # Errors
    /// When the interpreter cannot be found or read.
    pub fn policy(
        &self,
        folder: &Path,
        options: &DependencyOptions,
        python: &InterpreterFacts,
        mode: Mode,
    ) -> io::Result<ZygotePolicy> {
        let mut read = confinement::interpreter_paths(&confinement::InterpreterFacts {
            executable: python.executable.clone(),
            prefix: python.prefix.clone(),
            base_prefix: python.base_prefix.clone(),
            library: python.library(),
        });
        read.extend(python.pip.as_deref().map(on_disk));
        read.extend(options.wheelhouse.iter().chain(&options.ca_file).cloned());
        read.extend(
            SYSTEM_FILES
                .iter()
                .map(PathBuf::from)
                .filter(|path| path.exists()),
        );
        let mut execute = confinement::execute_paths(&python.executable)?;
        if options.allow_source {
            execute.extend(TOOLS.iter().map(PathBuf::from).filter(|path| path.exists()));
            // Build tools come as wheels too.
            execute.push(folder.to_path_buf());
        }
        Ok(ZygotePolicy {
            // What a kernel lacks keeps no package from being installed; that of user code is another matter.
            mode: if mode == Mode::Off {
                Mode::Off
            } else {
                Mode::BestEffort
            },
            read,
            execute,
            tmp_root: folder.to_path_buf(),
            network: true,
            limits: Limits {
                cpu: Duration::ZERO,
                address_space: 0,
                file_size: FILE_SIZE_MAX,
                open_files: OPEN_FILES_MAX,
            },
        })
    }
}

/// The file or folder that a path in a wheel, which is an archive, lies in.
fn on_disk(path: &Path) -> PathBuf {
    path.ancestors()
        .find(|path| path.exists())
        .unwrap_or(path)
        .to_path_buf()
}

fn needed(options: &DependencyOptions, python: &InterpreterFacts) -> Vec<PathBuf> {
    let mut all = vec![
        PathBuf::from(SHARED_FOLDER),
        python.executable.clone(),
        python.real_executable.clone(),
        python.prefix.clone(),
        python.stdlib.clone(),
        python.platstdlib.clone(),
    ];
    all.extend(python.pip.as_deref().map(on_disk));
    all.extend(python.libpython.iter().cloned());
    all.extend(options.wheelhouse.iter().chain(&options.ca_file).cloned());
    all
}

/// Whether everybody may read a path, and get there.
fn is_open(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    let mode = |path: &Path| path.metadata().map_or(0, |found| found.permissions().mode());
    let reads = if path.is_dir() { 0o005 } else { 0o004 };
    mode(&path) & reads == reads && path.ancestors().skip(1).all(|folder| mode(folder) & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_lies_below_a_closed_folder_is_closed() {
        let root = tempfile::tempdir_in("/tmp").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let file = root.path().join("folder/file");
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        set(root.path(), 0o711);
        set(file.parent().unwrap(), 0o755);
        set(&file, 0o644);
        assert!(is_open(&file) && is_open(file.parent().unwrap()));
        assert!(!is_open(root.path()), "it cannot be listed");
        set(root.path(), 0o700);
        assert!(!is_open(&file));
        assert!(!is_open(Path::new("/nonexistent")));
    }
}
