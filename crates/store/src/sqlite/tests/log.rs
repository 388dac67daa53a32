//! The write-ahead log stays bounded under a load that never pauses, and keeps its file for the next commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::{not_fatal, open_with, options};
use crate::NewConversation;
use crate::conformance::given::{Given, accept, conversation, start};
use crate::sqlite::Options;

const CALLERS: usize = 16;
const CONVERSATIONS: u64 = 1_500;
const DOCUMENT_BYTES: usize = 64 * 1024;
/// 4 MiB, of the 100 and more that are written.
const WAL_FRAMES: u32 = 1_024;
/// The log may overshoot while a checkpoint is under way, but not by the load.
const LOG_BYTES_MAX: u64 = 48 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_load_that_never_pauses_the_log_begins_anew() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        queue_limit: CONVERSATIONS,
        wal_frames: WAL_FRAMES,
        ..options(folder.path())
    };
    let store: Given = open_with(options, not_fatal()).unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, next) = (Arc::clone(&store), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= CONVERSATIONS {
                        return;
                    }
                    let new = NewConversation {
                        document: vec![b'd'; DOCUMENT_BYTES],
                        ..conversation(number)
                    };
                    accept(&store, new, start()).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let length = |file: &str| std::fs::metadata(folder.path().join(file)).unwrap().len();
    assert!(
        length("aftercall.db-wal") < LOG_BYTES_MAX,
        "{} bytes",
        length("aftercall.db-wal")
    );

    // Once it is quiet everything is in the database.
    let everything = CONVERSATIONS * DOCUMENT_BYTES as u64;
    for _ in 0..100 {
        if length("aftercall.db") > everything {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(length("aftercall.db") > everything);
    store.close().await;
    assert_eq!((length("aftercall.db-wal"), length("keys.db-wal")), (0, 0));
}
