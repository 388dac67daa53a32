//! What happens to a run next, in words. It tells what [`domain::run::step`] decided, and decides nothing.

mod asked;

use api::{Next, RunWord};
use domain::run::{Hold, RunState};
use store::RunSummary;

pub(crate) use asked::with_effects;

/// How many attempts failed, of those that count.
fn failed(run: &RunSummary) -> String {
    let (failures, since) = (run.state.failures, run.state.since);
    if since > run.accepted_at {
        format!("{failures} failed since it was retried at {}", moment(since))
    } else {
        format!("{failures} failed so far")
    }
}

/// What happens next, and when.
pub(crate) fn of(run: &RunSummary) -> Next {
    let state = &run.state;
    let sentence = match RunWord::from(state) {
        RunWord::Queued => queued(run),
        RunWord::Running => format!("Attempt {} is running.", state.attempt),
        RunWord::Backoff if state.faults > 0 => format!(
            "Attempt {} begins at {}: the machine could not begin the last {}, which counts as no failure; {}.",
            state.attempt.0 + 1,
            moment(state.due_at),
            state.faults,
            failed(run)
        ),
        RunWord::Backoff => format!(
            "Attempt {} begins at {}; {}.",
            state.attempt.0 + 1,
            moment(state.due_at),
            failed(run)
        ),
        RunWord::Waiting => format!(
            "It waits for {} until {}, and then goes on.",
            state.waiting_for.as_deref().unwrap_or("a host that is out"),
            moment(state.due_at)
        ),
        RunWord::NeedsDecision => format!(
            "It waits for somebody to say what became of one of its effects: `aftercall runs show {}` tells which.",
            run.run
        ),
        RunWord::Succeeded if state.reruns > 0 => {
            format!(
                "Nothing: it is done, and was run again on purpose ({} ×).",
                state.reruns
            )
        }
        RunWord::Succeeded => "Nothing: it is done.".to_owned(),
        RunWord::CompletedWithFailures => format!(
            "Nothing by itself: end_function returned, but something that it asked for had failed. `aftercall runs retry {}` runs it again.",
            run.run
        ),
        RunWord::Failed => {
            let why = state
                .dead_letter
                .map_or_else(String::new, |code| format!(" ({code}: {})", code.title()));
            format!(
                "Nothing by itself: it is a dead letter{why}. `aftercall runs retry {}` runs it again.",
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
        commands: Vec::new(),
    }
}

/// A moment as sentences say it: to the second.
pub(crate) fn moment(at: domain::Timestamp) -> String {
    format!("{at:.0}")
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use domain::run::{End, Status};
    use domain::{AttemptNumber, ConversationId, Environment, RunId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn run(change: impl FnOnce(&mut RunState)) -> RunSummary {
        let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let mut state = RunState::accepted(at, None);
        change(&mut state);
        RunSummary {
            run: RunId::from_uuid(Uuid::from_u128(3)),
            conversation: ConversationId::from_uuid(Uuid::from_u128(1)),
            external_id: "call-1".to_owned(),
            project: "support".parse().unwrap(),
            environment: Environment::Sandbox,
            accepted_at: at,
            changed_at: at,
            state,
        }
    }

    fn ended(end: End) -> RunSummary {
        run(|state| (state.status, state.end) = (Status::Ended, Some(end)))
    }

    #[test]
    fn every_state_says_what_comes_next() {
        let idle = |status| run(|state| (state.status, state.attempt) = (status, AttemptNumber(2)));
        let told: Vec<String> = [
            run(|_| ()),
            run(|state| state.hold = Some(Hold::NoActiveDeployment)),
            run(|state| (state.alone, state.interruptions) = (true, 3)),
            idle(Status::Running),
            run(|state| (state.status, state.attempt.0, state.failures) = (Status::Backoff, 2, 2)),
            run(|state| (state.status, state.attempt.0, state.faults) = (Status::Backoff, 2, 2)),
            idle(Status::Waiting),
            idle(Status::NeedsDecision),
            ended(End::Succeeded),
            run(|state| {
                (state.status, state.end, state.reruns) = (Status::Ended, Some(End::Succeeded), 1);
            }),
            ended(End::CompletedWithFailures),
            ended(End::Failed),
            run(|state| {
                (state.status, state.end) = (Status::Ended, Some(End::Failed));
                state.dead_letter = Some(domain::Code::AttemptsUsedUp);
            }),
            ended(End::Cancelled),
        ]
        .iter()
        .map(|run| {
            let next = of(run);
            let at = next.at.map_or_else(String::new, |at| format!(" [{at}]"));
            format!("{}: {}{at}", RunWord::from(&run.state), next.sentence)
        })
        .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
