//! The one thread that writes. It takes what waits, most urgent first, into one transaction, commits it, and only then
//! answers: while one batch is on its way to the disk the next one gathers by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::counts::Counts;
use super::failure::Failure;
use super::gate::Gate;
use super::job::{Batch, Job, Kept, Write};
use super::keys;
use super::lanes::{Found, Lanes};
use super::options::Options;
use super::reserve::Reserve;
use crate::StoreError;

/// How often it is tried whether a full disk has space again.
const PROBE: Duration = Duration::from_secs(1);

/// Called once, from a thread of the store, when the disk cannot be trusted any more: the process is to end, and the
/// next one to read what is really there. It is told why.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// What others see of the writer.
#[derive(Default)]
pub(super) struct Shared {
    read_only: AtomicBool,
    /// Held by whoever may make a database longer outside a batch.
    growing: Mutex<()>,
    counts: Mutex<Counts>,
    commits: AtomicU64,
}

impl Shared {
    /// Of a store that has so many runs.
    pub fn new(counts: Counts) -> Self {
        Self {
            read_only: AtomicBool::new(false),
            growing: Mutex::new(()),
            counts: Mutex::new(counts),
            commits: AtomicU64::new(0),
        }
    }

    /// Since the store was opened.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The disk is full.
    pub fn read_only(&self) -> bool {
        self.read_only.load(Ordering::Acquire)
    }

    /// For a checkpoint: it must not use what a full disk has left. `None` on a full disk.
    pub fn may_grow(&self) -> Option<MutexGuard<'_, ()>> {
        let growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.read_only()).then_some(growing)
    }

    /// The disk is full. Once this returns, nothing but a batch takes any more space.
    fn set_read_only(&self) {
        self.read_only.store(true, Ordering::Release);
        drop(self.growing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// As of the last commit.
    pub fn counts(&self) -> Counts {
        *self.guarded()
    }

    fn guarded(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's own things.
pub(super) struct Writer {
    pub main: Connection,
    pub keys: Connection,
    pub lanes: Arc<Lanes>,
    pub gate: Arc<Gate>,
    pub shared: Arc<Shared>,
    pub reserve: Reserve,
    pub options: Options,
    pub on_fatal: OnFatal,
}

type Jobs = Vec<Box<dyn Job>>;

impl Writer {
    /// One request before any other can come.
    pub fn at_open<W: Write>(&self, request: &W) -> Result<W::Answer, StoreError> {
        let done = self.begin().and_then(|mut batch| {
            let answer = request.carry_out(&mut batch)?;
            self.commit(Some(batch), &Jobs::new())?;
            Ok(answer)
        });
        self.roll_back();
        done.map_err(|failure| match failure {
            Failure::Full => StoreError::ReadOnly,
            Failure::Fatal(reason) => StoreError::Unknown(reason),
            Failure::Request(error) => error,
        })
    }

    /// Serves until the lanes are closed and empty.
    pub fn run(mut self) {
        let (lanes, on_fatal) = (Arc::clone(&self.lanes), Arc::clone(&self.on_fatal));
        // Its callers must not be left waiting, nor a process that cannot write.
        let _alarm = Alarm(move || {
            let reason = "the store's writer panicked";
            lanes.fail(&StoreError::Unknown(reason.into()));
            on_fatal(reason);
        });
        self.reserve.take();
        self.tell_space();
        let mut probed = now();
        loop {
            match self.lanes.wait(self.shared.read_only().then_some(PROBE)) {
                Found::Work => {
                    let gate = Arc::clone(&self.gate);
                    let _passing = gate.pass();
                    if let Err(reason) = self.serve() {
                        self.lanes
                            .fail(&StoreError::Failed(format!("the store failed: {reason}")));
                        (self.on_fatal)(&reason);
                        return;
                    }
                }
                Found::Nothing => {}
                Found::Closed => return,
            }
            // Also while requests keep coming: who is refused asks again.
            if probed.elapsed() >= PROBE {
                self.probe();
                probed = now();
            }
        }
    }

    /// One batch, from its first request to its last answer. `Err` says why the process must end.
    fn serve(&mut self) -> Result<(), String> {
        let mut jobs = Jobs::new();
        let outcome = self.fill(&mut jobs).and_then(|batch| self.commit(batch, &jobs));
        match outcome {
            Ok(()) => answer(jobs),
            Err(Failure::Full) => return self.serve_on_full_disk(jobs),
            Err(failure) => return self.give_up(jobs, failure),
        }
        Ok(())
    }

    /// Takes requests into a transaction until there is none, or it is full or took too long.
    fn fill(&self, jobs: &mut Jobs) -> Result<Option<Batch<'_>>, Failure> {
        let started = now();
        let (mut batch, mut rows) = (None, 0);
        while rows < self.options.batch_rows && started.elapsed() < self.options.batch_time {
            let Some(job) = self.lanes.take() else { break };
            if self.shared.read_only() && !job.on_full_disk() {
                job.refuse(StoreError::ReadOnly);
                continue;
            }
            rows += job.rows();
            // Among the others before anything can fail, so that it is answered with them.
            jobs.push(job);
            let batch = match &mut batch {
                Some(batch) => batch,
                none => none.insert(self.begin()?),
            };
            let Some(job) = jobs.last_mut() else { break };
            if carry_out(job.as_mut(), batch)? == Done::HalfWritten {
                jobs.pop().into_iter().for_each(Job::answer);
                self.roll_back();
                *batch = self.again(jobs)?;
            }
        }
        Ok(batch)
    }

    /// Does requests in a new transaction, and answers those that are refused half-way.
    fn again(&self, jobs: &mut Jobs) -> Result<Batch<'_>, Failure> {
        'again: loop {
            let mut batch = self.begin()?;
            for index in 0..jobs.len() {
                if carry_out(jobs[index].as_mut(), &mut batch)? == Done::HalfWritten {
                    jobs.remove(index).answer();
                    self.roll_back();
                    continue 'again;
                }
            }
            return Ok(batch);
        }
    }

    fn begin(&self) -> Result<Batch<'_>, Failure> {
        self.main.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Batch {
            connection: &self.main,
            counts: self.shared.counts(),
            keys: Vec::new(),
            queue_limit: self.options.queue_limit,
        })
    }

    /// Keys first: a conversation whose key is not on the disk could never be read again.
    fn commit(&self, batch: Option<Batch<'_>>, jobs: &Jobs) -> Result<(), Failure> {
        let Some(batch) = batch else { return Ok(()) };
        keys::commit(&self.keys, &batch.keys).map_err(of_the_batch)?;
        pass_fail_points(jobs, 0);
        control(&self.main, "COMMIT")?;
        pass_fail_points(jobs, 1);
        *self.shared.guarded() = batch.counts;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing of the batch was kept. What is new is refused; what ends running attempts is done after all, in the
    /// space that was held back for it.
    fn serve_on_full_disk(&mut self, jobs: Jobs) -> Result<(), String> {
        self.roll_back();
        // First, so that a checkpoint which is under way does not take the space that is given up here.
        self.shared.set_read_only();
        if self.reserve.release() {
            tracing::error!(
                "the disk of the data folder is full: nothing new is accepted until there is space"
            );
        }
        let (mut jobs, refused): (Jobs, Jobs) = jobs.into_iter().partition(|job| job.on_full_disk());
        refuse(refused, &StoreError::ReadOnly);
        let outcome = self
            .again(&mut jobs)
            .and_then(|batch| self.commit(Some(batch), &jobs));
        match outcome {
            Ok(()) => answer(jobs),
            Err(Failure::Full) => {
                self.roll_back();
                refuse(jobs, &StoreError::ReadOnly);
            }
            Err(failure) => return self.give_up(jobs, failure),
        }
        Ok(())
    }

    fn give_up(&self, jobs: Jobs, failure: Failure) -> Result<(), String> {
        self.roll_back();
        match failure {
            // The transaction could not be begun: somebody outside holds the database.
            Failure::Request(error) => {
                refuse(jobs, &error);
                Ok(())
            }
            Failure::Full => {
                refuse(jobs, &StoreError::ReadOnly);
                Ok(())
            }
            Failure::Fatal(reason) => {
                refuse(jobs, &StoreError::Unknown(reason.clone()));
                Err(reason)
            }
        }
    }

    fn roll_back(&self) {
        for connection in [&self.main, &self.keys] {
            // After some errors SQLite has rolled back by itself.
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "rolling back failed");
            }
        }
    }

    fn probe(&mut self) {
        if self.shared.read_only() && self.reserve.take() {
            tracing::info!("there is space on the disk again: conversations are accepted");
            self.tell_space();
        }
    }

    fn tell_space(&self) {
        self.shared
            .read_only
            .store(!self.reserve.held(), Ordering::Release);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "bounds how long others wait; decides nothing that is kept"
)]
fn now() -> Instant {
    Instant::now()
}

/// One request. Most that are refused have written nothing; of one that has, the batch must be done again without it.
/// That is rare, where a savepoint for each request would copy every page that any of them touches.
fn carry_out(job: &mut dyn Job, batch: &mut Batch<'_>) -> Result<Done, Failure> {
    let (counts, keys, written) = (batch.counts, batch.keys.len(), batch.connection.total_changes());
    if job.carry_out(batch)? == Kept::Yes {
        return Ok(Done::Well);
    }
    batch.counts = counts;
    batch.keys.truncate(keys);
    Ok(if batch.connection.total_changes() == written {
        Done::Well
    } else {
        Done::HalfWritten
    })
}

/// What a request left in the transaction.
#[derive(PartialEq, Eq)]
enum Done {
    /// All or nothing.
    Well,
    /// Something, although it was refused.
    HalfWritten,
}

fn control(connection: &Connection, sql: &str) -> Result<(), Failure> {
    let done = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(of_the_batch)
}

/// Of a commit that fails, only a full disk says for certain that it did not happen: the frame that would have committed
/// it was not written.
fn of_the_batch(error: rusqlite::Error) -> Failure {
    match Failure::from(error) {
        Failure::Request(error) => Failure::Fatal(error.to_string()),
        other => other,
    }
}

fn answer(jobs: Jobs) {
    jobs.into_iter().for_each(Job::answer);
}

fn refuse(jobs: Jobs, error: &StoreError) {
    for job in jobs {
        job.refuse(error.clone());
    }
}

/// Once per batch and kind of request, before (0) and after (1) its commit.
fn pass_fail_points(jobs: &Jobs, when: usize) {
    if cfg!(any(test, feature = "fail-points")) {
        let points: BTreeSet<_> = jobs.iter().filter_map(|job| job.fail_points()).collect();
        for points in points {
            crate::fail_point!(points[when]);
        }
    }
}

/// What is to be done if the thread that holds it panics.
pub(super) struct Alarm<F: Fn()>(pub F);

impl<F: Fn()> Drop for Alarm<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}
