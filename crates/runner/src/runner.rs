//! The claim loop: due runs are claimed, attempted, and what became of them is committed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::run::Policy;
use domain::{AttemptEnd, AttemptNumber, AttemptReport, Code, Epoch, RunId, Timestamp};
use store::{Claim, ClaimedRun, Store, StoreError};
use tokio::sync::{Notify, watch};

use crate::attempt::{self, Assignment, Stop, Verdict};
use crate::cannot_begin::CannotBegin;
use crate::completion::complete;
use crate::deploy_error::DeployError;
use crate::deployments::{Nursery, Prepared};
use crate::options::RunnerOptions;
use crate::process::Killer;
use crate::seeds::Seeds;
use crate::trouble::Trouble;

/// How many runs are claimed at once: what one commit carries, and how far a claim may run ahead of its fork.
const CLAIM_MAX: u32 = 64;
/// How long the loop rests when nothing is due and nothing wakes it: a backstop, not the way runs are found.
const IDLE: Duration = Duration::from_secs(5);
/// How long it rests after the store failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What the claim loop, its attempts and the handle share.
pub(crate) struct Shared {
    pub options: RunnerOptions,
    pub store: Arc<dyn Store>,
    pub nursery: Arc<Nursery>,
    pub seeds: Seeds,
    pub running: Mutex<HashMap<RunId, (Epoch, Stop)>>,
    pub count: AtomicUsize,
    /// Something may be due, or a place is free.
    pub wake: Notify,
    /// No attempt is there any more.
    pub idle: Notify,
    /// Nothing new is claimed.
    pub draining: watch::Sender<bool>,
    /// What dead boots held has been taken back.
    pub recovered: AtomicBool,
    /// A run that must run alone may be waiting for everything else to be over.
    pub alone_wanted: AtomicBool,
    /// Deployments whose runs cannot begin, by no fault of theirs.
    pub cannot_begin: CannotBegin,
}

impl Shared {
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Sleeps, unless draining begins.
    pub async fn rest(&self, time: Duration) {
        let mut draining = self.draining.subscribe();
        // The sender is ours: it cannot be gone.
        let _ = tokio::time::timeout(time, draining.wait_for(|draining| *draining)).await;
    }

    pub fn kill(&self, run: RunId, epoch: Epoch, verdict: Verdict) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, stop)) = running.get(&run)
            && *at == epoch
        {
            stop.stop(verdict);
        }
    }
}

/// Claims and attempts until the runner drains.
pub(crate) async fn claim_loop(shared: Arc<Shared>) {
    let mut trouble = Trouble::new("claiming runs");
    while !shared.is_draining() {
        let woken = shared.wake.notified();
        let rest = match claim_some(&shared).await {
            Ok(0) => until_due(&shared).await,
            Ok(_) => Ok(Duration::ZERO),
            Err(error) => Err(error),
        };
        match rest {
            Ok(rest) => {
                trouble.worked();
                if !rest.is_zero() {
                    tokio::select! { () = woken => {}, () = shared.rest(rest) => {} }
                }
            }
            Err(error) => {
                trouble.failed(&error);
                shared.rest(AFTER_FAILURE).await;
            }
        }
    }
}

async fn claim_some(shared: &Arc<Shared>) -> Result<usize, StoreError> {
    let running = shared.count.load(Ordering::Acquire);
    let free = shared.options.concurrency.saturating_sub(running);
    // While a run waits to be alone nothing else is begun, so that its turn comes.
    if free == 0 || (running > 0 && shared.alone_wanted.load(Ordering::Acquire)) {
        return Ok(0);
    }
    // Taken before the claim, not after: the sweep may find another such run while the store is asked.
    let alone_wanted = shared.alone_wanted.swap(false, Ordering::AcqRel);
    let claim = Claim {
        incarnation: shared.options.incarnation,
        limit: u32::try_from(free).unwrap_or(CLAIM_MAX).min(CLAIM_MAX),
        alone_allowed: alone_wanted,
    };
    let claimed = shared
        .store
        .claim(claim, &shared.options.policy, (shared.options.clock)())
        .await;
    // After one there may be another; after a failure nobody knows.
    let more_alone = claimed
        .as_ref()
        .map_or(alone_wanted, |runs| runs.iter().any(|run| run.alone));
    if more_alone {
        shared.alone_wanted.store(true, Ordering::Release);
    }
    let claimed = claimed?;
    let count = claimed.len();
    for run in claimed {
        begin(shared, run);
    }
    Ok(count)
}

/// How long there is nothing to claim; never zero.
async fn until_due(shared: &Shared) -> Result<Duration, StoreError> {
    let Some(due) = shared.store.next_due().await? else {
        return Ok(IDLE);
    };
    let wait = due.duration_since((shared.options.clock)());
    // What is due already could not be claimed: all places are taken, and one that gets free wakes the loop.
    let wait = Duration::try_from(wait).ok().filter(|wait| !wait.is_zero());
    Ok(wait.unwrap_or(IDLE).min(IDLE))
}

/// Counts an attempt from its claim on, whatever becomes of the task that runs it.
struct Place(Arc<Shared>, RunId);

impl Drop for Place {
    fn drop(&mut self) {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.1);
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
        self.0.wake.notify_one();
    }
}

fn begin(shared: &Arc<Shared>, run: ClaimedRun) {
    let stop = Stop::default();
    shared
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(run.run, (run.epoch, stop.clone()));
    shared.count.fetch_add(1, Ordering::AcqRel);
    let place = Place(Arc::clone(shared), run.run);
    tokio::spawn(async move {
        let shared = &place.0;
        let (id, epoch, number) = (run.run, run.epoch, run.number);
        // A task of its own, so that a fault of ours in it ends as the attempt's end and not as a run that nobody ends.
        let attempt = tokio::spawn(attempt_run(Arc::clone(shared), run, stop));
        let (report, policy) = attempt.await.unwrap_or_else(|fault| {
            let report = broken_off(number, (shared.options.clock)(), &fault);
            (report, shared.options.policy.clone())
        });
        store::fail_point!("runner.before_completion");
        complete(shared, id, epoch, report, &policy).await;
        store::fail_point!("runner.after_completion");
        drop(place);
    });
}

async fn attempt_run(shared: Arc<Shared>, run: ClaimedRun, stop: Stop) -> (AttemptReport, Policy) {
    let number = run.number;
    let now = (shared.options.clock)();
    let deployment = run.deployment;
    let known = shared.nursery.known(&*shared.store, deployment).await;
    if known.is_err() {
        shared.cannot_begin.note((deployment, &run.project), &known, now);
    }
    let prepared = match known {
        Ok(prepared) => prepared,
        Err(error) => return (not_started(number, now, error), shared.options.policy.clone()),
    };
    let project = run.project.clone();
    let attempted = attempt_prepared(&shared, &prepared, run, &stop).await;
    let now = (shared.options.clock)();
    shared.cannot_begin.note((deployment, &project), &attempted, now);
    let report = match attempted {
        Ok(report) => report,
        Err(error) => not_started(number, now, error),
    };
    (report, prepared.policy.clone())
}

/// Ends a child unless it is over: dropped early only where the task that listened to it breaks off.
struct EndedWithTask {
    killer: Killer,
    over: bool,
}

impl Drop for EndedWithTask {
    fn drop(&mut self) {
        if !self.over {
            self.killer.kill();
        }
    }
}

async fn attempt_prepared(
    shared: &Shared,
    prepared: &Prepared,
    run: ClaimedRun,
    stop: &Stop,
) -> Result<AttemptReport, DeployError> {
    let source = shared.nursery.source(prepared).await?;
    store::fail_point!("runner.before_fork");
    let child = source.child().await?;
    store::fail_point!("runner.after_fork");
    let assignment = Assignment {
        run: run.run,
        number: run.number,
        deployment: run.deployment,
        environment: run.environment,
        document: run.document,
        seed: shared.seeds.of_run(run.run),
        places: shared.nursery.places(prepared),
        canary: false,
    };
    let mut child_ends = EndedWithTask {
        killer: child.killer.clone(),
        over: false,
    };
    let filled = stop.clone();
    let watched = child.tmp.watch(prepared.tmp_bound(), move |how| {
        filled.stop(Verdict::TmpFolderFull(how));
    });
    let clock = || {
        store::fail_point!("runner.during_attempt");
        (shared.options.clock)()
    };
    let mut report = attempt::run(child, assignment, &prepared.terms, stop, &clock).await;
    child_ends.over = true;
    drop(watched);
    source.confinement().clone_into(&mut report.confinement);
    Ok(report)
}

/// The report of an attempt that never got a process.
pub(crate) fn not_started(number: AttemptNumber, now: Timestamp, error: DeployError) -> AttemptReport {
    let message = match error.fix {
        Some(fix) if error.code.is_fault_of_surroundings() => format!("{}; {fix}", error.message),
        _ => error.message,
    };
    let end = AttemptEnd::Failed {
        code: error.code,
        signal: None,
        exit_status: None,
        message,
        error: error.error.map(|error| *error),
    };
    AttemptReport::bare(number, end, now)
}

/// The report of an attempt whose task broke off. The function may have run, so it counts as failed: else one that breaks us each
/// time would be run until its age limit.
fn broken_off(number: AttemptNumber, now: Timestamp, fault: &tokio::task::JoinError) -> AttemptReport {
    tracing::error!(%fault, "an attempt broke off by a fault of Aftercall's own; please report this");
    let end = AttemptEnd::Failed {
        code: Code::Internal,
        signal: None,
        exit_status: None,
        message: "the attempt was broken off by a fault of Aftercall itself; the server's log says more"
            .to_owned(),
        error: None,
    };
    AttemptReport::bare(number, end, now)
}
