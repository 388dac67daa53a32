//! What happens to a run next, in words. It tells what [`domain::run::step`] decided, and decides nothing.

use api::{Next, RunWord};
use domain::run::{Hold, Policy, RunState};
use store::RunSummary;

/// What happens next, and when.
pub(crate) fn of(run: &RunSummary, policy: &Policy) -> Next {
    let state = &run.state;
    let sentence = match RunWord::from(state) {
        RunWord::Queued => queued(run),
        RunWord::Running => format!("Attempt {} is running.", state.attempt),
        RunWord::Backoff => format!(
            "Attempt {} begins at {}; {} of {} have failed.",
            state.attempt.0 + 1,
            state.due_at,
            state.failures,
            policy.attempts
        ),
        RunWord::Waiting => {
            format!(
                "It waits for a host that is out, looks again at {}, and then goes on.",
                state.due_at
            )
        }
        RunWord::NeedsDecision => {
            "It waits for somebody to say what became of one of its effects.".to_owned()
        }
        RunWord::Succeeded => "Nothing: it is done.".to_owned(),
        RunWord::CompletedWithFailures => format!(
            "Nothing by itself: end_function returned, but something that it asked for had failed. `aftercall runs retry {}` runs it again.",
            run.run
        ),
        RunWord::Failed => {
            format!(
                "Nothing by itself: it is a dead letter. `aftercall runs retry {}` runs it again.",
                run.run
            )
        }
        RunWord::Cancelled => {
            format!(
                "Nothing by itself: it was cancelled. `aftercall runs retry {}` runs it again.",
                run.run
            )
        }
    };
    Next {
        sentence,
        at: due(state),
    }
}

fn queued(run: &RunSummary) -> String {
    let RunSummary {
        project,
        environment,
        state,
        ..
    } = run;
    let number = state.attempt.0 + 1;
    match state.hold {
        Some(hold) => held(hold, project, *environment),
        None if state.alone => {
            format!(
                "Attempt {number} begins once nothing else is running: it was there at {} interruptions.",
                state.interruptions
            )
        }
        None => format!("Attempt {number} begins as soon as there is room."),
    }
}

/// What a run is held for.
pub(crate) fn held(hold: Hold, project: &domain::ProjectName, environment: domain::Environment) -> String {
    match hold {
        Hold::NoActiveDeployment => format!(
            "It is held: project {project} has no active deployment in {environment}. It runs once one is {} there.",
            if environment == domain::Environment::Sandbox {
                "deployed"
            } else {
                "promoted"
            }
        ),
    }
}

fn due(state: &RunState) -> Option<domain::Timestamp> {
    match RunWord::from(state) {
        RunWord::Backoff | RunWord::Waiting => Some(state.due_at),
        RunWord::Queued if state.hold.is_none() => Some(state.due_at),
        _ => None,
    }
}
