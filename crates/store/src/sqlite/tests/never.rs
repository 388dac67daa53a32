//! What can never be recorded: a key that does not open, a row that contradicts another. It costs nobody else a thing, and nothing
//! that was accepted.

use std::sync::Arc;

use domain::run::{End, Event, Policy};
use domain::{AttemptEnd, Code};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::{not_fatal, open, open_with, options};
use crate::conformance::given::{
    Given, after, apply, boot, claim, claim_as, conversation_id, failed, ids, queued, refused, report,
    returned, returns, run_id, shop, state,
};
use crate::sqlite::SqliteStore;
use crate::sqlite::claim::ClaimDue;
use crate::sqlite::unclaimed::Unclaimed;
use crate::{Claim, ClaimedRun, StoreError};

/// A store with so many runs, whose insides a test reaches.
async fn with_runs(count: u64) -> (TempDir, Arc<SqliteStore>, Given) {
    let folder = TempDir::new().unwrap();
    let store = open_with(options(folder.path()), not_fatal()).unwrap();
    let given: Given = Arc::clone(&store) as _;
    queued(&given, 1..count + 1).await;
    (folder, store, given)
}

fn database(folder: &TempDir, name: &str) -> Connection {
    Connection::open(folder.path().join(name)).unwrap()
}

/// Puts other bytes in the place of a conversation's key. Answers what was there.
fn replace_key(folder: &TempDir, number: u64, wrapped: &[u8]) -> Vec<u8> {
    let (keys, id) = (database(folder, "keys.db"), conversation_id(number));
    let was = keys.query_row(
        "SELECT wrapped FROM conversation_key WHERE conversation_id = ?1",
        [id.as_bytes()],
        |row| row.get(0),
    );
    let changed = keys.execute(
        "UPDATE conversation_key SET wrapped = ?2 WHERE conversation_id = ?1",
        params![id.as_bytes(), wrapped],
    );
    assert_eq!(changed.unwrap(), 1);
    was.unwrap()
}

/// Has the database refuse to end these attempts.
const REFUSING: &str = "CREATE TRIGGER refused BEFORE UPDATE ON run WHEN old.status = 'running' \
     BEGIN SELECT raise(ABORT, 'not this one'); END";

fn over(run: &ClaimedRun) -> Event {
    Event::AttemptFailed {
        epoch: run.epoch,
        code: Code::StoreFailed,
        jitter: 0.5,
    }
}

#[tokio::test]
async fn an_attempt_whose_key_does_not_open_any_more_ends_without_its_words_and_is_made_again() {
    let (folder, _store, given) = with_runs(1).await;
    let run = claim(&given, 1, after(60)).await.remove(0);
    let key = replace_key(&folder, 1, b"of no use");
    let left = || Some(report(run.number, after(61)));
    let error = refused(&given, run.run, returned(&run), left(), after(61)).await;
    assert!(matches!(error, StoreError::Sealed(_)), "{error:?}");
    assert!(!error.can_pass());
    apply(&given, run.run, over(&run), None, after(61)).await;
    // Its backup is found.
    replace_key(&folder, 1, &key);
    let detail = given.run(run.run).await.unwrap().unwrap();
    let code = match &detail.attempts[0].end {
        Some(AttemptEnd::Failed { code, .. }) => Some(*code),
        _ => None,
    };
    assert_eq!(code, Some(Code::StoreFailed));
    let again = claim(&given, 1, after(600)).await.remove(0);
    returns(&given, &again, after(601)).await;
    assert_eq!(state(&given, run.run).await.end, Some(End::Succeeded));
}

#[tokio::test]
async fn an_attempt_whose_row_is_gone_ends_all_the_same() {
    let (folder, _store, given) = with_runs(1).await;
    let run = claim(&given, 1, after(60)).await.remove(0);
    assert_eq!(
        database(&folder, "aftercall.db")
            .execute("DELETE FROM attempt", [])
            .unwrap(),
        1
    );
    let left = Some(report(run.number, after(61)));
    let error = refused(&given, run.run, returned(&run), left, after(61)).await;
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    apply(&given, run.run, failed(&run), None, after(61)).await;
    assert_eq!(
        state(&given, run.run).await.last_error,
        Some(Code::FunctionRaised)
    );
}

#[tokio::test]
async fn a_document_that_is_gone_costs_its_run_an_attempt_and_does_not_make_it_due_at_once() {
    let (folder, _store, given) = with_runs(2).await;
    let main = database(&folder, "aftercall.db");
    let id = conversation_id(1);
    let gone = main.execute("DELETE FROM revision WHERE conversation_id = ?1", [id.as_bytes()]);
    assert_eq!(gone.unwrap(), 1);
    assert_eq!(ids(&claim(&given, 10, after(60)).await), [run_id(2)]);
    let failures: u32 = main
        .query_row(
            "SELECT failures FROM run WHERE run_id = ?1",
            [run_id(1).as_bytes()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(failures, 1);
    assert_eq!(ids(&claim(&given, 10, after(60)).await), []);
}

#[tokio::test]
async fn a_run_that_can_never_be_given_back_holds_nobody_up_and_the_next_boot_takes_it() {
    let (folder, store, given) = with_runs(2).await;
    replace_key(&folder, 1, b"of no use");
    let main = database(&folder, "aftercall.db");
    main.execute_batch(REFUSING).unwrap();
    assert_eq!(ids(&claim(&given, 1, after(60)).await), []);
    let told = given.health().await.unwrap().stranded;
    assert_eq!((told[0].run, told.len()), (run_id(1), 1));
    assert_eq!(told[0].of.as_ref().map(|of| &of.0), Some(&shop()));
    assert!(told[0].message.contains("not this one"), "{told:?}");
    assert_eq!(ids(&claim(&given, 1, after(61)).await), [run_id(2)]);

    main.execute_batch("DROP TRIGGER refused").unwrap();
    drop((store, given));
    let given = open(folder.path());
    for orphan in given.orphans(boot(2), 10).await.unwrap() {
        let event = Event::Interrupted { epoch: orphan.epoch };
        apply(&given, orphan.run, event, None, after(62)).await;
    }
    let claimed = claim_as(&given, boot(2), 10, true, after(70)).await;
    assert_eq!(
        ids(&claimed),
        [run_id(2)],
        "that of the damaged key is tried, in vain"
    );
    assert_eq!(given.health().await.unwrap().stranded, []);
}

#[tokio::test]
async fn a_run_that_could_not_be_given_back_for_a_while_is_given_back_by_the_next_claim() {
    let (_folder, store, given) = with_runs(2).await;
    let wish = Claim {
        incarnation: boot(1),
        limit: 1,
        nothing_runs: false,
    };
    let request = ClaimDue {
        claim: wish,
        policy: Policy::default(),
        now: after(60),
    };
    let run = store.write(request, 0).await.unwrap().remove(0);
    let why = StoreError::Failed("reading failed".into());
    store.keep_unclaimed(vec![Unclaimed { run, why }]);
    let claimed = claim(&given, 10, after(61)).await;
    assert_eq!(
        ids(&claimed),
        [run_id(2), run_id(1)],
        "it is due since it was given back"
    );
    assert_eq!(claimed[1].number.0, 2);

    // Nothing is written any more: that may pass, so that nothing is given up, and nothing claimed beside it.
    let [_, run] = <[ClaimedRun; 2]>::try_from(claimed).unwrap();
    let why = StoreError::Failed("reading failed".into());
    store.keep_unclaimed(vec![Unclaimed { run, why }]);
    store.lanes.close();
    for _ in 0..2 {
        let error = store.give_back(&Policy::default(), after(62)).await.unwrap_err();
        assert!(error.can_pass(), "{error:?}");
    }
    assert_eq!(store.unclaimed.lock().unwrap().len(), 1);
    assert_eq!(given.health().await.unwrap().stranded, []);
}
