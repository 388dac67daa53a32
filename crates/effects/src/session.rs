//! The effects of one attempt, from its first request to what they all came to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::effect::{Asked, Course, Head, Journal, Lane, Parked, Record, Trouble};
use domain::{Code, Timestamp};
use store::StoreError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::lanes::Lanes;
use crate::ledger::Ledger;
use crate::owed::Owed;
use crate::request::{AskedRequest, refused};
use crate::room::Room;
use crate::terms::{Surroundings, Terms};
use crate::told::{Conclusion, Halt, Told};
use crate::turns::Turns;
use crate::wants::{Waiter, Want, Wants};
use crate::way_out::WayOut;
use crate::writer::JournalWriter;

/// Requests of one attempt that may be under way at once.
pub const MAX_UNDER_WAY: usize = 1_000;
/// Answers that wait for the child's channel; further ones wait where they came about.
const TOLD: usize = 16;

/// The effects of one attempt. A cheap handle.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) terms: Terms,
    pub(crate) way_out: Arc<dyn WayOut>,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) writer: JournalWriter,
    pub(crate) room: Room,
    pub(crate) lanes: Lanes,
    pub(crate) told: mpsc::Sender<Told>,
    /// Something was asked for, concluded, or a lane changed: who is held looks again.
    pub(crate) changed: Notify,
    pub(crate) halt: watch::Sender<Option<Halt>>,
    /// Nothing new is begun, and nobody is told any more.
    pub(crate) closed: AtomicBool,
    owed: Arc<Owed>,
    pub(crate) turns: Turns,
    /// Requests that were refused before they could be recorded.
    unrecorded: AtomicUsize,
    /// How much each request under way is wanted.
    wants: Arc<Wants>,
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
        let used = records.iter().map(|record| record.body.len()).sum();
        let (told, tell) = mpsc::channel(TOLD);
        let halt = watch::Sender::new(None);
        let owed = Owed::new(Arc::clone(&terms.on_blocked));
        let inner = Inner {
            writer: JournalWriter::start(ledger, (terms.run, terms.epoch), written, halt.clone()),
            journal: Mutex::new(Journal::open(records, terms.opening)),
            terms,
            way_out,
            surroundings,
            room: Room::used(used),
            lanes: Lanes::default(),
            told,
            changed: Notify::new(),
            halt,
            closed: AtomicBool::new(false),
            owed,
            turns: Turns::default(),
            unrecorded: AtomicUsize::new(0),
            wants: Arc::default(),
        };
        Ok((Self(Arc::new(inner)), tell))
    }

    /// What time it is for lanes as they begin; for others it is the time it is.
    #[must_use]
    pub fn clocks(&self) -> BTreeMap<Lane, Timestamp> {
        self.0.journal().clocks(self.0.surroundings.now())
    }

    /// Takes a request of the child. What becomes of it is told in its own time.
    pub fn ask(&self, request: u64, lane: Lane, asked: Result<AskedRequest, Box<Told>>) {
        let inner = Arc::clone(&self.0);
        inner.lanes.asked(&lane);
        inner.changed.notify_waiters();
        let owed = inner.owed.one();
        let beyond = || format!("{MAX_UNDER_WAY} requests are under way: wait for some of their answers");
        let asked = if self.owed() > MAX_UNDER_WAY {
            Err(refused(request, Trouble::Forbidden, Code::EffectsLimit, beyond()))
        } else {
            asked
        };
        // Here, so that it is known before whatever the child says next.
        let waiter = inner.wants.open(request);
        tokio::spawn(async move {
            let told = match asked {
                Ok(asked) => {
                    inner
                        .owed
                        .noting_slowness(inner.serve(&waiter, &lane, asked))
                        .await
                }
                Err(refused) => Some(inner.refuse(*refused)),
            };
            if let Some(told) = told {
                inner.lanes.answered(&lane);
                // A child that is gone wants to know nothing.
                let _ = inner.told.send(told).await;
            }
            inner.changed.notify_waiters();
            drop(owed);
        });
    }

    /// A lane began, or ended.
    pub fn lane(&self, lane: &Lane, ended: bool) {
        self.0.lanes.announce(lane, ended);
        self.0.changed.notify_waiters();
    }

    /// The code wants no more of a request: it does not leave if it has not, and its answer is broken off.
    pub fn give_up(&self, request: u64) {
        self.0.wants.give_up(request);
        self.0.changed.notify_waiters();
    }

    /// The child is over, or is about to be ended: nothing new is begun. Unless the function `returned`, what has not left stays.
    pub fn over(&self, returned: bool) {
        self.0.closed.store(true, Ordering::Release);
        self.0
            .wants
            .all(if returned { Want::Returned } else { Want::Abandoned });
        self.0.changed.notify_waiters();
    }

    /// How many answers the child is owed.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.0.owed.count()
    }

    /// For how long the child has been owed an answer in all.
    #[must_use]
    pub fn withheld(&self) -> Duration {
        self.0.owed.withheld()
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
        self.over(returned);
        let inner = &self.0;
        inner.owed.none().await;
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

impl Inner {
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.wants.all(Want::Abandoned);
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

    /// What becomes of one request. `None`: it is not answered.
    async fn serve(&self, waiter: &Waiter, lane: &Lane, asked: AskedRequest) -> Option<Told> {
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
            if self.is_over() || waiter.wanted.must_stay() {
                return None;
            }
            // Before the question, so that nothing that changes after it is missed.
            let changed = self.changed.notified();
            let course = self.journal().ask(&known, self.surroundings.now());
            match course {
                Course::Give { effect, .. } => {
                    return self.give_back(waiter.request, lane, effect, started).await;
                }
                Course::Assume { effect } => return self.assume(waiter.request, effect).await,
                Course::Drive { effect, key } => {
                    let order = self.order_of(effect);
                    let told = self.drive(waiter, &asked, &known, effect, key).await;
                    self.turn(order).await;
                    return told;
                }
                Course::Resend { effect } => {
                    let order = self.order_of(Some(effect));
                    let told = self.resend(waiter, &asked, &known, effect).await;
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
