//! What a store in a folder promises beyond the suite: about the folder, crashes, full disks, and what lies in clear.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod clear;
mod closing;
mod crash;
mod erased;
mod faults;
mod folder;
mod full_disk;
mod log;
mod never;
mod order;
mod plans;
mod vfs;

use std::path::Path;
use std::sync::Arc;

use crypto::{MasterKey, OsEntropy};
use tempfile::TempDir;

use super::{OnFatal, Options, SqliteStore};
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

fn master(number: u8) -> MasterKey {
    MasterKey::from_bytes(&mut [number; 32])
}

fn open_with(options: Options, on_fatal: OnFatal) -> Result<Arc<SqliteStore>, StoreError> {
    SqliteStore::open(options, master(7), Arc::new(OsEntropy), on_fatal)
}

fn not_fatal() -> OnFatal {
    Arc::new(|reason: &str| panic!("fatal: {reason}"))
}

fn open(folder: &Path) -> Given {
    open_with(options(folder), not_fatal()).unwrap()
}

async fn fresh() -> (TempDir, Given) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    (folder, store)
}

mod suite {
    crate::conformance!(super::fresh);
}
