//! Killed at any moment, a store has what it said that it has, and each run goes on once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::run::{End, Event};
use domain::{AttemptEnd, Environment, Metric, RunId};
use serde_json::json;
use tempfile::TempDir;

use super::{not_fatal, open_with, options};
use crate::conformance::given::{
    Given, accept, activate, after, apply, boot, claim_as, conversation, report, returned, run_id, shop,
    start,
};
use crate::sqlite::Options;
use crate::{ClaimedRun, RunFilter, fail_point};

const FOLDER: &str = "AFTERCALL_TEST_FOLDER";
const ROUND: &str = "AFTERCALL_TEST_ROUND";
const PER_ROUND: u64 = 10_000;

fn open(folder: &Path) -> Given {
    let options = Options {
        queue_limit: 1_000_000,
        // Small, so that the log begins anew several times in a round.
        wal_frames: 1_500,
        ..options(folder)
    };
    open_with(options, not_fatal()).unwrap()
}

fn tell(what: &str, run: RunId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {run}").unwrap();
    out.flush().unwrap();
}

async fn complete(store: &Given, run: &ClaimedRun) {
    let mut left = report(run.number, after(61));
    left.metrics = vec![Metric {
        name: "attempt".into(),
        value: json!(run.number.0),
    }];
    left.state = Some(json!({"run": run.run.to_string(), "padding": "p".repeat(3_000)}));
    apply(store, run.run, returned(run), Some(left), after(61)).await;
}

/// What is killed: accepts, claims and completes as fast as it can, and says what it was told is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash tests run it, in a process of its own"]
async fn victim() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let store = open(Path::new(&folder));
    let next = Arc::new(AtomicU64::new(round * PER_ROUND));
    for _ in 0..8 {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let run = accept(&store, conversation(number), start()).await;
                tell("accepted", run.run);
            }
        });
    }
    loop {
        for run in claim_as(&store, boot(round), 8, true, after(60)).await {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                complete(&store, &run).await;
                tell("completed", run.run);
            });
        }
    }
}

/// What a victim was told is done.
#[derive(Default)]
struct Told {
    accepted: BTreeSet<RunId>,
    completed: BTreeSet<RunId>,
}

/// Runs a victim until it dies: at its fail point, or by our hand after so many lines.
fn kill(folder: &Path, round: u64, point: Option<&str>, told: &mut Told) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "sqlite::tests::crash::victim",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(point) = point {
        command.env(fail_point::VARIABLE, point);
    }
    let mut victim = command.spawn().unwrap();
    let out = BufReader::new(victim.stdout.take().unwrap());
    let mut lines = 0;
    for line in out.lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("accepted", run)) => told.accepted.insert(run.parse().unwrap()),
            Some(("completed", run)) => told.completed.insert(run.parse().unwrap()),
            _ => continue,
        };
        lines += 1;
        if point.is_none() && lines == 150 + round * 37 {
            // What is still in the pipe was told as well, and is read on.
            victim.kill().unwrap();
        }
    }
    let status = victim.wait().unwrap();
    assert_eq!(
        status.signal(),
        Some(9),
        "round {round} at {point:?} ended by itself: {status}"
    );
}

async fn all_runs(store: &Given) -> Vec<crate::RunSummary> {
    let (mut all, mut position) = (Vec::new(), None);
    loop {
        let filter = RunFilter {
            limit: 1_000,
            after: position,
            ..RunFilter::default()
        };
        let page = store.runs(filter).await.unwrap();
        all.extend(page.items);
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
}

/// Everything that was told is there; what the dead boot held goes back to the queue.
async fn check(folder: &Path, told: &Told, next_boot: u64) {
    let store = open(folder);
    let runs = all_runs(&store).await;
    let here: BTreeSet<_> = runs.iter().map(|run| run.run).collect();
    assert!(
        told.accepted.is_subset(&here),
        "lost: {:?}",
        told.accepted.difference(&here)
    );
    let over = runs.iter().filter(|run| run.state.end == Some(End::Succeeded));
    let over: BTreeSet<_> = over.map(|run| run.run).collect();
    assert!(
        told.completed.is_subset(&over),
        "lost: {:?}",
        told.completed.difference(&over)
    );
    let health = store.health().await.unwrap();
    assert_eq!(health.unfinished, (runs.len() - over.len()) as u64);

    for orphan in store.orphans(boot(next_boot), 10_000).await.unwrap() {
        let event = Event::Interrupted { epoch: orphan.epoch };
        apply(&store, orphan.run, event, None, start()).await;
        let detail = store.run(orphan.run).await.unwrap().unwrap();
        assert_eq!(detail.attempts.last().unwrap().end, Some(AttemptEnd::Interrupted));
    }
    assert_eq!(store.orphans(boot(next_boot), 1).await.unwrap(), []);
}

/// In the end each run has succeeded in one attempt, from which alone its results are.
async fn finish(folder: &Path) {
    let store = open(folder);
    loop {
        let claimed = claim_as(&store, boot(99), 64, true, after(60)).await;
        if claimed.is_empty() {
            break;
        }
        for run in claimed {
            complete(&store, &run).await;
        }
    }
    for summary in all_runs(&store).await {
        let detail = store.run(summary.run).await.unwrap().unwrap();
        assert_eq!(summary.state.end, Some(End::Succeeded));
        let ends = detail.attempts.iter().map(|attempt| attempt.end.clone().unwrap());
        let returned = AttemptEnd::Returned {
            unsettled_failures: 0,
        };
        assert_eq!(
            ends.filter(|end| *end == returned).count(),
            1,
            "{:?}",
            detail.attempts
        );
        assert_eq!(detail.attempts.last().unwrap().end, Some(returned));
        assert_eq!(detail.metrics[0].value, json!(detail.attempts.len()));
        assert_eq!(detail.state_after.unwrap()["run"], json!(summary.run.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_point_nothing_told_is_lost_and_every_run_ends_once() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    drop(store);
    let points = [
        Some("store.accept.before_commit:40"),
        Some("store.accept.after_commit:40"),
        Some("store.claim.before_commit:10"),
        Some("store.claim.after_commit:10"),
        Some("store.apply.before_commit:15"),
        Some("store.apply.after_commit:15"),
        None,
        None,
        None,
    ];
    let mut told = Told::default();
    for (round, point) in (1..).zip(points) {
        kill(folder.path(), round, point, &mut told);
        check(folder.path(), &told, round + 1).await;
    }
    assert!(
        told.accepted.len() > 300 && told.completed.len() > 100,
        "the victims did next to nothing"
    );
    finish(folder.path()).await;
}

/// The key was committed, the conversation not: the same may come again, under a key of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_its_conversation_is_in_nobodys_way() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let mut told = Told::default();
    kill(folder.path(), 1, Some("store.accept.before_commit"), &mut told);
    assert!(told.accepted.is_empty());
    let keys = rusqlite::Connection::open(folder.path().join("keys.db")).unwrap();
    let keys: i64 = keys
        .query_row("SELECT count(*) FROM conversation_key", [], |row| row.get(0))
        .unwrap();
    assert!(keys > 0);
    let store = open(folder.path());
    accept(&store, conversation(PER_ROUND), start()).await;
    let kept = store.run(run_id(PER_ROUND)).await.unwrap().unwrap();
    assert_eq!(kept.document, Some(conversation(PER_ROUND).document));
}

/// Of a process that vanished the files are what a copy of them is now: nothing was closed, the log holds it all.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_never_closed_opens_with_everything() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for number in 1..=100 {
        accept(&store, conversation(number), start()).await;
    }
    let copy = TempDir::new().unwrap();
    for file in ["aftercall.db", "aftercall.db-wal", "keys.db", "keys.db-wal"] {
        std::fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let copied = open(copy.path());
    for number in 1..=100 {
        let kept = copied.run(run_id(number)).await.unwrap();
        assert_eq!(kept.unwrap().document, Some(conversation(number).document));
    }
}
