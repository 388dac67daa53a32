//! How fast a store in a folder is: `cargo run --release -p store --example rates [-- FOLDER]`.
//!
//! Accepting: 64 tasks, one conversation of 6 KiB per call, each waiting for its commit. Then the same conversations are
//! claimed (64 a call) and completed by 64 tasks at once, each with two log entries, three metrics and 2 KiB of state.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crypto::{MasterKey, OsEntropy};
use domain::Environment;
use store::conformance::given::{activate, after, boot, claim_as, conversation, log, report, returned, shop};
use store::sqlite::{Options, SqliteStore};
use store::{NewConversation, Store};

const CONVERSATIONS: u64 = 20_000;
const CALLERS: u64 = 64;
const DOCUMENT_BYTES: usize = 6 * 1024;
const CLAIM: u32 = 64;

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("aftercall-rates-{}", std::process::id())),
        PathBuf::from,
    );
    let store = SqliteStore::open(
        Options::new(&folder),
        MasterKey::generate(&OsEntropy).unwrap(),
        Arc::new(OsEntropy),
        Arc::new(|reason: &str| panic!("{reason}")),
    )
    .unwrap();
    let store: Arc<dyn Store> = store;
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    println!("folder {}", folder.display());
    bare(&folder.with_extension("bare"));
    for round in 1..=2 {
        let first = round * CONVERSATIONS;
        accept_all(&store, first..first + CONVERSATIONS).await;
        complete_all(&store).await;
    }
    store.close().await;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        println!(
            "{:>12} bytes {}",
            entry.metadata().unwrap().len(),
            entry.file_name().display()
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What the machine can do at this moment: SQLite with the same settings and one table, one row a conversation, a commit
/// for every 64. No keys, no seals, no indexes, no answers.
fn bare(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let connection = rusqlite::Connection::open(folder.join("bare.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "full").unwrap();
    connection
        .execute_batch("CREATE TABLE document (id INTEGER PRIMARY KEY, document BLOB)")
        .unwrap();
    let (began, before) = (Instant::now(), cpu());
    for _ in 0..CONVERSATIONS / CALLERS {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..CALLERS {
            let mut insert = connection
                .prepare_cached("INSERT INTO document (document) VALUES (?1)")
                .unwrap();
            insert.execute([vec![b'x'; DOCUMENT_BYTES]]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    println!(
        "bare SQLite: {:.0}/s",
        CONVERSATIONS as f64 / began.elapsed().as_secs_f64()
    );
    report_cpu(&before, CONVERSATIONS as usize);
    std::fs::remove_dir_all(folder).unwrap();
}

async fn accept_all(store: &Arc<dyn Store>, numbers: std::ops::Range<u64>) {
    let (next, end) = (Arc::new(AtomicU64::new(numbers.start)), numbers.end);
    let (began, before) = (Instant::now(), cpu());
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, next) = (Arc::clone(store), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return waits;
                    }
                    let new = NewConversation {
                        document: vec![b'x'; DOCUMENT_BYTES],
                        ..conversation(number)
                    };
                    let asked = Instant::now();
                    store.accept(vec![new], after(0)).await.unwrap();
                    waits.push(asked.elapsed());
                }
            })
        })
        .collect();
    report_waits("accepted", began, gather(callers).await);
    report_cpu(&before, (numbers.end - numbers.start) as usize);
}

async fn complete_all(store: &Arc<dyn Store>) {
    let (began, before) = (Instant::now(), cpu());
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let claimed = claim_as(&store, boot(1), CLAIM, false, after(1)).await;
                    if claimed.is_empty() {
                        return waits;
                    }
                    let done = claimed.into_iter().map(|run| complete(Arc::clone(&store), run));
                    let done: Vec<_> = done.map(tokio::spawn).collect();
                    waits.extend(gather_one(done).await);
                }
            })
        })
        .collect();
    let waits = gather(callers).await;
    let count = waits.len();
    report_waits("claimed and completed", began, waits);
    report_cpu(&before, count);
}

async fn complete(store: Arc<dyn Store>, run: store::ClaimedRun) -> Duration {
    let mut left = report(run.number, after(2));
    left.logs = vec![log("first"), log("second")];
    left.metrics = ["a", "b", "c"]
        .map(|name| domain::Metric {
            name: name.into(),
            value: name.into(),
        })
        .into();
    left.state = Some(serde_json::json!({ "notes": "y".repeat(2_048) }));
    let asked = Instant::now();
    let policy = domain::run::Policy::default();
    store
        .apply(run.run, returned(&run), Some(left), &policy, after(2))
        .await
        .unwrap();
    asked.elapsed()
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> Vec<Duration> {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

async fn gather_one(tasks: Vec<tokio::task::JoinHandle<Duration>>) -> Vec<Duration> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all
}

/// CPU time of this process by thread name, microseconds: on a machine that is busy with other things, what counts.
fn cpu() -> BTreeMap<String, u64> {
    let mut by_thread = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        let times = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        let nanos: u64 = times
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        *by_thread.entry(name.trim().to_owned()).or_default() += nanos / 1_000;
    }
    by_thread
}

fn report_cpu(before: &BTreeMap<String, u64>, count: usize) {
    for (thread, after) in cpu() {
        let used = after.saturating_sub(before.get(&thread).copied().unwrap_or(0));
        println!(
            "    {:>6.1} us of CPU each in {thread}",
            used as f64 / count as f64
        );
    }
}

fn report_waits(what: &str, began: Instant, mut waits: Vec<Duration>) {
    let took = began.elapsed();
    waits.sort_unstable();
    let at = |share: usize| waits[waits.len() * share / 1_000 - usize::from(share == 1_000)];
    println!(
        "{what}: {} in {took:.2?}, {:.0}/s, p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, longest {:.2?}",
        waits.len(),
        waits.len() as f64 / took.as_secs_f64(),
        at(500),
        at(990),
        at(999),
        at(1_000),
    );
}
