//! How a package becomes a deployment.

use std::sync::Arc;

use domain::effect::Catalogue;
use domain::{Code, DeploymentFacts, DeploymentId, Lock, ProjectName, Timestamp};
use project::unpacked::Put;
use project::{InterpreterFacts, Package};
use store::{DeploymentRecord, Store, StoreError};

use super::{Nursery, Prepared, files};
use crate::deploy_error::DeployError;
use crate::runtime;
use crate::seeds::Seeds;

/// What becomes of a package that is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// Its record.
    pub record: DeploymentRecord,
    /// It was not there before.
    pub new: bool,
}

/// A package's identity: project, content, interpreter, runtime, what it requires and the hash seed that this server gives it.
#[must_use]
pub fn identify(
    project: &ProjectName,
    package: &Package,
    lock: Option<&Lock>,
    python: &InterpreterFacts,
    seeds: &Seeds,
) -> (DeploymentId, u32) {
    let content = package.content_hash(&python.identity(), runtime::HASH, lock);
    let hash_seed = seeds.of_hashes(&content);
    (project::deployment_id(project, &content, hash_seed), hash_seed)
}

/// Checks, unpacks and tries a package with what it requires, and records it as a deployment.
///
/// # Errors
/// [`DeployError`]; nothing is recorded then, and no files of it are left.
pub async fn deploy(
    nursery: &Nursery,
    store: &dyn Store,
    seeds: &Seeds,
    project: ProjectName,
    package: Package,
    message: Option<String>,
    now: Timestamp,
) -> Result<Deployed, DeployError> {
    let stored = |error: store::StoreError| DeployError::ours(error.code(), error.to_string());
    let installed = nursery.packages.of_package(&package, Some(store)).await?;
    let lock = installed.map(|installed| installed.lock);
    let python = &nursery.environment.interpreter;
    let (id, hash_seed) = identify(&project, &package, lock.as_ref(), python, seeds);
    let _turn = nursery.turns.take(id).await;
    let settings = &package.config().aftercall;
    let prepared = Prepared {
        lock: lock.clone(),
        catalogue: Arc::new(Catalogue::with(package.effects().clone())),
        ..nursery.prepare(id, project.clone(), package.entry(), hash_seed, None, settings)
    };
    let folder = prepared.files.folder.clone();
    let bytes = package.bytes();
    let count = u32::try_from(package.files().len()).unwrap_or(u32::MAX);
    let entry = package.entry().to_owned();
    let put = tokio::task::spawn_blocking(move || files::unpack(&package, &folder))
        .await
        .map_err(|error| DeployError::ours(Code::Internal, error.to_string()))?
        .map_err(|error| {
            DeployError::ours(
                Code::StoreFailed,
                format!("the project cannot be unpacked: {error}"),
            )
        })?;
    if let Put::Mended(what) = put {
        tracing::warn!(deployment = %id.short(), what, "a deployment's files had changed on disk; they are put back");
        nursery.forget(id).await;
    }
    // Only now: should the files have been lost, deploying them again puts them back.
    if let Some(record) = store.deployment(id).await.map_err(stored)? {
        return Ok(Deployed { record, new: false });
    }
    let found = match nursery.probe(&prepared).await {
        Ok(found) => found,
        Err(error) => {
            take_away(nursery, &prepared).await;
            return Err(error);
        }
    };
    let facts = DeploymentFacts {
        id,
        project,
        created_at: now,
        entry,
        files: count,
        bytes,
        python: found.python,
        hash_seed,
        fork_way: found.fork_way,
        fork_reason: found.fork_reason,
        message,
        warnings: found.warnings,
        lock,
    };
    let record = DeploymentRecord { facts };
    match store.put_deployment(record.clone()).await {
        Ok(()) => Ok(Deployed { record, new: true }),
        // It may be recorded: then its files are needed.
        Err(error @ StoreError::Unknown(_)) => Err(stored(error)),
        Err(error) => {
            take_away(nursery, &prepared).await;
            Err(stored(error))
        }
    }
}

/// Leaves nothing of a package that became no deployment.
async fn take_away(nursery: &Nursery, prepared: &Prepared) {
    nursery.forget(prepared.id).await;
    let folder = prepared.files.folder.clone();
    let removed = tokio::task::spawn_blocking(move || files::remove(&folder)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(deployment = %prepared.id.short(), %error, "the files of a deploy that failed could not be removed");
    }
}
