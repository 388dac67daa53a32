//! What names a deployment.

use std::collections::BTreeMap;

use domain::{DeploymentId, Lock, ProjectName};
use sha2::{Digest, Sha256};

/// Changes whenever what is hashed, or how, changes.
const VERSION: &[u8] = b"aftercall deployment content 1";

pub(super) fn content(
    files: &BTreeMap<String, Vec<u8>>,
    interpreter: &str,
    runtime_version: &str,
    lock: Option<&Lock>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    part(&mut hash, VERSION);
    part(&mut hash, interpreter.as_bytes());
    part(&mut hash, runtime_version.as_bytes());
    hash.update((files.len() as u64).to_be_bytes());
    for (name, content) in files {
        part(&mut hash, name.as_bytes());
        part(&mut hash, content);
    }
    // Their bytes decide, not what was asked for: that is among the files.
    let packages = lock.map(|lock| &*lock.packages).unwrap_or_default();
    for package in packages {
        for text in [&package.name, &package.version, &package.sha256] {
            part(&mut hash, text.as_bytes());
        }
    }
    hash.finalize().into()
}

/// The deployment of this content, of this project, with this `PYTHONHASHSEED`: SHA-256 over all three. A deployment is
/// one project's: the same files in two projects are two deployments.
#[must_use]
pub fn deployment_id(project: &ProjectName, content_hash: &[u8; 32], hash_seed: u32) -> DeploymentId {
    let mut hash = Sha256::new();
    part(&mut hash, project.as_str().as_bytes());
    hash.update(content_hash);
    hash.update(hash_seed.to_be_bytes());
    DeploymentId::from_bytes(hash.finalize().into())
}

/// Every part tells its length first, so that no two listings run together into the same bytes.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
