//! What a project's requirements become: a lock, and an environment that holds exactly what the lock names.
//!
//! Requirements are resolved once. From then on the lock is what is installed from, by the hashes of its files: an
//! environment that was lost is the same again, whatever the index has to offer by then. An environment is named by what it
//! holds, so two deployments that need the same have one between them.

mod builder;
mod explain;
mod folder;
pub mod installer;
mod options;
mod pip;
mod workshop;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use confinement::Mode;
use domain::{Lock, Timestamp};
use project::{InterpreterFacts, Package, Requirements};
use sha2::{Digest as _, Sha256};
use store::{Store, StoreError};

use crate::deploy_error::DeployError;
use crate::options::RunnerOptions;
use builder::Builder;
use explain::{Doing, failed};
use folder::Folder;
use workshop::Workshop;

pub use options::{DependencyOptions, INSTALL_TIMEOUT, INSTALL_USER, Tell, without_user};

/// Change whenever what they name is made in another way.
const ENVIRONMENT_VERSION: &[u8] = b"aftercall environment 1";
const REQUIREMENTS_VERSION: &[u8] = b"aftercall requirements 1";
/// How long an environment stays that nothing uses, where no store tells which are in use.
const UNUSED_EXPIRY: Duration = Duration::from_secs(30 * 24 * 3_600);

/// An environment that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What it holds.
    pub lock: Lock,
    /// Where: goes before the interpreter's own packages.
    pub packages: PathBuf,
}

/// All environments of a server, or of a user who runs projects by hand.
pub struct Environments {
    options: DependencyOptions,
    folder: Folder,
    /// The `aftercall` binary, to be started again as installer.
    program: PathBuf,
    interpreter: InterpreterFacts,
    mode: Mode,
}

impl Environments {
    /// Those below `options.dependencies.folder`.
    #[must_use]
    pub fn new(options: &RunnerOptions) -> Self {
        Self {
            options: options.dependencies.clone(),
            folder: Folder(options.dependencies.folder.clone()),
            program: options.program.clone(),
            interpreter: options.interpreter.clone(),
            mode: options.mode,
        }
    }

    /// Sees to it that what a package requires is installed. `None` if that is nothing. Requirements that were resolved before are
    /// not resolved again: what they became is found here, else in `store`.
    ///
    /// # Errors
    /// `AC0214` to `AC0217`.
    pub async fn of_package(
        &self,
        package: &Package,
        store: Option<&dyn Store>,
    ) -> Result<Option<Installed>, DeployError> {
        let requirements = package.requirements().clone().with_base(&self.options.base);
        if requirements.is_empty() {
            return Ok(None);
        }
        let key = self.key(&requirements);
        let lock = match self.folder.lock(&key) {
            Some(lock) => lock,
            None => self.resolve_in_turn(&key, &requirements, store).await?,
        };
        let packages = self.of_lock(&lock, &requirements).await?;
        Ok(Some(Installed { lock, packages }))
    }

    /// Sees to it that what a lock names is installed.
    ///
    /// # Errors
    /// `AC0214` to `AC0217`.
    pub async fn restore(&self, lock: &Lock) -> Result<PathBuf, DeployError> {
        self.of_lock(lock, &Requirements::default()).await
    }

    /// Removes environments and locks that no deployment names, and what was cut off while it was made. To be called before
    /// anything is deployed.
    ///
    /// # Errors
    /// What the store says. Files that cannot be removed are told in the log alone: they only take room.
    pub async fn sweep(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut named = BTreeSet::new();
        for project in store.projects().await? {
            for (record, _) in store.deployments(&project).await? {
                named.extend(record.facts.lock.map(|lock| self.id(&lock)));
            }
        }
        let swept = tokio::task::block_in_place(|| {
            self.folder.sweep_unfinished()?;
            let swept = self.folder.sweep(|id, _| named.contains(id))?;
            self.folder
                .sweep_locks(|lock, _| named.contains(&self.id(lock)))?;
            Ok::<_, io::Error>(swept)
        });
        match swept {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed environments that no deployment names"),
            Err(error) => tracing::warn!(%error, "environments that nobody needs could not be removed"),
        }
        Ok(())
    }

    /// Removes environments that nothing has used for a month.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn expire(&self, now: Timestamp) -> io::Result<()> {
        let oldest = std::time::SystemTime::from(now)
            .checked_sub(UNUSED_EXPIRY)
            .ok_or_else(|| io::Error::other("the clock is before its beginning"))?;
        let in_use = |found: &std::fs::Metadata| found.modified().is_ok_and(|used| used >= oldest);
        self.folder.sweep(|_, found| in_use(found))?;
        self.folder.sweep_locks(|_, found| in_use(found))
    }

    /// What a resolution depends on.
    fn key(&self, requirements: &Requirements) -> String {
        let options = &self.options;
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(REQUIREMENTS_VERSION);
        part(requirements.digest());
        part(self.interpreter.identity().as_bytes());
        part(&[u8::from(options.allow_source)]);
        let wheelhouse = options.wheelhouse.iter().map(|path| path.display().to_string());
        let urls = options.index_url.iter().chain(&options.extra_index_urls);
        // Another password is the same index.
        for place in wheelhouse.chain(urls.map(|url| without_user(url))) {
            part(place.as_bytes());
        }
        hex(&hash.finalize())
    }

    /// What an environment holds, and for which interpreters.
    fn id(&self, lock: &Lock) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(ENVIRONMENT_VERSION);
        part(self.interpreter.packages_identity().as_bytes());
        for package in &lock.packages {
            part(package.name.as_bytes());
            part(package.sha256.as_bytes());
        }
        hex(&hash.finalize())
    }

    async fn resolve_in_turn(
        &self,
        key: &str,
        requirements: &Requirements,
        store: Option<&dyn Store>,
    ) -> Result<Lock, DeployError> {
        let _turn = self.folder.turn(key).await.map_err(|error| disk(&error))?;
        if let Some(lock) = self.folder.lock(key) {
            return Ok(lock);
        }
        let known = match store {
            Some(store) => known_lock(store, key)
                .await
                .map_err(|error| DeployError::ours(error.code(), error.to_string()))?,
            None => None,
        };
        let lock = match known {
            Some(lock) => lock,
            None => self.resolve(key, requirements).await?,
        };
        self.folder.put_lock(&lock).map_err(|error| disk(&error))?;
        Ok(lock)
    }

    async fn resolve(&self, key: &str, requirements: &Requirements) -> Result<Lock, DeployError> {
        let count = requirements.packages().len();
        let what = if count == 1 { "requirement" } else { "requirements" };
        (self.options.tell)(&format!("finding the packages that fit {count} {what}"));
        let workshop = self.workshop()?;
        workshop.write(pip::REQUIREMENTS, &pip::requirements(requirements, &self.options))?;
        workshop.write(pip::CONSTRAINTS, &pip::constraints(requirements))?;
        let python = workshop.environment().await?;
        let args = pip::resolve(self.pip()?, &self.options);
        let outcome = workshop.run(&python, args).await?;
        workshop.check(Doing::Resolving, &outcome, requirements)?;
        let report = std::fs::read(workshop.path().join(pip::REPORT)).map_err(|error| disk(&error))?;
        let packages = pip::packages(&report).map_err(|why| {
            failed(
                format!("what pip found cannot be locked: {why}"),
                "use an index that tells the SHA-256 of its files, or a wheelhouse",
            )
        })?;
        Ok(Lock {
            requirements: key.to_owned(),
            packages,
        })
    }

    async fn of_lock(&self, lock: &Lock, requirements: &Requirements) -> Result<PathBuf, DeployError> {
        let id = self.id(lock);
        let packages = match self.folder.packages(&id) {
            Some(packages) => packages,
            None => self.install_in_turn(&id, lock, requirements).await?,
        };
        if self.options.expire_unused {
            self.folder
                .touch(&id, &lock.requirements)
                .map_err(|error| disk(&error))?;
        }
        Ok(packages)
    }

    async fn install_in_turn(
        &self,
        id: &str,
        lock: &Lock,
        requirements: &Requirements,
    ) -> Result<PathBuf, DeployError> {
        let _turn = self.folder.turn(id).await.map_err(|error| disk(&error))?;
        if let Some(packages) = self.folder.packages(id) {
            return Ok(packages);
        }
        let names: Vec<String> = lock.packages.iter().map(ToString::to_string).collect();
        (self.options.tell)(&format!("installing {}", names.join(", ")));
        let workshop = self.workshop()?;
        workshop.write(pip::LOCK, &pip::locked(lock, &self.options))?;
        let python = workshop.environment().await?;
        let args = pip::install(self.pip()?, &self.options);
        let outcome = workshop.run(&python, args).await?;
        workshop.check(Doing::Installing, &outcome, requirements)?;
        let installed = workshop.packages()?;
        let (folder, id) = (self.folder.clone(), id.to_owned());
        tokio::task::spawn_blocking(move || folder.put(&id, &installed))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| disk(&error))
    }

    fn pip(&self) -> Result<&Path, DeployError> {
        self.interpreter.pip.as_deref().ok_or_else(|| {
            failed(
                format!("{} comes without pip, which installs packages", self.interpreter.name()),
                "install it (Debian: apt-get install python3-pip python3-venv), or choose another interpreter (AFTERCALL_PYTHON)",
            )
        })
    }

    fn workshop(&self) -> Result<Workshop<'_>, DeployError> {
        if let Some(folder) = self.options.wheelhouse.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(failed(
                format!("the wheelhouse {} is not a folder", folder.display()),
                "set dependencies.wheelhouse to a folder that holds wheels",
            ));
        }
        if let Some(file) = self.options.ca_file.as_ref().filter(|file| !file.is_file()) {
            return Err(failed(
                format!("there is no file {}", file.display()),
                "set dependencies.ca_file to a file of certificates, PEM",
            ));
        }
        let builder = Builder::choose(&self.options, &self.interpreter, self.mode)?;
        let scratch = builder.folder().map_err(|error| disk(&error))?;
        Ok(Workshop {
            environments: self,
            builder,
            scratch,
        })
    }
}

/// What a deployment of the store resolved these requirements to.
async fn known_lock(store: &dyn Store, key: &str) -> Result<Option<Lock>, StoreError> {
    for project in store.projects().await? {
        let deployments = store.deployments(&project).await?;
        let mut locks = deployments
            .into_iter()
            .filter_map(|(record, _)| record.facts.lock);
        if let Some(lock) = locks.find(|lock| lock.requirements == key) {
            return Ok(Some(lock));
        }
    }
    Ok(None)
}

fn disk(error: &io::Error) -> DeployError {
    failed(
        format!("the packages' environment cannot be made: {error}"),
        "look at what the system says there, and that the disk has room",
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
