//! What a store in a folder promises beyond the suite: about the folder, crashes, full disks, and what lies in clear.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use crypto::MasterKey;
use crypto::OsEntropy;
use tempfile::TempDir;

use super::{Options, SqliteStore};
use crate::StoreError;
use crate::conformance::QUEUE_LIMIT;
use crate::conformance::given::Given;

fn options(folder: &Path) -> Options {
    Options {
        queue_limit: QUEUE_LIMIT,
        reserve_bytes: 1024 * 1024,
        ..Options::new(folder)
    }
}

fn master() -> MasterKey {
    MasterKey::from_bytes(&mut [7; 32])
}

fn open_with(options: Options) -> Result<Arc<SqliteStore>, StoreError> {
    let fatal = |reason: &str| panic!("fatal: {reason}");
    SqliteStore::open(options, master(), Arc::new(OsEntropy), Arc::new(fatal))
}

fn open(folder: &Path) -> Arc<SqliteStore> {
    open_with(options(folder)).unwrap()
}

async fn fresh() -> (TempDir, Given) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    (folder, store)
}

mod suite {
    crate::conformance!(super::fresh);
}
