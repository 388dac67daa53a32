//! How a package becomes a deployment.

use domain::{Code, DeploymentFacts, DeploymentId, ProjectName, Timestamp};
use project::unpacked::Put;
use project::{InterpreterFacts, Package};
use store::{DeploymentRecord, Store};

use super::{Nursery, files};
use crate::deploy_error::DeployError;
use crate::runtime;

/// What becomes of a package that is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// Its record.
    pub record: DeploymentRecord,
    /// It was not there before.
    pub new: bool,
}

/// A package's identity: project, content, interpreter, runtime and the hash seed that this server gives it.
///
/// The seed is keyed, so that nobody outside can aim at hash collisions, and follows from the content, so that the same
/// package is the same deployment.
#[must_use]
pub fn identify(
    project: &ProjectName,
    package: &Package,
    python: &InterpreterFacts,
    secret: &crypto::KeyedHash,
) -> (DeploymentId, u32) {
    let content = package.content_hash(&python.identity(), runtime::HASH);
    let seed_bytes = secret.hash(&content);
    let hash_seed = u32::from_be_bytes([seed_bytes[0], seed_bytes[1], seed_bytes[2], seed_bytes[3]]);
    (project::deployment_id(project, &content, hash_seed), hash_seed)
}

/// Checks, unpacks and tries a package, and records it as a deployment.
///
/// # Errors
/// [`DeployError`]; nothing is recorded then.
pub async fn deploy(
    nursery: &Nursery,
    store: &dyn Store,
    secret: &crypto::KeyedHash,
    project: ProjectName,
    package: Package,
    message: Option<String>,
    now: Timestamp,
) -> Result<Deployed, DeployError> {
    let stored = |error: store::StoreError| DeployError::ours(error.code(), error.to_string());
    let (id, hash_seed) = identify(&project, &package, &nursery.environment.interpreter, secret);
    let prepared = nursery.prepare(
        id,
        project.clone(),
        package.entry(),
        hash_seed,
        None,
        &package.config().aftercall,
    );
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
    let found = nursery.probe(&prepared).await?;
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
    };
    let record = DeploymentRecord { facts };
    store.put_deployment(record.clone()).await.map_err(stored)?;
    Ok(Deployed { record, new: true })
}
