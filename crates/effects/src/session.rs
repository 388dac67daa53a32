//! The effects of one attempt, from its first request to what they all came to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::effect::{
    Answer, Asked, Catalogue, Course, EffectNumber, Head, Journal, Lane, Opening, Parked, Record, Trouble,
};
use domain::{Code, Environment, Epoch, ProjectName, RunId, Timestamp};
use store::StoreError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::lanes::Lanes;
use crate::ledger::Ledger;
use crate::request::{AskedRequest, refused};
use crate::stream::Streams;
use crate::turns::Turns;
use crate::way_out::WayOut;
use crate::writer::JournalWriter;

/// Requests of one attempt that may be under way at once.
pub const MAX_UNDER_WAY: usize = 1_000;
/// Answers that wait for the child's channel; further ones wait where they came about.
const TOLD: usize = 16;

/// How long an answer is owed before its child counts as blocked.
const SLOW: Duration = Duration::from_millis(100);

/// What a session is of.
pub struct Terms {
    /// The run.
    pub run: RunId,
    /// What its writes name.
    pub epoch: Epoch,
    /// What of its journal counts.
    pub opening: Opening,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// What is known of hosts.
    pub catalogue: Arc<Catalogue>,
    /// Whether the run may wait for a host without a process. Where nobody comes back to it (`invoke`, tests) it may not: the code
    /// hears the true error.
    pub may_wait: bool,
    /// How often a request is sent before the code or the run's wait hears of it, and within which time.
    pub tries: Tries,
    /// Who wants to know whether the child is blocked.
    pub on_blocked: OnBlocked,
}

/// Told when a child begins and ceases to be blocked: owed an answer for so long that its place is better given to another.
pub type OnBlocked = Box<dyn Fn(bool) + Send + Sync>;

/// How small trouble is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// So often at most.
    pub count: u32,
    /// All begun within this time.
    pub within: Duration,
}

impl Default for Tries {
    /// effects.md's default: three, begun within 10 s.
    fn default() -> Self {
        Self {
            count: 3,
            within: Duration::from_secs(10),
        }
    }
}

/// Time and chance, from outside.
pub trait Surroundings: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Uniform in [0, 1).
    fn chance(&self) -> f64;
    /// A new idempotency key: nobody can guess it, and none is given twice.
    fn key(&self) -> String;
}

/// Why the child is to be ended, although its code has done nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// A host is out.
    Wait {
        /// Which: scheme, host and port.
        origin: String,
        /// When the run is to go on.
        until: Timestamp,
    },
    /// Only a person can say what is to become of a write.
    Park,
    /// The run is of another epoch: nothing is begun for this one any more.
    Stale,
    /// The journal cannot be written.
    Fault(String),
}

/// What is told to a child of one of its requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The child's number for it.
    pub request: u64,
    /// See [`domain::effect::Phase`].
    pub phase: &'static str,
    /// Ours, where it was refused.
    pub code: Option<Code>,
    /// For a person.
    pub message: Option<String>,
    /// The answer's head, where there is one.
    pub answer: Option<Answer>,
    /// Its body, or the first of it.
    pub body: Vec<u8>,
    /// Why there is none.
    pub trouble: Option<Trouble>,
    /// Where this stands among what is told of the request.
    pub part: Part,
}

/// Part of an answer, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All there is.
    #[default]
    Whole,
    /// The head: pieces follow.
    Head,
    /// A piece: more follow.
    Piece,
    /// The last piece, which may be empty, or broken off by `trouble`.
    Last,
}

/// What an attempt's effects came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// Failures that nothing made good.
    pub unsettled: Vec<EffectNumber>,
    /// Requests that were refused before they could be recorded: failures too.
    pub unrecorded: usize,
    /// Writes of unknown fate that no code ever heard of.
    pub unheard_unknown: Vec<EffectNumber>,
}

impl Conclusion {
    /// How many failures nothing made good.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.unsettled.len() + self.unrecorded
    }
}

/// The effects of one attempt. A cheap handle.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) terms: Terms,
    pub(crate) way_out: Arc<dyn WayOut>,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) writer: JournalWriter,
    pub(crate) lanes: Lanes,
    pub(crate) told: mpsc::Sender<Told>,
    /// Something was asked for, concluded, or a lane changed: who is held looks again.
    pub(crate) changed: Notify,
    pub(crate) halt: watch::Sender<Option<Halt>>,
    /// Nothing new is begun, and nobody is told any more.
    pub(crate) closed: AtomicBool,
    /// Requests under way.
    pub(crate) open: watch::Sender<usize>,
    withheld: Mutex<Withheld>,
    pub(crate) turns: Turns,
    /// Answers that have been owed for long.
    slow: AtomicUsize,
    /// Requests that were refused before they could be recorded.
    unrecorded: AtomicUsize,
    /// Answers that come piece by piece.
    pub(crate) streams: Streams,
}

/// For how long the child has been owed an answer in all: that is none of its own time.
#[derive(Default)]
struct Withheld {
    before: Duration,
    since: Option<Instant>,
}

impl Session {
    /// Reads the run's journal. The second is what the child is to be told; who does not take it any more drops it.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn open(
        terms: Terms,
        ledger: Arc<dyn Ledger>,
        way_out: Arc<dyn WayOut>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Result<(Self, mpsc::Receiver<Told>), StoreError> {
        // The first attempt of a run has no journal: most never have a second.
        let records = if terms.opening.attempt.0 > 1 {
            ledger.journal(terms.run).await?
        } else {
            Vec::new()
        };
        let written = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let bytes = records.iter().map(|record| record.body.len()).sum();
        let (told, tell) = mpsc::channel(TOLD);
        let halt = watch::Sender::new(None);
        let inner = Inner {
            writer: JournalWriter::start(ledger, (terms.run, terms.epoch), written, bytes, halt.clone()),
            journal: Mutex::new(Journal::open(records, terms.opening)),
            terms,
            way_out,
            surroundings,
            lanes: Lanes::default(),
            told,
            changed: Notify::new(),
            halt,
            closed: AtomicBool::new(false),
            open: watch::Sender::new(0),
            withheld: Mutex::default(),
            turns: Turns::default(),
            slow: AtomicUsize::new(0),
            unrecorded: AtomicUsize::new(0),
            streams: Streams::default(),
        };
        Ok((Self(Arc::new(inner)), tell))
    }

    /// Takes a request of the child. What becomes of it is told in its own time.
    pub fn ask(&self, request: u64, lane: Lane, asked: Result<AskedRequest, Box<Told>>) {
        let inner = Arc::clone(&self.0);
        inner.lanes.asked(&lane);
        inner.changed.notify_waiters();
        inner.open.send_modify(|open| *open += 1);
        inner.withheld().since.get_or_insert_with(Instant::now);
        let beyond = || format!("{MAX_UNDER_WAY} requests are under way: wait for some of their answers");
        let asked = if self.owed() > MAX_UNDER_WAY {
            Err(refused(request, Trouble::Forbidden, Code::EffectsLimit, beyond()))
        } else {
            asked
        };
        let counted = Counted(Arc::clone(&inner));
        tokio::spawn(async move {
            let told = match asked {
                Ok(asked) => inner.serve_noting_slowness(request, &lane, asked).await,
                Err(refused) => Some(inner.refuse(*refused)),
            };
            if let Some(told) = told {
                inner.lanes.answered(&lane);
                // A child that is gone wants to know nothing.
                let _ = inner.told.send(told).await;
            }
            inner.changed.notify_waiters();
            drop(counted);
        });
    }

    /// A lane began, or ended.
    pub fn lane(&self, lane: &Lane, ended: bool) {
        self.0.lanes.announce(lane, ended);
        self.0.changed.notify_waiters();
    }

    /// The child reads no more of an answer that comes piece by piece.
    pub fn close_stream(&self, request: u64) {
        self.0.streams.close(request);
    }

    /// How many answers the child is owed.
    #[must_use]
    pub fn owed(&self) -> usize {
        *self.0.open.borrow()
    }

    /// For how long the child has been owed an answer in all.
    #[must_use]
    pub fn withheld(&self) -> Duration {
        let withheld = self.0.withheld();
        withheld.before + withheld.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until the child is to be ended.
    pub async fn halted(&self) -> Halt {
        let mut halt = self.0.halt.subscribe();
        let said = halt
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|halt| halt.clone());
        match said {
            Some(halt) => halt,
            None => std::future::pending().await, // cannot be: the sender lives in `self`
        }
    }

    /// Begins nothing more, waits for what is under way (each request has its own limit), and says what it all came to.
    ///
    /// `returned`: the function did, so that what it left of earlier attempts is left for good.
    pub async fn close(self, returned: bool) -> Conclusion {
        let inner = &self.0;
        inner.closed.store(true, Ordering::Release);
        if returned {
            inner.streams.close_all(); // nobody is left who would read on
        }
        inner.changed.notify_waiters();
        let mut open = inner.open.subscribe();
        // The sender is ours: it cannot be gone.
        let _ = open.wait_for(|open| *open == 0).await;
        let (conclusion, replayed) = {
            let journal = inner.journal();
            let conclusion = Conclusion {
                unsettled: journal.unsettled_failures(),
                unrecorded: inner.unrecorded.load(Ordering::Acquire),
                unheard_unknown: if returned {
                    journal.unheard_unknown()
                } else {
                    Vec::new()
                },
            };
            (conclusion, journal.replayed())
        };
        if !replayed.is_empty() {
            inner.note(Head::Replayed(replayed), Vec::new()).await;
        }
        inner.writer.flush().await;
        conclusion
    }
}

/// One request under way, until it is over however it ends.
struct Counted(Arc<Inner>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
        let mut withheld = self.0.withheld();
        if *self.0.open.borrow() == 0
            && let Some(since) = withheld.since.take()
        {
            withheld.before += since.elapsed();
        }
    }
}

/// An answer that has been owed for long, until it is given.
struct Slow<'a>(&'a Inner);

impl<'a> Slow<'a> {
    fn new(inner: &'a Inner) -> Self {
        if inner.slow.fetch_add(1, Ordering::AcqRel) == 0 {
            (inner.terms.on_blocked)(true);
        }
        Self(inner)
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        if self.0.slow.fetch_sub(1, Ordering::AcqRel) == 1 {
            (self.0.terms.on_blocked)(false);
        }
    }
}

impl Inner {
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn withheld(&self) -> MutexGuard<'_, Withheld> {
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The child is, or is about to be, gone: nothing new is begun, and what arrives is heard by nobody.
    pub(crate) fn is_over(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.halt.borrow().is_some()
    }

    pub(crate) fn halt(&self, halt: Halt) {
        self.halt.send_if_modified(|said| {
            let first = said.is_none();
            if first {
                *said = Some(halt);
            }
            first
        });
        self.changed.notify_waiters();
    }

    /// Notes that a request was refused without a record of it.
    pub(crate) fn refuse(&self, refused: Told) -> Told {
        self.unrecorded.fetch_add(1, Ordering::AcqRel);
        refused
    }

    /// Sleeps, unless the session is over before.
    pub(crate) async fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let changed = self.changed.notified();
            if self.is_over() {
                return;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    /// Writes a record down, durably. `false` if that failed: the session is halted then.
    async fn note(&self, head: Head, body: Vec<u8>) -> bool {
        let record = Record {
            at: self.surroundings.now(),
            head,
            body,
        };
        self.writer.write(record).await
    }

    async fn serve_noting_slowness(&self, request: u64, lane: &Lane, asked: AskedRequest) -> Option<Told> {
        let mut serving = std::pin::pin!(self.serve(request, lane, asked));
        tokio::select! {
            biased;
            told = &mut serving => return told,
            () = tokio::time::sleep(SLOW) => {}
        }
        let _slow = Slow::new(self);
        serving.await
    }

    /// What becomes of one request. `None`: it is not answered.
    async fn serve(&self, request: u64, lane: &Lane, asked: AskedRequest) -> Option<Told> {
        let known = Asked {
            lane: lane.clone(),
            endpoint: asked.request.endpoint(),
            fingerprint: domain::effect::Fingerprint::of(
                &asked.request,
                &self.terms.catalogue,
                self.surroundings.now(),
            ),
            terms: self.terms.catalogue.terms(&asked.request),
        };
        let started = self.surroundings.now();
        loop {
            if self.is_over() {
                return None;
            }
            // Before the question, so that nothing that changes after it is missed.
            let changed = self.changed.notified();
            let course = self.journal().ask(&known, self.surroundings.now());
            match course {
                Course::Give { effect, .. } => return self.give_back(request, effect, started).await,
                Course::Assume { effect } => return self.assume(request, effect).await,
                Course::Drive { effect, key } => {
                    let order = self.order_of(effect);
                    let told = self.drive(request, &asked, &known, effect, key).await;
                    self.turn(order).await;
                    return told;
                }
                Course::Resend { effect } => {
                    let order = self.order_of(Some(effect));
                    let told = self.resend(request, &asked, &known, effect).await;
                    self.turn(order).await;
                    return told;
                }
                Course::Park { effect } => {
                    let attempt = self.terms.opening.attempt;
                    self.park(Parked::Unknown { attempt, effect }, Vec::new()).await;
                    return None;
                }
                Course::Hold { beside } => {
                    self.lanes.hold(lane);
                    match self.lanes.others_stuck_in(lane) {
                        Some(Duration::ZERO) => {
                            let mismatch = self.journal().mismatch(
                                &known,
                                asked.request.url.to_string(),
                                asked.site.clone(),
                                beside,
                            );
                            self.park(mismatch, asked.request.body.clone()).await;
                            return None;
                        }
                        Some(patience) => {
                            tokio::select! { biased; () = changed => {}, () = tokio::time::sleep(patience) => {} }
                        }
                        None => changed.await,
                    }
                    self.lanes.release(lane);
                }
            }
        }
    }

    async fn park(&self, why: Parked, body: Vec<u8>) {
        if self.note(Head::Parked(why), body).await {
            self.halt(Halt::Park);
        }
    }
}
