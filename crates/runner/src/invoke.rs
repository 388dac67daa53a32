//! One attempt each, here and now: no store, no second attempt, the same processes and the same confinement.

use std::path::PathBuf;
use std::sync::Arc;

use domain::effect::Catalogue;
use domain::{AttemptNumber, AttemptReport, Environment as Where, Lock, ProjectName, RunId};
use effects::{Surroundings, WayOut};
use project::Package;

use crate::attempt::{self, Assignment, Stop, Verdict};
use crate::deploy_error::DeployError;
use crate::deployments::{self, Found, Nursery, Prepared};
use crate::handle::environment;
use crate::opening;
use crate::options::{Clock, RunnerOptions};
use crate::runner::not_started;
use crate::seeds::Seeds;

/// A project, imported and ready to be run over conversations.
pub struct Invoker {
    nursery: Arc<Nursery>,
    clock: Clock,
    way_out: Arc<dyn WayOut>,
    surroundings: Arc<dyn Surroundings>,
    prepared: Prepared,
    seeds: Seeds,
    /// What its import found.
    pub found: Found,
    /// What confinement leaves open, in a sentence, where it leaves anything open.
    pub left_open: Option<String>,
    /// The packages that it brought.
    pub lock: Option<Lock>,
    /// The folder that it was installed into.
    pub packages: Option<PathBuf>,
}

impl Invoker {
    /// Installs what the package requires, unpacks it below `options.deployments`, imports it, and tries what confinement holds.
    ///
    /// # Errors
    /// [`DeployError`], the same that `deploy` would give.
    pub async fn start(
        options: RunnerOptions,
        project: ProjectName,
        package: Package,
        seeds: Seeds,
    ) -> Result<Self, DeployError> {
        let ours = |code, error: std::io::Error| DeployError::ours(code, error.to_string());
        let environment =
            environment(&options, false).map_err(|error| ours(domain::Code::CouldNotStart, error))?;
        let nursery = Arc::new(Nursery::new(environment, &options));
        if options.dependencies.expire_unused
            && let Err(error) = nursery.packages.expire((options.clock)())
        {
            tracing::warn!(%error, "environments that nothing uses could not be removed");
        }
        let installed = nursery.packages.of_package(&package, None).await?;
        let (lock, packages) = installed.map(|it| (it.lock, it.packages)).unzip();
        let python = &options.interpreter;
        let (id, hash_seed) = deployments::identify(&project, &package, lock.as_ref(), python, &seeds);
        let settings = &package.config().aftercall;
        let prepared = Prepared {
            lock: lock.clone(),
            catalogue: Arc::new(Catalogue::with(package.effects().clone())),
            ..nursery.prepare(id, project, package.entry(), hash_seed, None, settings)
        };
        package
            .unpack(&prepared.files.folder)
            .map_err(|error| ours(domain::Code::StoreFailed, error))?;
        let found = nursery.probe(&prepared).await?;
        let left_open = found.canary.leaves_open(options.mode);
        let prepared = Prepared {
            fork_way: Some(found.fork_way),
            ..prepared
        };
        Ok(Self {
            nursery,
            clock: Arc::clone(&options.clock),
            way_out: Arc::clone(&options.way_out),
            surroundings: Arc::new(options),
            prepared,
            seeds,
            found,
            left_open,
            lock,
            packages,
        })
    }

    /// One attempt over one conversation, JSON.
    pub async fn run(&self, run: RunId, document: Vec<u8>, environment: Where) -> AttemptReport {
        let number = AttemptNumber(1);
        let now = || (self.clock)();
        let source = match self.nursery.source(&self.prepared).await {
            Ok(source) => source,
            Err(error) => return not_started(number, now(), error),
        };
        let child = match source.child().await {
            Ok(child) => child,
            Err(error) => return not_started(number, now(), error.into()),
        };
        let assignment = Assignment {
            run,
            number,
            deployment: self.prepared.id,
            environment,
            document,
            seed: self.seeds.of_run(run, AttemptNumber::default()),
            places: self.nursery.places(&self.prepared),
            cpu_limit: self.prepared.files.limits.cpu,
            canary: false,
        };
        let requests = opening::of_one_attempt(
            run,
            self.prepared.project.clone(),
            environment,
            &self.prepared.catalogue,
            &self.way_out,
            &self.surroundings,
        )
        .await;
        let terms = &self.prepared.terms;
        let stop = Stop::default();
        let filled = stop.clone();
        let watched = child.tmp.watch(self.prepared.tmp_bound(), move |how| {
            filled.stop(Verdict::TmpFolderFull(how));
        });
        let mut report = attempt::run(child, assignment, requests, terms, &stop, &*self.clock).await;
        drop(watched);
        source.confinement().clone_into(&mut report.confinement);
        report
    }
}
