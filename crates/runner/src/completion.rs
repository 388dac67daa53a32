//! Committing what became of an attempt, however long that takes.

use std::time::Duration;

use domain::run::{Command, Event, Policy};
use domain::{AttemptEnd, AttemptReport, Epoch, RunId};
use store::{Applied, StoreError};

use crate::runner::Shared;
use crate::trouble::Trouble;

/// How long to leave a store alone that did not take a completion; each further time twice as long.
const FIRST_REST: Duration = Duration::from_millis(100);
/// The longest of these.
const LONGEST_REST: Duration = Duration::from_secs(15);

/// Commits it. A run whose completion were given up would stay `running` until the next start.
pub async fn complete(shared: &Shared, run: RunId, epoch: Epoch, report: AttemptReport, policy: &Policy) {
    let applied = match event(epoch, &report.end, (shared.options.chance)()) {
        Some(event) => {
            let offer = || {
                let now = (shared.options.clock)();
                shared
                    .store
                    .apply(run, event.clone(), Some(report.clone()), policy, now)
            };
            until_taken(run, offer).await
        }
        None => None,
    };
    match applied {
        Some(applied) => tell(run, &applied.commands),
        // Whoever cancelled it wants to see how far it got. No promise hangs on that, so it is tried once.
        None => {
            if let Err(error) = shared.store.keep_cancelled(run, epoch, report).await {
                tracing::warn!(%run, %error, "the log of a cancelled attempt could not be kept");
            }
        }
    }
}

fn event(epoch: Epoch, end: &AttemptEnd, jitter: f64) -> Option<Event> {
    match end {
        AttemptEnd::Returned { unsettled_failures } => Some(Event::Returned {
            epoch,
            unsettled_failures: *unsettled_failures,
            unheard_unknown: false,
            jitter,
        }),
        AttemptEnd::Failed { code, .. } => Some(Event::AttemptFailed {
            epoch,
            code: *code,
            jitter,
        }),
        AttemptEnd::Interrupted => Some(Event::Released { epoch }),
        // Who cancelled has said so to the store; the epoch is over.
        AttemptEnd::Cancelled => None,
    }
}

/// Offers a completion until it is taken, or nobody can take it any more: `None`. One whose fate is unknown is offered again,
/// since the epoch keeps it from counting twice.
async fn until_taken<Offer>(run: RunId, mut offer: impl FnMut() -> Offer) -> Option<Applied>
where
    Offer: Future<Output = Result<Applied, StoreError>>,
{
    let mut trouble = Trouble::new("committing what became of an attempt");
    let mut rest = FIRST_REST;
    loop {
        match offer().await {
            Ok(applied) => {
                trouble.worked();
                return Some(applied);
            }
            // Cancelled meanwhile, or an earlier offer of the same did get through.
            Err(StoreError::Refused { error, .. }) => {
                tracing::debug!(%run, %error, "what an attempt left came too late");
                return None;
            }
            Err(error @ StoreError::NoSuchRun(_)) => {
                tracing::error!(%error, "what an attempt left has nowhere to go");
                return None;
            }
            Err(error) => trouble.failed(&format_args!("{run}: {error}")),
        }
        tokio::time::sleep(rest).await;
        rest = (rest * 2).min(LONGEST_REST);
    }
}

fn tell(run: RunId, commands: &[Command]) {
    for command in commands {
        if let Command::DeadLetter { reason } = command {
            tracing::warn!(%run, code = %reason, "a run is a dead letter: {}", reason.title());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use domain::run::{RunState, StepError};
    use tokio::time::Instant;

    use super::*;

    /// A store that fails so often, then answers this. Tells how often it was asked, and over which time.
    async fn offered(failures: u32, last: Result<Applied, StoreError>) -> (Option<Applied>, u32, Duration) {
        let (mut asked, start) = (0_u32, Instant::now());
        let offer = || {
            asked += 1;
            let answer = match asked {
                n if n > failures => last.clone(),
                n if n % 2 == 0 => Err(StoreError::Unknown("a commit".to_owned())),
                _ => Err(StoreError::ReadOnly),
            };
            std::future::ready(answer)
        };
        let applied = until_taken(RunId::from_uuid(uuid::Uuid::nil()), offer).await;
        (applied, asked, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_completion_outlives_any_number_of_failures() {
        let applied = Applied {
            state: RunState::accepted(domain::Timestamp::UNIX_EPOCH, None),
            commands: Vec::new(),
        };
        let (taken, asked, lasted) = offered(1_000, Ok(applied.clone())).await;
        assert_eq!((taken, asked), (Some(applied), 1_001));
        assert!(
            lasted <= 1_000 * LONGEST_REST,
            "no rest grows beyond its bound: {lasted:?}"
        );
        assert!(
            lasted >= 900 * LONGEST_REST,
            "a store in trouble is left alone: {lasted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_an_epoch_that_is_over_is_dropped() {
        let run = RunId::from_uuid(uuid::Uuid::nil());
        let stale = StepError::Stale {
            claimed: Epoch(1),
            current: Epoch(2),
        };
        for last in [
            StoreError::Refused { run, error: stale },
            StoreError::NoSuchRun(run),
        ] {
            let (taken, asked, _) = offered(3, Err(last)).await;
            assert_eq!((taken, asked), (None, 4));
        }
    }
}
