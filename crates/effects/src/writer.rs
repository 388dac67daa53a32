//! The journal of one run, written in the order in which records come: what waits goes into one commit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::effect::Record;
use domain::{Epoch, RunId};
use store::StoreError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::ledger::Ledger;
use crate::session::MAX_UNDER_WAY;
use crate::told::Halt;

/// Records that go into one commit at most.
const BATCH: usize = 64;
/// Records that wait: a piece, an outcome and a wait of each request under way, and what else there is.
const QUEUE: usize = 3 * MAX_UNDER_WAY + 16;
/// How long a store that is full, or failed in a way that passes, is left alone.
const REST: Duration = Duration::from_millis(200);

/// Takes records of one run.
pub(crate) struct JournalWriter {
    /// Who writes, until there is something to write: most runs ask for nothing.
    idle: Mutex<Option<Idle>>,
    queue: mpsc::Sender<Queued>,
}

/// What writing begins with.
struct Idle {
    ledger: Arc<dyn Ledger>,
    of: (RunId, Epoch),
    written: u32,
    records: mpsc::Receiver<Queued>,
    halt: watch::Sender<Option<Halt>>,
}

/// A record with whom to tell that it is durable; without one: a question whether all before it are.
type Queued = (Option<Record>, oneshot::Sender<bool>);

impl JournalWriter {
    /// `written`: how many records there are already. What cannot be written halts the session.
    pub fn start(
        ledger: Arc<dyn Ledger>,
        of: (RunId, Epoch),
        written: u32,
        halt: watch::Sender<Option<Halt>>,
    ) -> Self {
        let (queue, records) = mpsc::channel(QUEUE);
        Self {
            idle: Mutex::new(Some(Idle {
                ledger,
                of,
                written,
                records,
                halt,
            })),
            queue,
        }
    }

    /// From now on what is put is written.
    fn begin(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(idle) = idle {
            tokio::spawn(write_all(idle));
        }
    }

    /// Puts a record behind those that wait. What it answers tells whether the record is durable.
    pub fn put(&self, record: Record) -> oneshot::Receiver<bool> {
        self.begin();
        let (tell, told) = oneshot::channel();
        // Full or gone only if it broke off: then nobody tells, which is a no.
        let _ = self.queue.try_send((Some(record), tell));
        told
    }

    /// The same, and waits for it.
    pub async fn write(&self, record: Record) -> bool {
        self.put(record).await.unwrap_or(false)
    }

    /// Waits until everything is written that was put, or cannot be.
    pub async fn flush(&self) {
        if self.idle.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return; // nothing was put
        }
        let (tell, told) = oneshot::channel();
        if self.queue.send((None, tell)).await.is_ok() {
            let _ = told.await;
        }
    }
}

async fn write_all(idle: Idle) {
    let Idle {
        ledger,
        of: (run, epoch),
        mut written,
        mut records,
        halt,
    } = idle;
    let mut queued = Vec::new();
    let mut failed = false;
    while records.recv_many(&mut queued, BATCH).await > 0 {
        let (batch, tell): (Vec<_>, Vec<_>) = queued.drain(..).unzip();
        let batch: Vec<Record> = batch.into_iter().flatten().collect();
        if !failed && !batch.is_empty() {
            let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            match write(&*ledger, (run, epoch), written, batch).await {
                Ok(()) => written += count,
                Err(error) => {
                    failed = true;
                    let why = match error {
                        StoreError::Refused { .. } => Halt::Stale,
                        other => Halt::Fault(other.to_string()),
                    };
                    tracing::warn!(%run, ?why, "the journal of a run is not written any more");
                    halt.send_if_modified(|said| said.is_none().then(|| *said = Some(why)).is_some());
                }
            }
        }
        for tell in tell {
            // Who does not wait for it does not want to know.
            let _ = tell.send(!failed);
        }
    }
}

/// One commit. A full disk is waited for: what was sent must be written down.
async fn write(
    ledger: &dyn Ledger,
    (run, epoch): (RunId, Epoch),
    first: u32,
    batch: Vec<Record>,
) -> Result<(), StoreError> {
    loop {
        match ledger.record(run, epoch, first, batch.clone()).await {
            Err(StoreError::ReadOnly) => tokio::time::sleep(REST).await,
            done => return done,
        }
    }
}
