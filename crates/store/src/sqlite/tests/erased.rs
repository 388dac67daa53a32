//! A conversation whose key is gone, alone or with all others.

use std::sync::Arc;

use crypto::OsEntropy;
use domain::Code;
use domain::run::{End, Event, Policy};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::{fresh, master, not_fatal, open, open_with, options};
use crate::conformance::given::{
    Given, accept, after, apply, boot, claim, conversation, conversation_id, failed, failure_report, ids,
    queued, report, returned, run_id, state,
};
use crate::sqlite::claim::ClaimDue;
use crate::sqlite::{SqliteStore, schema};
use crate::{Acceptance, Claim, NewConversation, RunFilter, StoreError, Torn};

fn erase(folder: &TempDir, number: u64) {
    let keys = Connection::open(folder.path().join("keys.db")).unwrap();
    let id = conversation_id(number);
    let erased = keys
        .execute(
            "DELETE FROM conversation_key WHERE conversation_id = ?1",
            [id.as_bytes()],
        )
        .unwrap();
    assert_eq!(erased, 1);
}

#[tokio::test]
async fn its_run_is_a_dead_letter_at_once_and_says_why() {
    let (folder, store) = fresh().await;
    queued(&store, 1..4).await;
    erase(&folder, 2);
    let claimed = claim(&store, 10, after(60)).await;
    assert_eq!(ids(&claimed), [run_id(1), run_id(3)]);
    let state = state(&store, run_id(2)).await;
    assert_eq!(
        (state.end, state.last_error, state.failures),
        (Some(End::Failed), Some(Code::ConversationErased), 1)
    );
}

#[tokio::test]
async fn what_is_in_clear_of_it_is_still_told() {
    let (folder, store) = fresh().await;
    queued(&store, 1..3).await;
    for run in claim(&store, 2, after(60)).await {
        let mut left = report(run.number, after(60));
        left.metrics = [("seconds", json!(12)), ("word", json!("secret"))]
            .map(|(name, value)| domain::Metric {
                name: name.into(),
                value,
            })
            .to_vec();
        left.state = Some(json!({"secret": 1}));
        apply(&store, run.run, returned(&run), Some(left), after(60)).await;
    }
    let before = store.run(run_id(1)).await.unwrap().unwrap();
    erase(&folder, 1);
    let detail = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(detail.summary.external_id, "[erased]");
    assert_eq!(detail.summary.state, before.summary.state);
    assert_eq!((&detail.document, &detail.state_after), (&None, &None));
    assert_eq!(detail.metrics, before.metrics[..1]);
    assert_eq!(detail.attempts[0].end, before.attempts[0].end);
    assert!(detail.attempts[0].logs.is_empty());
    let listed = store.runs(RunFilter::default()).await.unwrap().items;
    assert_eq!(listed[1], detail.summary);
    let found = store.conversation(conversation_id(1)).await.unwrap().unwrap();
    assert_eq!((&found.document, &found.state_after), (&None, &None));
    assert_eq!(found.external_id, "[erased]");
    assert_eq!(store.conversations("call-1").await.unwrap(), [found]);
}

#[tokio::test]
async fn other_content_under_its_id_is_still_a_conflict_and_harms_nobody_beside_it() {
    let (folder, store) = fresh().await;
    queued(&store, 1..2).await;
    erase(&folder, 1);
    let other = NewConversation {
        content_hash: crate::conformance::given::content_hash(77),
        ..conversation(1)
    };
    let answers = store
        .accept(vec![other, conversation(1), conversation(2)], after(60))
        .await
        .unwrap();
    assert!(
        matches!(&answers[0], Acceptance::Conflict { document: None, .. }),
        "{answers:?}"
    );
    assert!(matches!(&answers[1], Acceptance::Known(_)));
    assert!(matches!(&answers[2], Acceptance::Accepted(_)));
}

#[tokio::test]
async fn an_attempt_that_was_under_way_ends_all_the_same_without_its_words() {
    let (folder, store) = fresh().await;
    queued(&store, 1..3).await;
    let runs = claim(&store, 2, after(60)).await;
    erase(&folder, 1);
    erase(&folder, 2);
    let left = Some(report(runs[0].number, after(61)));
    apply(&store, runs[0].run, returned(&runs[0]), left, after(61)).await;
    let left = Some(failure_report(runs[1].number, after(61)));
    apply(&store, runs[1].run, failed(&runs[1]), left, after(61)).await;
    assert_eq!(state(&store, run_id(1)).await.end, Some(End::Succeeded));
    let detail = store.run(run_id(2)).await.unwrap().unwrap();
    assert_eq!(detail.summary.state.last_error, Some(Code::FunctionRaised));
    drop(store);
    let main = Connection::open(folder.path().join("aftercall.db")).unwrap();
    let records: u32 = main
        .query_row("SELECT count(*) FROM attempt_record", [], |row| row.get(0))
        .unwrap();
    assert_eq!(records, 0, "what cannot be sealed is not kept");
}

/// A store whose insides a test reaches.
async fn with_runs(count: u64) -> (TempDir, Arc<SqliteStore>, Given) {
    let folder = TempDir::new().unwrap();
    let store = open_with(options(folder.path()), not_fatal()).unwrap();
    let given: Given = Arc::clone(&store) as _;
    queued(&given, 1..count + 1).await;
    (folder, store, given)
}

#[tokio::test]
async fn one_run_that_need_not_be_given_back_keeps_no_other_from_being_run() {
    let (folder, store, given) = with_runs(3).await;
    erase(&folder, 1);
    let claim = Claim {
        incarnation: boot(1),
        limit: 10,
        nothing_runs: false,
    };
    let request = ClaimDue {
        claim,
        policy: Policy::default(),
        now: after(60),
    };
    let claimed = store.write(request, 0).await.unwrap();
    // Between the claim and what comes of it somebody cancels.
    apply(&given, run_id(1), Event::CancelRequested, None, after(60)).await;
    let runs = store.with_documents(claimed, &Policy::default(), after(60)).await;
    assert_eq!(ids(&runs), [run_id(2), run_id(3)]);
    assert_eq!(state(&given, run_id(1)).await.end, Some(End::Cancelled));
}

mod lost {
    //! One of the two databases is missing, empty, or another store's.

    use std::fs;

    use super::*;

    fn reopen(folder: &TempDir) -> Result<Arc<SqliteStore>, StoreError> {
        SqliteStore::open(
            options(folder.path()),
            master(7),
            Arc::new(OsEntropy),
            not_fatal(),
        )
    }

    /// A closed store with one conversation in it, all of which is in the databases themselves.
    async fn full() -> TempDir {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path());
        accept(&store, conversation(1), after(1)).await;
        store.close().await;
        folder
    }

    fn torn(folder: &TempDir) -> Torn {
        match reopen(folder) {
            Err(StoreError::Torn { torn, folder: told }) => {
                assert_eq!(
                    fs::canonicalize(folder.path()).unwrap().to_str(),
                    Some(told.as_str())
                );
                torn
            }
            other => panic!("{other:?}"),
        }
    }

    fn remove(folder: &TempDir, name: &str) {
        for file in [name.to_owned(), format!("{name}-wal"), format!("{name}-shm")] {
            let _ = fs::remove_file(folder.path().join(file));
        }
    }

    #[tokio::test]
    async fn without_keys_a_store_is_not_opened_and_nothing_is_made() {
        for master_too in [false, true] {
            let folder = full().await;
            let kept = fs::read(folder.path().join("keys.db")).unwrap();
            remove(&folder, "keys.db");
            if master_too {
                fs::write(folder.path().join("keys.db"), "").unwrap();
            }
            for _ in 0..2 {
                assert_eq!(torn(&folder), Torn::NoKeys);
            }
            fs::write(folder.path().join("keys.db"), kept).unwrap();
            let store: Given = reopen(&folder).unwrap();
            let found = store.conversations("call-1").await.unwrap();
            assert_eq!(found[0].document, Some(conversation(1).document));
        }
    }

    #[tokio::test]
    async fn keys_that_are_only_in_their_log_are_not_thrown_away() {
        let folder = full().await;
        fs::write(folder.path().join("keys.db"), "").unwrap();
        fs::write(folder.path().join("keys.db-wal"), "what it held").unwrap();
        remove(&folder, "aftercall.db");
        assert_eq!(torn(&folder), Torn::NoKeys);
        let log = fs::read(folder.path().join("keys.db-wal")).unwrap();
        assert_eq!(log, b"what it held");
    }

    #[tokio::test]
    async fn an_empty_store_is_not_begun_beside_keys_that_are_in_use() {
        let folder = full().await;
        remove(&folder, "aftercall.db");
        assert_eq!(torn(&folder), Torn::NoMain);
        // What the first try made is no store either.
        assert_eq!(torn(&folder), Torn::NoMain);
        // A database, but an empty one.
        remove(&folder, "aftercall.db");
        let empty = Connection::open(folder.path().join("aftercall.db")).unwrap();
        empty
            .execute_batch("PRAGMA user_version = 0; CREATE TABLE t (x); DROP TABLE t")
            .unwrap();
        drop(empty);
        assert_eq!(torn(&folder), Torn::OfAnother);
    }

    #[tokio::test]
    async fn the_keys_of_another_store_are_refused() {
        let (one, other) = (full().await, full().await);
        fs::copy(other.path().join("keys.db"), one.path().join("keys.db")).unwrap();
        assert_eq!(torn(&one), Torn::OfAnother);
        // Also such as were made anew by hand.
        remove(&one, "keys.db");
        let keys = Connection::open(one.path().join("keys.db")).unwrap();
        keys.execute_batch("CREATE TABLE t (x); DROP TABLE t").unwrap();
        drop(keys);
        assert_eq!(torn(&one), Torn::OfAnother);
    }

    #[tokio::test]
    async fn a_first_start_that_was_cut_off_anywhere_goes_on() {
        // Nothing but files; keys.db with its number; both with it, but not yet noted.
        let folder = TempDir::new().unwrap();
        for name in ["aftercall.db", "keys.db"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        drop(reopen(&folder).unwrap());
        let unnoted = |folder: &TempDir| {
            let keys = Connection::open(folder.path().join("keys.db")).unwrap();
            assert_eq!(keys.execute("UPDATE store SET made = 0", []).unwrap(), 1);
        };
        unnoted(&folder);
        drop(reopen(&folder).unwrap());
        unnoted(&folder);
        remove(&folder, "aftercall.db");
        drop(reopen(&folder).unwrap());
        remove(&folder, "aftercall.db");
        assert_eq!(torn(&folder), Torn::NoMain, "from now on it must be there");
    }

    #[tokio::test]
    async fn a_folder_from_before_stores_had_numbers_gets_one() {
        let folder = TempDir::new().unwrap();
        for (name, migrations) in [("aftercall.db", schema::MAIN), ("keys.db", schema::KEYS)] {
            let database = Connection::open(folder.path().join(name)).unwrap();
            database.execute_batch(migrations[0]).unwrap();
            database.pragma_update(None, "user_version", 1).unwrap();
        }
        let store: Given = reopen(&folder).unwrap();
        queued(&store, 1..2).await;
        store.close().await;
        remove(&folder, "keys.db");
        assert_eq!(torn(&folder), Torn::NoKeys);
    }
}
