//! Deployments, the zygotes that serve them, and how a package becomes one.

mod deploy;
mod files;
mod kept;
mod turns;
mod warm;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::effect::Catalogue;
use domain::run::Policy;
use domain::{Code, DeploymentId, ForkWay, Lock, ProjectName};
use project::{Package, ProjectConfig, Settings};
use serde::Serialize;
use store::Store;
use tokio::sync::Mutex;

use crate::attempt::{Places, Terms};
use crate::dependencies::Environments;
use crate::deploy_error::DeployError;
use crate::options::RunnerOptions;
use crate::tmp::Bound;
use crate::zygote::{self, Canary, Environment};

pub use deploy::{Deployed, deploy, identify};
use kept::Kept;
use turns::Turns;

/// Files and folders that an attempt may have in its own folder: each takes a kilobyte of the kernel's memory, however empty.
pub const TMP_ENTRIES_MAX: u64 = 10_000;

/// A deployment, ready to be attempted: where its files lie, and what holds for its attempts.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Which.
    pub id: DeploymentId,
    /// Whose.
    pub project: ProjectName,
    /// For its zygotes.
    pub files: zygote::Project,
    /// What it brought packages by.
    pub lock: Option<Lock>,
    /// How it was found to fork.
    pub fork_way: Option<ForkWay>,
    /// Of each attempt.
    pub terms: Terms,
    /// Of each run.
    pub policy: Policy,
    /// What is known of the hosts that it talks to.
    pub catalogue: Arc<Catalogue>,
}

impl Prepared {
    /// What the folder of an attempt may hold: as much as one of its files.
    pub fn tmp_bound(&self) -> Bound {
        Bound {
            bytes: self.files.limits.file_size,
            entries: TMP_ENTRIES_MAX,
        }
    }
}

/// A zygote, as status shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZygoteStatus {
    /// Of this deployment.
    pub deployment: DeploymentId,
    /// Of this project.
    pub project: ProjectName,
    /// Its process; 0 where every attempt starts its own.
    pub pid: i32,
    /// How it forks.
    pub fork_way: ForkWay,
    /// Why so.
    pub reason: String,
    /// Children that are there.
    pub children: usize,
    /// What its canary found.
    pub confinement: String,
}

/// All zygotes of a server.
pub struct Nursery {
    environment: Arc<Environment>,
    /// What projects require.
    pub packages: Environments,
    defaults: RunnerOptions,
    known: Mutex<HashMap<DeploymentId, Arc<Prepared>>>,
    kept: Kept,
    turns: Turns,
}

/// What a started zygote told of its project.
pub struct Found {
    /// The interpreter, as it calls itself.
    pub python: String,
    /// How it forks.
    pub fork_way: ForkWay,
    /// Why so.
    pub fork_reason: String,
    /// Ready to show.
    pub warnings: Vec<String>,
    /// What its canary found.
    pub canary: Canary,
}

impl Nursery {
    /// An empty one.
    #[must_use]
    pub fn new(environment: Arc<Environment>, options: &RunnerOptions) -> Self {
        Self {
            environment,
            packages: Environments::new(options),
            defaults: options.clone(),
            known: Mutex::default(),
            kept: Kept::default(),
            turns: Turns::default(),
        }
    }

    /// Flies a canary over an empty project before any real one: what confinement holds is known, and shown, from the start.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub async fn try_confinement(&self) -> Result<String, DeployError> {
        let ours = |error: &dyn std::fmt::Display| DeployError::ours(Code::Internal, error.to_string());
        let empty = [(
            "end_function.py".to_owned(),
            b"def end_function(conv): pass\n".to_vec(),
        )];
        let package = Package::from_files(empty.into()).map_err(|error| ours(&error))?;
        let name = "canary".parse().map_err(|error| ours(&error))?;
        let id = DeploymentId::from_bytes([0; 32]);
        let prepared = self.prepare(id, name, package.entry(), 0, None, &Settings::default());
        let folder = prepared.files.folder.clone();
        tokio::task::spawn_blocking(move || package.unpack(&folder))
            .await
            .map_err(|error| ours(&error))?
            .map_err(|error| DeployError::ours(Code::StoreFailed, error.to_string()))?;
        // Its zygote ends here: nothing else is of this project.
        let found = self.warm_up(&prepared).await.map(|(_, found)| found);
        let folder = prepared.files.folder.clone();
        let removed = tokio::task::spawn_blocking(move || files::remove(&folder)).await;
        if let Err(error) = removed.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, "the canary's project stays among the deployments; the next start uses it again");
        }
        Ok(found?.canary.summary(self.environment.mode))
    }

    /// Gives up what is being started, and removes what attempts wrote, once the last of them is over.
    pub async fn close(&self) {
        self.kept.give_up_starts();
        self.environment.tmp.close().await;
    }

    /// Puts together what holds for a deployment: what its project says, else the defaults.
    pub fn prepare(
        &self,
        id: DeploymentId,
        project: ProjectName,
        entry: &str,
        hash_seed: u32,
        fork_way: Option<ForkWay>,
        settings: &Settings,
    ) -> Prepared {
        let mib = |value: u32| u64::from(value) * 1024 * 1024;
        let seconds = |value: u32| Duration::from_secs(u64::from(value));
        let mut limits = self.defaults.limits.clone();
        let mut terms = self.defaults.terms.clone();
        if let Some(deadline) = settings.deadline_s {
            terms.deadline = seconds(deadline);
            limits.cpu = terms.deadline;
        }
        limits.cpu = settings.limits.cpu_s.map_or(limits.cpu, seconds);
        limits.address_space = settings.limits.memory_mb.map_or(limits.address_space, mib);
        limits.file_size = settings.limits.tmp_mb.map_or(limits.file_size, mib);
        limits.open_files = settings.limits.open_files.map_or(limits.open_files, u64::from);
        let folder = self.defaults.deployments.join(id.to_string());
        Prepared {
            id,
            project,
            files: zygote::Project {
                folder,
                entry: entry.to_owned(),
                packages: None,
                hash_seed,
                limits,
            },
            lock: None,
            fork_way,
            terms,
            policy: settings.policy(self.defaults.policy.clone()),
            catalogue: Arc::new(Catalogue::shipped().clone()),
        }
    }

    /// Where the files of its attempts lie.
    pub fn places(&self, prepared: &Prepared) -> Places {
        Places {
            project: prepared.files.folder.clone(),
            runtime: self.environment.runtime.folder.clone(),
        }
    }

    /// A deployment that the store knows.
    ///
    /// # Errors
    /// AC0210 if it does not, or its files are gone.
    pub async fn known(&self, store: &dyn Store, id: DeploymentId) -> Result<Arc<Prepared>, DeployError> {
        if let Some(prepared) = self.known.lock().await.get(&id) {
            return Ok(Arc::clone(prepared));
        }
        let lost = |what: String| {
            DeployError::ours(
                Code::UnknownDeployment,
                format!("deployment {} {what}", id.short()),
            )
        };
        let record = store
            .deployment(id)
            .await
            .map_err(|error| lost(format!("cannot be read: {error}")))?;
        let facts = record
            .ok_or_else(|| lost("is not in the store".to_owned()))?
            .facts;
        let folder = self.defaults.deployments.join(id.to_string());
        let read = tokio::task::spawn_blocking(move || match files::fault(&folder) {
            Some(fault) => Err(fault),
            None => Ok((
                std::fs::read(folder.join(project::CONFIG_FILE)),
                std::fs::read(folder.join(project::EFFECTS_FILE)),
            )),
        });
        let (config, effects) = read
            .await
            .map_err(|error| lost(format!("cannot be looked at: {error}")))?
            .map_err(|fault| DeployError {
                fix: Some("deploy the same project again: that puts its files back".to_owned()),
                ..lost(fault)
            })?;
        let unreadable =
            |error: project::ProjectError| lost(format!("has an unreadable configuration: {error}"));
        let text = |read: std::io::Result<Vec<u8>>| match read {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(lost(format!("cannot be read: {error}"))),
        };
        let settings = match text(config)? {
            Some(text) => {
                ProjectConfig::parse(project::CONFIG_FILE, &text)
                    .map_err(unreadable)?
                    .aftercall
            }
            None => Settings::default(),
        };
        let effects = match text(effects)? {
            Some(text) => project::parse_effects(project::EFFECTS_FILE, &text).map_err(unreadable)?,
            None => Catalogue::default(),
        };
        let way = Some(facts.fork_way);
        let prepared = Arc::new(Prepared {
            lock: facts.lock,
            catalogue: Arc::new(Catalogue::with(effects)),
            ..self.prepare(id, facts.project, &facts.entry, facts.hash_seed, way, &settings)
        });
        self.known.lock().await.insert(id, Arc::clone(&prepared));
        Ok(prepared)
    }
}
