//! The folder: closed to others, to one process at a time, and as it was left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crypto::OsEntropy;
use domain::Environment;
use domain::run::Status;
use tempfile::TempDir;

use super::{master, not_fatal, open, options};
use crate::conformance::given::{
    accept, activate, after, claim, conversation, queued, returns, run_id, shop, start, state,
};
use crate::sqlite::{SqliteStore, schema};
use crate::{Acceptance, RunFilter, StoreError, StoreHealth};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn everything_in_the_folder_is_its_owners_alone() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("made/by/us");
    let store = open(&folder);
    accept(&store, conversation(1), start()).await;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let names: Vec<_> = files
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .collect();
    for name in [
        "aftercall.db",
        "aftercall.db-wal",
        "aftercall.db-shm",
        "keys.db",
        "keys.db-wal",
        "lock",
        "reserve",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_folder_that_others_could_read_is_closed_to_them() {
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("aftercall.db"), "").unwrap();
    fs::set_permissions(
        folder.path().join("aftercall.db"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let _store = open(folder.path());
    assert_eq!(
        (mode(folder.path()), mode(&folder.path().join("aftercall.db"))),
        (0o700, 0o600)
    );
}

#[tokio::test]
async fn one_process_at_a_time_has_it_until_it_closes_or_ends() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path());
    let second = || {
        SqliteStore::open(
            options(folder.path()),
            master(7),
            Arc::new(OsEntropy),
            not_fatal(),
        )
    };
    match second() {
        Err(StoreError::InUse { pid, .. }) => assert_eq!(pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    first.close().await;
    let second = second().unwrap();
    drop(second);
    open(folder.path());
}

#[tokio::test]
async fn another_master_key_is_refused_before_anything_is_read() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let error = SqliteStore::open(
        options(folder.path()),
        master(8),
        Arc::new(OsEntropy),
        not_fatal(),
    )
    .unwrap_err();
    assert!(matches!(error, StoreError::Sealed(_)), "{error:?}");
    assert_eq!(error.code(), domain::Code::WrongMasterKey);
    open(folder.path());
}

#[tokio::test]
async fn a_folder_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let main = rusqlite::Connection::open(folder.path().join("aftercall.db")).unwrap();
    main.pragma_update(None, "user_version", 99).unwrap();
    drop(main);
    let error = SqliteStore::open(
        options(folder.path()),
        master(7),
        Arc::new(OsEntropy),
        not_fatal(),
    )
    .unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, known } if known as usize == schema::MAIN.len()),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_was_kept_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    queued(&store, 1..4).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    returns(&store, &run, after(60)).await;
    claim(&store, 1, after(60)).await;
    let (detail, listing, health) = (
        store.run(run.run).await.unwrap(),
        store.runs(RunFilter::default()).await.unwrap(),
        store.health().await.unwrap(),
    );
    drop(store);

    let store = open(folder.path());
    assert_eq!(store.run(run.run).await.unwrap(), detail);
    assert_eq!(store.runs(RunFilter::default()).await.unwrap(), listing);
    assert!(health.commits > 0);
    let anew = StoreHealth { commits: 0, ..health };
    assert_eq!(
        store.health().await.unwrap(),
        anew,
        "runs are counted anew, and commits from here on"
    );
    let again = store.accept(vec![conversation(1)], after(70)).await.unwrap();
    assert!(matches!(&again[0], Acceptance::Known(known) if known.run == run.run));
}

#[tokio::test]
async fn an_activation_that_was_cut_off_is_finished_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    accept(&store, conversation(1), start()).await;
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    drop(store);
    // As it is left by a crash between the activation and the freeing of what was held.
    let main = rusqlite::Connection::open(folder.path().join("aftercall.db")).unwrap();
    main.execute("UPDATE run SET hold = 'no_active_deployment'", [])
        .unwrap();
    drop(main);

    let store = open(folder.path());
    let state = state(&store, run_id(1)).await;
    assert_eq!((state.status, state.hold), (Status::Queued, None));
    assert_eq!(claim(&store, 1, start()).await.len(), 1);
}

#[test]
fn sqlite_is_compiled_as_the_workspace_asks() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let asked: bool = connection
        .query_row(
            "SELECT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(
        asked,
        "built without .cargo/config.toml, by which commits are several times faster"
    );
}
