//! Runs that stay `running` though nobody runs them any more, since what became of them can be recorded by no retry. Nothing of them
//! is lost: the next boot takes them back as it does all runs of dead boots. Until then they are told, for a person to look.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{Environment, ProjectName, RunId, Timestamp};

use crate::{StoreError, Stranded};

/// How many are told at most; of further ones only the log tells.
const TOLD_MAX: usize = 100;

/// Those of this boot.
#[derive(Default)]
pub(super) struct StrandedRuns(Mutex<Vec<Stranded>>);

impl StrandedRuns {
    /// One more.
    pub fn note(&self, run: RunId, of: Option<(ProjectName, Environment)>, why: &StoreError, now: Timestamp) {
        tracing::error!(%run, error = %why, "what became of a run cannot be recorded: it stays `running` until the next start takes it back");
        let mut all = self.lock();
        if all.len() < TOLD_MAX && all.iter().all(|one| one.run != run) {
            all.push(Stranded {
                run,
                of,
                code: why.code(),
                message: why.to_string(),
                since: now,
            });
        }
    }

    /// It goes on, or has ended.
    pub fn forget(&self, run: RunId) {
        self.lock().retain(|one| one.run != run);
    }

    /// All that are told.
    pub fn told(&self) -> Vec<Stranded> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Stranded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
