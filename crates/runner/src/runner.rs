//! The claim loop: due runs are claimed, attempted, and what became of them is committed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use domain::run::Policy;
use domain::{AttemptEnd, AttemptNumber, AttemptReport, Code, Epoch, RunId, Timestamp};
use store::{Claim, ClaimedRun, Store, StoreError};
use tokio::sync::{Notify, watch};

use crate::alarm::Alarm;
use crate::attempt::{self, Assignment, Stop, Verdict};
use crate::cannot_begin::{CannotBegin, fault_of};
use crate::completion::complete;
use crate::deploy_error::DeployError;
use crate::deployments::{Nursery, Prepared};
use crate::opening;
use crate::options::RunnerOptions;
use crate::process::{Child, ProcessSource};
use crate::seeds::Seeds;
use crate::trouble::Trouble;
use crate::under_way::UnderWay;

/// How many runs are claimed at once: what one commit carries, and how far a claim may run ahead of its fork.
const CLAIM_MAX: u32 = 64;
/// Attempts that may wait for an answer of ours without taking a place of those that run.
const BLOCKED_MAX: usize = 1_000;
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
    pub under_way: UnderWay,
    /// Something may be due, or a place is free.
    pub wake: Notify,
    /// An attempt is over.
    pub ended: Notify,
    /// No attempt is there any more.
    pub idle: Notify,
    /// Nothing new is claimed.
    pub draining: watch::Sender<bool>,
    /// What dead boots held has been taken back.
    pub recovered: AtomicBool,
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
}

/// Claims and attempts until the runner drains.
pub(crate) async fn claim_loop(shared: Arc<Shared>) {
    const WHAT: &str = "claiming runs";
    let _alarm = Alarm(WHAT);
    let mut trouble = Trouble::new(WHAT);
    while !shared.is_draining() {
        let woken = shared.wake.notified();
        let rest = match claim_some(&shared).await {
            // One that gets free wakes us.
            Ok(None) => Ok(IDLE),
            Ok(Some(0)) => until_due(&shared).await,
            Ok(Some(_)) => Ok(Duration::ZERO),
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

/// How many were claimed; `None` without a free place.
async fn claim_some(shared: &Arc<Shared>) -> Result<Option<usize>, StoreError> {
    store::fail_point!("runner.before_claim");
    let running = shared.under_way.count();
    let blocked = shared.under_way.blocked_count().min(BLOCKED_MAX);
    let free = (shared.options.concurrency + blocked).saturating_sub(running);
    if free == 0 || shared.under_way.is_alone() {
        return Ok(None);
    }
    // It cannot come to run more meanwhile: nobody else begins anything.
    let claim = Claim {
        incarnation: shared.options.incarnation,
        limit: u32::try_from(free).unwrap_or(CLAIM_MAX).min(CLAIM_MAX),
        nothing_runs: running == 0,
    };
    let claimed = shared
        .store
        .claim(claim, &shared.options.policy, (shared.options.clock)())
        .await?;
    let count = claimed.len();
    for run in claimed {
        begin(shared, run);
    }
    Ok(Some(count))
}

/// How long there is nothing to claim; never zero.
async fn until_due(shared: &Shared) -> Result<Duration, StoreError> {
    let Some(due) = shared.store.next_due().await? else {
        return Ok(IDLE);
    };
    let wait = due.duration_since((shared.options.clock)());
    // What is due already could not be claimed: all places are taken, or one that must run alone waits for what runs. A place that
    // gets free wakes the loop.
    let wait = Duration::try_from(wait).ok().filter(|wait| !wait.is_zero());
    Ok(wait.unwrap_or(IDLE).min(IDLE))
}

/// Counts an attempt from its claim on, whatever becomes of the task that runs it.
struct Place {
    shared: Arc<Shared>,
    run: RunId,
    epoch: Epoch,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.shared.under_way.end(self.run, self.epoch) == 0 {
            self.shared.idle.notify_waiters();
        }
        self.shared.ended.notify_waiters();
        self.shared.wake.notify_one();
    }
}

fn begin(shared: &Arc<Shared>, run: ClaimedRun) {
    let stop = shared.under_way.begin(run.run, run.epoch, run.alone);
    let place = Place {
        shared: Arc::clone(shared),
        run: run.run,
        epoch: run.epoch,
    };
    tokio::spawn(async move {
        let shared = &place.shared;
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
    let deployment = run.deployment;
    let known = shared.nursery.known(&*shared.store, deployment).await;
    let (project, environment) = (run.project.clone(), run.environment);
    let (attempted, policy) = match known {
        Ok(prepared) => {
            let attempted = attempt_prepared(&shared, &prepared, run, &stop).await;
            (attempted, prepared.policy.clone())
        }
        Err(error) => (Err(error.into()), shared.options.policy.clone()),
    };
    let now = (shared.options.clock)();
    let attempted = match attempted {
        Ok(report) => Ok(report),
        Err(NotBegun::Fault(error)) => Err(error),
        // Whether it could have begun is as open as before.
        Err(NotBegun::Stopped(end)) => return (AttemptReport::bare(number, end, now), policy),
    };
    shared
        .cannot_begin
        .note((deployment, environment, &project), fault_of(&attempted), now);
    let report = attempted.unwrap_or_else(|error| not_started(number, now, error));
    (report, policy)
}

/// Why an attempt got no process.
enum NotBegun {
    /// There was none to be had.
    Fault(DeployError),
    /// It was to end before there was one.
    Stopped(AttemptEnd),
}

impl From<DeployError> for NotBegun {
    fn from(error: DeployError) -> Self {
        Self::Fault(error)
    }
}

/// A process for an attempt, which may have to be started and its packages installed: minutes that nobody waits who is stopped.
async fn obtain(
    shared: &Shared,
    prepared: &Prepared,
    stop: &Stop,
) -> Result<(Arc<dyn ProcessSource>, Child), NotBegun> {
    let obtained = async {
        let source = shared.nursery.source(prepared).await?;
        store::fail_point!("runner.before_fork");
        let child = source.child().await?;
        store::fail_point!("runner.after_fork");
        Ok::<_, DeployError>((source, child))
    };
    let mut draining = shared.draining.subscribe();
    // In this order: what is there at once is begun.
    tokio::select! {
        biased;
        verdict = stop.asked() => Err(NotBegun::Stopped(match verdict {
            Verdict::Cancelled => AttemptEnd::Cancelled,
            _ => AttemptEnd::Interrupted,
        })),
        obtained = obtained => Ok(obtained?),
        // The sender is the runner's own: it cannot be gone. Given back, the run has lost nothing.
        _ = draining.wait_for(|draining| *draining) => Err(NotBegun::Stopped(AttemptEnd::Interrupted)),
    }
}

async fn attempt_prepared(
    shared: &Arc<Shared>,
    prepared: &Prepared,
    run: ClaimedRun,
    stop: &Stop,
) -> Result<AttemptReport, NotBegun> {
    let requests = opening::of_claimed(shared, &run, &prepared.catalogue).await?;
    let (source, child) = obtain(shared, prepared, stop).await?;
    let assignment = Assignment {
        run: run.run,
        number: run.number,
        deployment: run.deployment,
        environment: run.environment,
        document: run.document,
        seed: shared.seeds.of_run(run.run, run.opening.fresh_since),
        places: shared.nursery.places(prepared),
        cpu_limit: prepared.files.limits.cpu,
        canary: false,
    };
    let child_ends = child.killer.unless_over();
    let filled = stop.clone();
    let watched = child.tmp.watch(prepared.tmp_bound(), move |how| {
        filled.stop(Verdict::TmpFolderFull(how));
    });
    let clock = || {
        store::fail_point!("runner.during_attempt");
        (shared.options.clock)()
    };
    let mut report = attempt::run(child, assignment, requests, &prepared.terms, stop, &clock).await;
    child_ends.over();
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
