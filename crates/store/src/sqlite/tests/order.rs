//! Who goes before whom in the writer's lanes.

use std::sync::{Arc, Mutex};

use domain::RunId;
use domain::run::Event;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{not_fatal, open_with, options};
use crate::conformance::given::{Given, after, apply, boot, claim_as, queued};
use crate::sqlite::Options;

/// Runs that a dead boot left.
const LEFT: u64 = 40;

#[tokio::test]
async fn a_completion_does_not_wait_for_all_that_a_dead_boot_left() {
    let folder = TempDir::new().unwrap();
    let one_a_batch = Options {
        batch_rows: 1,
        ..options(folder.path())
    };
    let store: Given = open_with(one_a_batch, not_fatal()).unwrap();
    queued(&store, 1..LEFT + 2).await;
    let left = claim_as(&store, boot(1), u32::try_from(LEFT).unwrap(), true, after(60)).await;
    let ours = claim_as(&store, boot(2), 1, false, after(60)).await.remove(0);
    let done = Arc::new(Mutex::new(Vec::<RunId>::new()));
    let tell = |run| {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        move |event| async move {
            apply(&store, run, event, None, after(61)).await;
            done.lock().unwrap().push(run);
        }
    };
    // Somebody outside holds the database for a moment, so that all of them gather.
    let outside = Connection::open(folder.path().join("aftercall.db")).unwrap();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for run in &left {
        tasks.spawn(tell(run.run)(Event::Interrupted { epoch: run.epoch }));
    }
    tasks.spawn(tell(ours.run)(Event::Released { epoch: ours.epoch }));
    // On this one thread each of them comes to hand its request over.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    outside.execute_batch("COMMIT").unwrap();
    tasks.join_all().await;
    let done = done.lock().unwrap();
    let place = done.iter().position(|run| *run == ours.run).unwrap();
    // The one that the writer had in its hands, and what was answered while ours was.
    assert!(place <= 3, "{place} of {LEFT} were before it");
}
