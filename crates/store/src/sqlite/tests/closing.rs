//! Closing a store that is in use.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{not_fatal, open, open_with, options};
use crate::conformance::given::{Given, after, apply, claim, queued, report, returned, run_id};
use crate::sqlite::readers::Reader;
use crate::{Store as _, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_who_still_reads() {
    let folder = TempDir::new().unwrap();
    let store = open_with(options(folder.path()), not_fatal()).unwrap();
    let given: Given = Arc::clone(&store) as _;
    queued(&given, 1..2).await;
    let run = claim(&given, 1, after(60)).await.remove(0);
    apply(
        &given,
        run.run,
        returned(&run),
        Some(report(run.number, after(61))),
        after(61),
    )
    .await;
    let (begun, begins) = mpsc::sync_channel(1);
    let (go_on, goes_on) = mpsc::sync_channel::<()>(1);
    let readers = store.readers.clone();
    let reading = tokio::spawn(async move {
        let query = move |reader: &mut Reader| {
            let count = |connection: &Connection| {
                connection.query_row("SELECT count(*) FROM run", [], |row| row.get::<_, u32>(0))
            };
            reader.at_one_moment(|connection| {
                let before = count(connection)?;
                begun.send(()).unwrap();
                goes_on.recv().unwrap();
                Ok((before, count(connection)?))
            })
        };
        readers.read(query).await
    });
    begins.recv().unwrap();
    let closing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.close().await }
    });
    while !matches!(
        store.runs(crate::RunFilter::default()).await,
        Err(StoreError::Failed(_))
    ) {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!closing.is_finished(), "somebody still reads");
    go_on.send(()).unwrap();
    closing.await.unwrap();
    assert!(reading.is_finished() || reading.await.unwrap().unwrap() == (1, 1));
    // All is in the databases themselves: nobody was in the way of the last checkpoint.
    for log in ["aftercall.db-wal", "keys.db-wal"] {
        let bytes = std::fs::metadata(folder.path().join(log)).map_or(0, |file| file.len());
        assert_eq!(bytes, 0, "{log}");
    }
    drop((store, given));
    assert!(open(folder.path()).run(run_id(1)).await.unwrap().is_some());
}
