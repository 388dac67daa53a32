//! A store in one folder: SQLite, with one thread that writes, one that checkpoints, and a few connections that read.
//!
//! ```text
//! caller ─ seals ─► lanes ─► writer: one transaction per batch ─► answers, after the commit
//!                                 │ pauses between batches when asked
//!                            checkpointer                    readers ─ open what is sealed ─► caller
//! ```
//!
//! In the folder lie `aftercall.db`, `keys.db` (each with `-wal` and `-shm`), `lock` and `reserve`; all of it 0600, itself 0700.
//! The two databases are of one store or the folder is not opened: see [`pair`].

mod accept;
mod api_keys;
mod apply;
mod cancelled;
mod checkpoint;
mod claim;
mod columns;
mod connect;
mod conversations;
mod counts;
mod decide;
mod deployments;
mod failure;
mod folder;
mod gate;
mod job;
mod journal;
mod key_ring;
mod keys;
mod lanes;
mod listing;
mod open;
mod options;
mod pair;
mod pauses;
mod place;
mod read;
mod readers;
mod reserve;
mod revisions;
mod schema;
mod seal;
mod store;
mod stranded;
mod unclaimed;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::OwnedSemaphorePermit;

pub use options::{BATCH_ROWS, BATCH_TIME, Options, QUEUE_LIMIT, READERS, RESERVE_BYTES, WAL_FRAMES};
pub use writer::OnFatal;

use crate::StoreError;
use checkpoint::Log;
use folder::Folder;
use job::Write;
use key_ring::KeyRing;
use lanes::Lanes;
use readers::Readers;
use seal::Sealer;
use stranded::StrandedRuns;
use unclaimed::Unclaimed;
use writer::Shared;

/// A store in one folder. Made by [`SqliteStore::open`].
pub struct SqliteStore {
    sealer: Arc<Sealer>,
    lanes: Arc<Lanes>,
    shared: Arc<Shared>,
    readers: Readers,
    key_ring: KeyRing,
    queue_limit: u64,
    /// Claimed by this boot, but nobody can run them and giving them back failed so far.
    unclaimed: Mutex<Vec<Unclaimed>>,
    stranded: StrandedRuns,
    held: Mutex<Option<Held>>,
}

/// What a store holds until it is closed.
struct Held {
    writer: JoinHandle<()>,
    checkpointer: JoinHandle<()>,
    readers: Readers,
    log: Arc<Log>,
    /// Last, so that nobody else opens the folder before all of ours is closed.
    folder: Folder,
}

impl SqliteStore {
    /// Hands a request of so many bytes to the writer, and waits until what it did is on the disk.
    async fn write<W: Write>(&self, request: W, bytes: usize) -> Result<W::Answer, StoreError> {
        let room = self.lanes.room(W::LANE, bytes).await?;
        self.write_in(room, request).await
    }

    /// The same, where there is room already.
    async fn write_in<W: Write>(
        &self,
        room: OwnedSemaphorePermit,
        request: W,
    ) -> Result<W::Answer, StoreError> {
        let (job, answer) = job::pending(request, room);
        self.lanes.put(job);
        answer
            .await
            .map_err(|_| StoreError::Unknown("the writer went away".into()))?
    }

    /// Takes no more requests. Answers what is still to be ended; the second time nothing is.
    fn stop(&self) -> Option<Held> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.lanes.close();
        self.readers.close();
        held
    }
}

impl Held {
    /// Waits for what was begun, checkpoints, and gives the folder up.
    fn end(self) {
        // A thread that panicked has said so through `on_fatal`.
        let _ = self.writer.join();
        // What they still read keeps the logs from being emptied.
        self.readers.wait();
        self.log.close();
        let _ = self.checkpointer.join();
        drop(self.folder);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Some(held) = self.stop() {
            held.end();
        }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
