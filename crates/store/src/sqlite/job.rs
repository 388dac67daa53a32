//! Requests to the writer. Each kind says what it does inside a transaction; the writer decides when, with whom, and
//! what the answer is worth.

use domain::ConversationId;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::counts::Counts;
use super::failure::Failure;
use super::lanes::Lane;
use crate::StoreError;

/// What a request may touch while it is carried out.
pub(super) struct Batch<'a> {
    /// Inside the batch's transaction.
    pub connection: &'a Connection,
    /// As they will be if the batch commits.
    pub counts: Counts,
    /// Keys of conversations that are new, to be committed before them.
    pub keys: Vec<(ConversationId, Vec<u8>)>,
    /// Most runs that are not over.
    pub queue_limit: u64,
}

/// One kind of request.
pub(super) trait Write: Send + 'static {
    /// What its caller is told.
    type Answer: Send + 'static;
    /// Which way it goes.
    const LANE: Lane;
    /// Fail points before and after the commit of a batch that holds one.
    const FAIL_POINTS: Option<[&'static str; 2]> = None;

    /// How much of a batch it is.
    fn rows(&self) -> usize {
        1
    }

    /// Whether it is carried out while the disk is full: only what lets running attempts end is.
    fn on_full_disk(&self) -> bool {
        false
    }

    /// Does it. May be called again, in another transaction, if the first came to nothing.
    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Self::Answer, Failure>;
}

/// A request of whatever kind, with whom to answer.
pub(super) trait Job: Send {
    fn lane(&self) -> Lane;
    fn rows(&self) -> usize;
    fn on_full_disk(&self) -> bool;
    fn fail_points(&self) -> Option<[&'static str; 2]>;
    /// Does it and keeps the answer. `Err` is of the batch; what concerns this request alone is an answer.
    fn carry_out(&mut self, batch: &mut Batch<'_>) -> Result<Kept, Failure>;
    /// Tells the answer that was kept.
    fn answer(self: Box<Self>);
    /// Answers with an error.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// Whether what a request did in its transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It does.
    Yes,
    /// It was refused: what it may have begun is to be undone.
    No,
}

/// What a caller is told.
type Outcome<W> = Result<<W as Write>::Answer, StoreError>;

struct Pending<W: Write> {
    request: W,
    outcome: Option<Outcome<W>>,
    caller: oneshot::Sender<Outcome<W>>,
    /// Room in the lane, until the request is answered.
    _room: OwnedSemaphorePermit,
}

/// A request with the place where its answer arrives.
pub(super) fn pending<W: Write>(
    request: W,
    room: OwnedSemaphorePermit,
) -> (Box<dyn Job>, oneshot::Receiver<Outcome<W>>) {
    let (caller, answer) = oneshot::channel();
    let job = Pending {
        request,
        outcome: None,
        caller,
        _room: room,
    };
    (Box::new(job), answer)
}

impl<W: Write> Job for Pending<W> {
    fn lane(&self) -> Lane {
        W::LANE
    }

    fn rows(&self) -> usize {
        self.request.rows()
    }

    fn on_full_disk(&self) -> bool {
        self.request.on_full_disk()
    }

    fn fail_points(&self) -> Option<[&'static str; 2]> {
        W::FAIL_POINTS
    }

    fn carry_out(&mut self, batch: &mut Batch<'_>) -> Result<Kept, Failure> {
        match self.request.carry_out(batch) {
            Ok(answer) => {
                self.outcome = Some(Ok(answer));
                Ok(Kept::Yes)
            }
            Err(Failure::Request(error)) => {
                self.outcome = Some(Err(error));
                Ok(Kept::No)
            }
            Err(of_the_batch) => Err(of_the_batch),
        }
    }

    fn answer(self: Box<Self>) {
        let nothing = || Err(StoreError::Failed("the request was not carried out".into()));
        let outcome = self.outcome.unwrap_or_else(nothing);
        // A caller that went away does not want to know.
        let _ = self.caller.send(outcome);
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.caller.send(Err(error));
    }
}
