//! Starting a runner, and what others may ask of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::effect::Catalogue;
use domain::run::Policy;
use domain::{Code, DeploymentId, Environment as Where, Epoch, ProjectName, RunId};
use project::Package;
use serde::Serialize;
use store::{Activation, Store};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::admission;
use crate::cannot_begin::{CannotBegin, CannotBeginStatus};
use crate::deploy_error::DeployError;
use crate::deployments::{self, Deployed, Nursery, ZygoteStatus};
use crate::options::RunnerOptions;
use crate::recovery;
use crate::runner::{Shared, claim_loop};
use crate::runtime::Runtime;
use crate::seeds::Seeds;
use crate::tmp::{self, TmpRoot};
use crate::under_way::UnderWay;
use crate::zygote::{Environment, Launchers};

/// How long children that were ended at a stop may take to be gone, and a store to take what became of their runs.
const LAST_PATIENCE: Duration = Duration::from_secs(20);

/// What a runner is doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunnerStatus {
    /// Attempts under way.
    pub running: usize,
    /// Attempts that may be under way at once.
    pub concurrency: usize,
    /// Whether what dead boots held has been taken back.
    pub recovered: bool,
    /// Whether nothing new is begun.
    pub draining: bool,
    /// How much confinement is asked for.
    pub confinement: confinement::Mode,
    /// The warm ones.
    pub zygotes: Vec<ZygoteStatus>,
    /// Deployments whose runs cannot begin.
    pub cannot_begin: Vec<CannotBeginStatus>,
}

/// A running runner. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    confinement: Arc<str>,
    /// What asks the store of its own accord.
    loops: Arc<tokio::sync::Mutex<Vec<JoinHandle<()>>>>,
}

/// Makes what all zygotes share, launcher included.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn environment(options: &RunnerOptions, settle: bool) -> io::Result<Arc<Environment>> {
    // Each attempt holds two descriptors here, and two more while its fork is on its way.
    let wanted = u64::try_from(options.concurrency)
        .unwrap_or(u64::MAX)
        .saturating_mul(4)
        .saturating_add(1_024);
    let open_files = confinement::raise_open_files_limit(wanted)?;
    if open_files < wanted {
        tracing::warn!(
            open_files,
            wanted,
            "the limit of open files is low for so many attempts at once"
        );
    }
    let launchers = Launchers::start(options.program.clone(), options.launcher_file.clone())?;
    let tmp = TmpRoot::new(options.tmp_root.clone())?;
    let runtime = Runtime::extract(&options.runtimes)?;
    Ok(Arc::new(Environment {
        launchers,
        runtime,
        interpreter: options.interpreter.clone(),
        mode: options.mode,
        tmp,
        import_timeout: options.import_timeout,
        settle,
    }))
}

/// Clears what an earlier boot left, and makes ready what all zygotes share.
fn prepare(options: &RunnerOptions) -> io::Result<Arc<Environment>> {
    let left = recovery::end_leftovers(&options.launcher_file)?;
    if left > 0 {
        tracing::warn!(left, "ended processes that an earlier boot had left");
    }
    match tmp::remove_all(&options.tmp_root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let environment = environment(options, true)?;
    // Worth its second to a server, not to a single `invoke`.
    environment.runtime.compile(&options.interpreter)?;
    Ok(environment)
}

impl Handle {
    /// Ends what an earlier boot left, starts the launcher, tries what confinement holds, and begins to take back, claim and
    /// attempt runs. `seeds` are those of the runs' random streams and the deployments' hashes.
    ///
    /// # Errors
    /// What a deploy of the simplest project would give: above all AC0502 where confinement is required and does not hold.
    pub async fn start(
        options: RunnerOptions,
        store: Arc<dyn Store>,
        seeds: Seeds,
    ) -> Result<Self, DeployError> {
        let failed = |error: io::Error| DeployError::ours(Code::CouldNotStart, error.to_string());
        let environment = tokio::task::block_in_place(|| prepare(&options)).map_err(failed)?;
        let nursery = Nursery::new(environment, &options);
        let swept = nursery.packages.sweep(&*store).await;
        swept.map_err(|error| DeployError::ours(error.code(), error.to_string()))?;
        let confinement = nursery.try_confinement().await?;
        let shared = Arc::new(Shared {
            options,
            store,
            nursery: Arc::new(nursery),
            seeds,
            under_way: UnderWay::default(),
            wake: Notify::new(),
            ended: Notify::new(),
            idle: Notify::new(),
            draining: watch::Sender::new(false),
            recovered: AtomicBool::new(false),
            cannot_begin: CannotBegin::default(),
        });
        let loops = vec![
            tokio::spawn(recovery::sweep(Arc::clone(&shared))),
            tokio::spawn(claim_loop(Arc::clone(&shared))),
            tokio::spawn(admission::admit_recovered(Arc::clone(&shared))),
        ];
        Ok(Self {
            shared,
            confinement: confinement.into(),
            loops: Arc::new(tokio::sync::Mutex::new(loops)),
        })
    }

    /// What confinement held when a canary tried, in a line.
    #[must_use]
    pub fn confinement(&self) -> &str {
        &self.confinement
    }

    /// Something may be due: call after accepting, retrying, activating.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Ends the attempt of a run that was cancelled, if it is still of this epoch.
    pub fn kill(&self, run: RunId, epoch: Epoch) {
        self.shared.under_way.cancel(run, epoch);
    }

    /// Checks, unpacks, tries and records a package, and makes it the active one in `sandbox`.
    ///
    /// # Errors
    /// [`DeployError`]; the active deployment is then what it was.
    pub async fn deploy(
        &self,
        project: ProjectName,
        package: Package,
        message: Option<String>,
    ) -> Result<Deployed, DeployError> {
        // A task of its own: whoever asks may go away, and half of it must not be left.
        let handle = self.clone();
        let deployed = tokio::spawn(async move { handle.deploy_whole(project, package, message).await });
        deployed
            .await
            .unwrap_or_else(|fault| Err(DeployError::ours(Code::Internal, fault.to_string())))
    }

    async fn deploy_whole(
        &self,
        project: ProjectName,
        package: Package,
        message: Option<String>,
    ) -> Result<Deployed, DeployError> {
        let shared = &self.shared;
        let now = (shared.options.clock)();
        let deployed = deployments::deploy(
            &shared.nursery,
            &*shared.store,
            &shared.seeds,
            project.clone(),
            package,
            message,
            now,
        )
        .await?;
        let activation = Activation {
            project,
            environment: Where::Sandbox,
            deployment: deployed.record.facts.id,
            at: (shared.options.clock)(),
        };
        let policy = self.policy(Some(activation.deployment)).await;
        shared
            .store
            .activate(activation, &policy)
            .await
            .map_err(|error| DeployError::ours(error.code(), error.to_string()))?;
        self.wake();
        Ok(deployed)
    }

    /// What it is doing.
    pub async fn status(&self) -> RunnerStatus {
        RunnerStatus {
            running: self.shared.under_way.count(),
            concurrency: self.shared.options.concurrency,
            recovered: self.is_recovered(),
            draining: self.shared.is_draining(),
            confinement: self.shared.options.mode,
            zygotes: self.shared.nursery.status(),
            cannot_begin: self.shared.cannot_begin.status((self.shared.options.clock)()),
        }
    }

    /// The policy of runs on this deployment: what its project says, else the server's. A run that has none yet, or one
    /// that cannot be had any more, follows the server's.
    pub async fn policy(&self, deployment: Option<DeploymentId>) -> Policy {
        let shared = &self.shared;
        if let Some(id) = deployment {
            match shared.nursery.known(&*shared.store, id).await {
                Ok(prepared) => return prepared.policy.clone(),
                Err(error) => {
                    tracing::warn!(%error, "a deployment's policy cannot be read; the server's is followed")
                }
            }
        }
        shared.options.policy.clone()
    }

    /// What is known of hosts by runs on this deployment: its project's own entries before ours.
    pub async fn catalogue(&self, deployment: Option<DeploymentId>) -> Arc<Catalogue> {
        let shared = &self.shared;
        if let Some(id) = deployment {
            match shared.nursery.known(&*shared.store, id).await {
                Ok(prepared) => return Arc::clone(&prepared.catalogue),
                Err(error) => {
                    tracing::warn!(%error, "what a deployment knows of hosts cannot be read; what everybody knows is told");
                }
            }
        }
        Arc::new(Catalogue::shipped().clone())
    }

    /// Whether what dead boots held has been taken back.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.shared.recovered.load(Ordering::Acquire)
    }

    /// Begins nothing more, waits `patience` for what is under way, then ends the rest and gives their runs back. Afterwards
    /// nothing asks the store any more.
    pub async fn drain(&self, patience: Duration) {
        self.shared.draining.send_replace(true);
        for ended in self.loops.lock().await.drain(..) {
            if let Err(fault) = ended.await {
                tracing::error!(%fault, "a loop of the runner's broke off; please report this");
            }
        }
        if tokio::time::timeout(patience, self.until_idle()).await.is_err() {
            self.cut_off().await;
        }
        self.shared.nursery.close().await;
    }

    async fn cut_off(&self) {
        let count = self.shared.under_way.release();
        tracing::warn!(count, "giving back runs that did not end in time");
        if tokio::time::timeout(LAST_PATIENCE, self.until_idle())
            .await
            .is_err()
        {
            let count = self.shared.under_way.count();
            tracing::error!(
                count,
                "what became of runs could not be committed; the next start takes them back"
            );
        }
    }

    async fn until_idle(&self) {
        loop {
            let idle = self.shared.idle.notified();
            if self.shared.under_way.count() == 0 {
                return;
            }
            idle.await;
        }
    }
}
