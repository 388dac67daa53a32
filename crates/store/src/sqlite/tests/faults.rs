//! A disk that fails: callers are told that nobody knows, and the process is ended.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tempfile::TempDir;

use super::vfs::{self, Faults};
use super::{open_with, options};
use crate::conformance::given::{
    Given, accept, after, apply, claim, conversation, queued, report, returned, returns, run_id, start,
};
use crate::sqlite::Options;
use crate::{Acceptance, StoreError, fail_point};

/// How long a thread may take to say that it is over. Seconds.
const PATIENCE: Duration = Duration::from_secs(10);

fn faulty(folder: &Path, name: &str) -> (Given, &'static Faults, mpsc::Receiver<String>) {
    let faults = vfs::register(name);
    let (tell, told) = mpsc::sync_channel(8);
    let tell = std::sync::Mutex::new(tell);
    let options = Options {
        vfs: Some(name.into()),
        ..options(folder)
    };
    let on_fatal = move |reason: &str| tell.lock().unwrap().send(reason.to_owned()).unwrap();
    let store: Given = open_with(options, Arc::new(on_fatal)).unwrap();
    (store, faults, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_synced_is_unknown_and_the_end() {
    let folder = TempDir::new().unwrap();
    let (store, faults, fatal) = faulty(folder.path(), "sync-log");
    queued(&store, 1..3).await;
    let run = claim(&store, 1, after(60)).await.remove(0);

    faults.sync_log.store(1, Ordering::Release);
    let policy = domain::run::Policy::default();
    let left = Some(report(run.number, after(61)));
    let error = store
        .apply(run.run, returned(&run), left, &policy, after(61))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unknown(_)), "{error:?}");
    let reason = fatal.recv_timeout(PATIENCE).unwrap();
    assert!(reason.contains("disk I/O error"), "{reason}");
    let error = store.accept(vec![conversation(3)], start()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Failed(_)),
        "nothing is tried again: {error:?}"
    );
    drop(store);
    assert!(fatal.try_recv().is_err(), "it is told once");

    // Asked by key, the next process says what is there: one of the two, whole.
    let store = super::open(folder.path());
    let kept = store.run(run.run).await.unwrap().unwrap();
    let ended = kept.summary.state.end.is_some();
    assert_eq!(kept.attempts[0].end.is_some(), ended);
    assert_eq!(kept.attempts[0].logs.len(), usize::from(ended));
    assert_eq!(store.conversations("call-3").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cannot_be_synced_is_the_end() {
    let folder = TempDir::new().unwrap();
    let (store, faults, fatal) = faulty(folder.path(), "sync-database");
    faults.sync_database.store(1, Ordering::Release);
    accept(&store, conversation(1), start()).await;
    // Once it is quiet, what is in the log is moved.
    let reason = fatal.recv_timeout(PATIENCE).unwrap();
    assert!(reason.contains("checkpoint"), "{reason}");
    drop(store);
    let store = super::open(folder.path());
    assert_eq!(
        store.run(run_id(1)).await.unwrap().unwrap().document,
        Some(conversation(1).document)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_space_what_is_new_is_refused_and_what_ends_an_attempt_is_done() {
    let folder = TempDir::new().unwrap();
    let (store, faults, _fatal) = faulty(folder.path(), "no-space");
    queued(&store, 1..3).await;
    let run = claim(&store, 1, after(60)).await.remove(0);

    faults.no_space.store(1, Ordering::Release);
    let refused = store.accept(vec![conversation(3)], start()).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    returns(&store, &run, after(61)).await;
    assert_eq!(store.conversations("call-3").await.unwrap(), []);

    // There was space all the time, so it heals at the first look.
    let mut answer = store.accept(vec![conversation(3)], start()).await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = store.accept(vec![conversation(3)], start()).await;
    }
    assert!(matches!(answer.unwrap()[..], [Acceptance::Accepted(_)]));

    let run = claim(&store, 1, after(60)).await.remove(0);
    faults.no_space.store(1, Ordering::Release);
    let applied = apply(
        &store,
        run.run,
        returned(&run),
        Some(report(run.number, after(61))),
        after(61),
    );
    assert!(
        applied.await.state.end.is_some(),
        "it is done again in the reserve"
    );
    assert!(store.health().await.unwrap().read_only);
}

/// What a process whose store has told the end of it exits with.
const TOLD: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test runs it, in a process of its own"]
async fn one_of_whose_threads_panics() {
    let folder = TempDir::new().unwrap();
    let on_fatal = |reason: &str| {
        println!("told: {reason}");
        std::process::exit(TOLD);
    };
    let store: Given = open_with(options(folder.path()), Arc::new(on_fatal)).unwrap();
    let _ = store.accept(vec![conversation(1)], start()).await;
    tokio::time::sleep(PATIENCE).await;
}

#[test]
fn a_thread_that_panics_is_the_end_of_the_process_and_says_which() {
    for (point, who) in [
        ("store.accept.before_commit:1:panic", "writer"),
        ("store.checkpoint:1:panic", "checkpointer"),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = "sqlite::tests::faults::one_of_whose_threads_panics";
        let ended = command
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(fail_point::VARIABLE, point)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(TOLD), "{told}");
        assert!(
            told.contains(&format!("told: the store's {who} panicked")),
            "{told}"
        );
    }
}
