//! What a person is told whose wish a run does not allow where it stands.

use api::Problem;
use domain::Code;
use domain::run::{End, Event, RunState, Status, StepError};
use store::{Store, StoreError};

use crate::problem::ApiError;

/// The answer. Where the run stands is read again: it may have gone on since whoever asks looked.
pub(crate) async fn told(store: &dyn Store, wish: &Event, error: StoreError) -> ApiError {
    let StoreError::Refused {
        run,
        error: StepError::NotAllowed { .. },
    } = &error
    else {
        return error.into();
    };
    let run = *run;
    let Ok(Some(detail)) = store.run(run).await else {
        return error.into();
    };
    match sentence(wish, &detail.summary.state) {
        Some((stands, fix)) => {
            Problem::new(Code::NotAllowedNow, 409, format!("Run {run} {stands}."), fix).into()
        }
        None => error.into(),
    }
}

/// Where it stands, and what to do. `None` if it has come to where the wish is allowed.
fn sentence(wish: &Event, state: &RunState) -> Option<(String, &'static str)> {
    let over = match (wish, state.end) {
        (Event::CancelRequested, Some(End::Cancelled)) => {
            let fix = "Nothing is left to be done; `aftercall runs retry` would attempt it again.";
            return Some(("is cancelled already".to_owned(), fix));
        }
        (Event::CancelRequested, Some(End::Succeeded)) => "it succeeded",
        (Event::CancelRequested, Some(End::CompletedWithFailures)) => "it completed with failures",
        (Event::CancelRequested, Some(End::Failed)) => "it failed, and nothing attempts it any more",
        (Event::RetryRequested { .. }, None) if state.status == Status::NeedsDecision => {
            let fix = "Look at what it asks (`aftercall runs show`), or cancel it first.";
            return Some((
                "waits for a decision, and cannot be retried before".to_owned(),
                fix,
            ));
        }
        (Event::RetryRequested { .. }, None) => {
            let fix = "Wait for what comes of it (`aftercall runs show`), or cancel it first.";
            return Some((format!("is {}, not over: it needs no retry", state.word()), fix));
        }
        _ => return None,
    };
    Some((
        format!("is over already: {over}"),
        "Nothing is left to be cancelled; look at what it did with `aftercall runs show`.",
    ))
}
