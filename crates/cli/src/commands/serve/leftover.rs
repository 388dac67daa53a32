//! Files of deployments that were written, but never became any: the server ended between unpacking and recording them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::DeploymentId;
use store::Store;

/// Removes them. To be called while nobody deploys: what is being written is not recorded yet.
///
/// One of which it cannot be told whether it is recorded stays, as does whatever has no deployment's name. Neither keeps a server
/// from starting: such files only take room.
pub(super) async fn sweep(deployments: &Path, store: &dyn Store) {
    let found = match found(deployments) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the folder of deployments cannot be looked through for what was cut off");
            return;
        }
    };
    let mut removed = 0;
    for (id, paths) in found {
        match store.deployment(id).await {
            Ok(Some(_)) => continue,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(deployment = %id.short(), %error, "whether it is a deployment cannot be told");
                continue;
            }
        }
        // A folder before its digest, which is never missing beside one.
        match paths.iter().try_for_each(|path| remove(path)) {
            Ok(()) => removed += 1,
            Err(error) => {
                tracing::warn!(deployment = %id.short(), %error, "what was left of a deploy that was cut off cannot be removed");
            }
        }
    }
    if removed > 0 {
        tracing::info!(removed, "removed what was left of deploys that were cut off");
    }
}

/// By deployment, what lies there under its name: `ID`, `ID.sha256` and `ID.new`, in this order.
fn found(deployments: &Path) -> io::Result<BTreeMap<DeploymentId, Vec<PathBuf>>> {
    let entries = match fs::read_dir(deployments) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for entry in entries {
        let path = entry?.path();
        let named = |stem: &std::ffi::OsStr| stem.to_str()?.parse::<DeploymentId>().ok();
        if let Some(id) = path.file_stem().and_then(named) {
            found.entry(id).or_default().push(path);
        }
    }
    found.values_mut().for_each(|paths| paths.sort());
    Ok(found)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use crypto::{MasterKey, OsEntropy};
    use domain::{DeploymentFacts, ForkWay, Timestamp};
    use store::DeploymentRecord;
    use store::sqlite::{Options, SqliteStore};

    use super::*;

    fn record(id: DeploymentId) -> DeploymentRecord {
        let facts = DeploymentFacts {
            id,
            project: "desk".parse().unwrap(),
            created_at: Timestamp::UNIX_EPOCH,
            entry: "end_function.py".to_owned(),
            files: 1,
            bytes: 1,
            python: "3.11.2".to_owned(),
            hash_seed: 0,
            fork_way: ForkWay::RawFork,
            fork_reason: String::new(),
            message: None,
            warnings: Vec::new(),
            lock: None,
        };
        DeploymentRecord { facts }
    }

    #[tokio::test]
    async fn only_what_is_surely_no_deployment_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            reserve_bytes: 0,
            ..Options::new(folder.path().join("data"))
        };
        let master = MasterKey::from_bytes(&mut [7; 32]);
        let on_fatal = Arc::new(|why: &str| panic!("{why}"));
        let store = SqliteStore::open(options, master, Arc::new(OsEntropy), on_fatal).unwrap();
        let deployments = folder.path().join("deployments");
        sweep(&deployments, &*store).await;

        let [kept, cut_off, at_its_beginning] = [1, 2, 3].map(|byte| DeploymentId::from_bytes([byte; 32]));
        store.put_deployment(record(kept)).await.unwrap();
        for id in [kept, cut_off] {
            fs::create_dir_all(deployments.join(id.to_string()).join("functions")).unwrap();
            fs::write(deployments.join(format!("{id}.sha256")), "digest").unwrap();
        }
        fs::write(deployments.join(format!("{at_its_beginning}.new")), "dig").unwrap();
        for stranger in ["README", &"a".repeat(63)] {
            fs::write(deployments.join(stranger), "").unwrap();
        }
        let there = || fs::read_dir(&deployments).unwrap().count();
        assert_eq!(there(), 7);
        sweep(&deployments, &*store).await;
        assert_eq!(there(), 4);
        assert!(deployments.join(kept.to_string()).join("functions").is_dir());
        assert!(deployments.join(format!("{kept}.sha256")).is_file());

        // Of a store that does not answer it cannot be told what is recorded.
        store.close().await;
        fs::write(deployments.join(format!("{at_its_beginning}.new")), "dig").unwrap();
        sweep(&deployments, &*store).await;
        assert_eq!(there(), 5);
    }
}
