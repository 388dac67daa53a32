//! Committing what became of an attempt, however long that takes.

use std::time::Duration;

use domain::run::{Command, Event, Policy};
use domain::{AttemptEnd, AttemptReport, Code, Epoch, RunId};
use store::{Applied, StoreError};

use crate::runner::Shared;
use crate::trouble::Trouble;

/// How long to leave a store alone that did not take a completion; each further time twice as long.
const FIRST_REST: Duration = Duration::from_millis(100);
/// The longest of these.
const LONGEST_REST: Duration = Duration::from_secs(15);

/// Commits it. A run whose completion is given up stays `running` until the next start: only one that can never be committed is.
pub async fn complete(shared: &Shared, run: RunId, epoch: Epoch, report: AttemptReport, policy: &Policy) {
    let jitter = (shared.options.chance)();
    let applied = match event(epoch, &report, jitter) {
        Some(event) => {
            let offer = |event, report| {
                let now = (shared.options.clock)();
                shared.store.apply(run, event, report, policy, now)
            };
            match until_recorded(run, event, jitter, &report, offer).await {
                Ok(applied) => applied,
                Err(error) => {
                    let now = (shared.options.clock)();
                    return shared.store.strand(run, error, now).await;
                }
            }
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

fn event(epoch: Epoch, report: &AttemptReport, jitter: f64) -> Option<Event> {
    match &report.end {
        AttemptEnd::Returned { unsettled_failures } => Some(Event::Returned {
            epoch,
            unsettled_failures: *unsettled_failures,
            unheard_unknown: report.unheard_unknown,
            jitter,
        }),
        AttemptEnd::Failed { code, .. } => Some(Event::AttemptFailed {
            epoch,
            code: *code,
            jitter,
        }),
        AttemptEnd::Interrupted => Some(Event::Released { epoch }),
        AttemptEnd::Waiting => {
            let wait = report.waits_for.as_ref();
            Some(Event::OutageBegan {
                epoch,
                host: wait.map(|wait| wait.origin.clone()).unwrap_or_default(),
                until: wait.map_or(report.ended_at, |wait| wait.until),
            })
        }
        AttemptEnd::Parked => Some(Event::Parked { epoch }),
        // Who cancelled has said so to the store; the epoch is over.
        AttemptEnd::Cancelled => None,
    }
}

/// Offers a completion; where it can never be kept, that the attempt is over.
///
/// # Errors
/// Not even that can be.
async fn until_recorded<Offer>(
    run: RunId,
    event: Event,
    jitter: f64,
    report: &AttemptReport,
    mut offer: impl FnMut(Event, Option<AttemptReport>) -> Offer,
) -> Result<Option<Applied>, StoreError>
where
    Offer: Future<Output = Result<Applied, StoreError>>,
{
    let whole = until_taken(run, || offer(event.clone(), Some(report.clone()))).await;
    let Err(error) = whole else { return whole };
    tracing::error!(%run, %error, "what an attempt left cannot be kept; only that it is over is recorded");
    let bare = match event {
        // Its results are lost, so that it is to be tried again.
        Event::Returned { epoch, .. } => Event::AttemptFailed {
            epoch,
            code: Code::StoreFailed,
            jitter,
        },
        other => other,
    };
    until_taken(run, || offer(bare.clone(), None)).await
}

/// Offers a completion until it is taken, or nobody can take it any more: `None`. One whose fate is unknown is offered again,
/// since the epoch keeps it from counting twice.
///
/// # Errors
/// One that does not pass.
async fn until_taken<Offer>(
    run: RunId,
    mut offer: impl FnMut() -> Offer,
) -> Result<Option<Applied>, StoreError>
where
    Offer: Future<Output = Result<Applied, StoreError>>,
{
    let mut trouble = Trouble::new("committing what became of an attempt");
    let mut rest = FIRST_REST;
    loop {
        match offer().await {
            Ok(applied) => {
                trouble.worked();
                return Ok(Some(applied));
            }
            // Cancelled meanwhile, or an earlier offer of the same did get through.
            Err(StoreError::Refused { error, .. }) => {
                tracing::debug!(%run, %error, "what an attempt left came too late");
                return Ok(None);
            }
            Err(error @ StoreError::NoSuchRun(_)) => {
                tracing::error!(%error, "what an attempt left has nowhere to go");
                return Ok(None);
            }
            Err(error) if !error.can_pass() => return Err(error),
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
        let applied = until_taken(RunId::from_uuid(uuid::Uuid::nil()), offer)
            .await
            .unwrap();
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

    /// What was offered to a store that says this of a completion with a report, and of one without.
    async fn recorded(
        end: AttemptEnd,
        whole: Result<Applied, StoreError>,
        bare: Result<Applied, StoreError>,
    ) -> (Vec<(Event, bool)>, Result<Option<Applied>, StoreError>) {
        let report = AttemptReport::bare(domain::AttemptNumber(1), end, domain::Timestamp::UNIX_EPOCH);
        let mut offered = Vec::new();
        let offer = |event: Event, report: Option<AttemptReport>| {
            let answer = if report.is_some() { &whole } else { &bare };
            offered.push((event, report.is_some()));
            std::future::ready(answer.clone())
        };
        let run = RunId::from_uuid(uuid::Uuid::nil());
        let event = event(Epoch(3), &report, 0.5).unwrap();
        let taken = until_recorded(run, event, 0.5, &report, offer).await;
        (offered, taken)
    }

    #[tokio::test(start_paused = true)]
    async fn of_one_that_can_never_be_kept_it_is_recorded_that_the_attempt_is_over() {
        let applied = Applied {
            state: RunState::accepted(domain::Timestamp::UNIX_EPOCH, None),
            commands: Vec::new(),
        };
        let failed = |code| AttemptEnd::Failed {
            code,
            signal: None,
            exit_status: None,
            message: "m".to_owned(),
            error: None,
        };
        let over = |code| Event::AttemptFailed {
            epoch: Epoch(3),
            code,
            jitter: 0.5,
        };
        let returned = AttemptEnd::Returned {
            unsettled_failures: 0,
        };
        let released = Event::Released { epoch: Epoch(3) };
        for (end, expected) in [
            (returned, over(Code::StoreFailed)),
            (failed(Code::FunctionRaised), over(Code::FunctionRaised)),
            (AttemptEnd::Interrupted, released),
        ] {
            for error in [
                StoreError::Sealed("a key".to_owned()),
                StoreError::Damaged("a row".to_owned()),
            ] {
                let (offered, taken) = recorded(end.clone(), Err(error), Ok(applied.clone())).await;
                assert_eq!(offered.len(), 2);
                assert_eq!(offered[1], (expected.clone(), false));
                assert_eq!(taken.unwrap(), Some(applied.clone()));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_which_not_even_that_can_be_recorded_is_given_up() {
        let damaged = || Err(StoreError::Damaged("a row".to_owned()));
        let (offered, taken) = recorded(AttemptEnd::Interrupted, damaged(), damaged()).await;
        assert_eq!(offered.len(), 2);
        assert!(matches!(taken, Err(StoreError::Damaged(_))));
    }
}
