//! Runs that were claimed but cannot be handed out, since their document cannot be had. Each of them must be given back
//! whatever becomes of the others: this boot holds them, so no recovery comes for them before the next start.

use std::sync::PoisonError;

use domain::run::{Event, Policy};
use domain::{Code, Timestamp};

use super::SqliteStore;
use super::apply::Apply;
use super::read;
use crate::{ClaimedRun, StoreError};

/// Where in its range the backoff of a run falls whose document cannot be opened.
const MIDDLE: f64 = 0.5;

/// A claimed run that nobody can run. There are at most as many as one claim takes: the next begins with them.
pub(super) struct Unclaimed {
    pub run: ClaimedRun,
    pub why: StoreError,
}

impl SqliteStore {
    /// The runs with their documents. Those that have none are given back, now or with the next claim.
    pub(super) async fn with_documents(
        &self,
        claimed: Vec<ClaimedRun>,
        policy: &Policy,
        now: Timestamp,
    ) -> Vec<ClaimedRun> {
        if claimed.is_empty() {
            return Vec::new();
        }
        let wanted: Vec<_> = claimed.iter().map(|run| run.conversation).collect();
        let documents = self.readers.read(move |reader| {
            let documents = wanted
                .into_iter()
                .map(|conversation| read::document(reader, conversation));
            Ok(documents.collect::<Vec<_>>())
        });
        let documents = match documents.await {
            Ok(documents) => documents,
            Err(error) => claimed.iter().map(|_| Err(error.clone())).collect(),
        };
        let (mut runs, mut unclaimed) = (Vec::new(), Vec::new());
        for (run, document) in claimed.into_iter().zip(documents) {
            match document {
                Ok(document) => runs.push(ClaimedRun { document, ..run }),
                Err(why) => {
                    tracing::error!(run = %run.run, error = %why, "the document of a claimed run cannot be read");
                    unclaimed.push(Unclaimed { run, why });
                }
            }
        }
        self.keep_unclaimed(unclaimed);
        if let Err(error) = self.give_back(policy, now).await {
            tracing::error!(%error, "a claimed run could not be given back; the next claim tries it again");
        }
        runs
    }

    /// Gives back every run that waits for it. One for which that can never be done is stranded, and holds up nobody else.
    ///
    /// # Errors
    /// The first of those that can pass; it and others like it wait on.
    pub(super) async fn give_back(&self, policy: &Policy, now: Timestamp) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut *self.unclaimed.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut failed, mut first) = (Vec::new(), Ok(()));
        for one in waiting {
            match self.write(one.apply(policy, now), 0).await {
                Ok(_) => {}
                // Cancelled meanwhile: it is nobody's any more.
                Err(StoreError::Refused { run, error }) => {
                    tracing::debug!(%run, %error, "a run need not be given back");
                }
                Err(error @ StoreError::NoSuchRun(_)) => {
                    tracing::error!(%error, "a run that was claimed is gone");
                }
                Err(error) if error.can_pass() => {
                    failed.push(one);
                    first = first.and(Err(error));
                }
                Err(error) => {
                    let ClaimedRun {
                        run,
                        project,
                        environment,
                        ..
                    } = one.run;
                    self.stranded.note(run, Some((project, environment)), &error, now);
                }
            }
        }
        self.keep_unclaimed(failed);
        first
    }

    pub(super) fn keep_unclaimed(&self, unclaimed: Vec<Unclaimed>) {
        self.unclaimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(unclaimed);
    }
}

impl Unclaimed {
    /// If its document does not open, trying it was a failed attempt, so that it does not stand at the head of the queue
    /// for ever; the last one if it was erased, since no later one can go better. Else it goes back as it was.
    fn apply(&self, policy: &Policy, now: Timestamp) -> Apply {
        let epoch = self.run.epoch;
        let failed = |code, policy| {
            let jitter = MIDDLE;
            (Event::AttemptFailed { epoch, code, jitter }, policy)
        };
        let (event, policy) = match self.why {
            StoreError::Erased(_) => failed(
                Code::ConversationErased,
                Policy {
                    attempts: 1,
                    ..policy.clone()
                },
            ),
            StoreError::Sealed(_) | StoreError::Damaged(_) => failed(Code::StoreFailed, policy.clone()),
            _ => (Event::Released { epoch }, policy.clone()),
        };
        Apply {
            run: self.run.run,
            event,
            report: None,
            policy,
            now,
        }
    }
}
