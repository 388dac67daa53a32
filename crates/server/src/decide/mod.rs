//! `POST /v1/runs/{id}/decide` and `POST /v1/decisions`: what nobody can know, a person says.

mod many;
mod plan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use api::{DecideRequest, DecidedView, Problem, Verdict};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::effect::EffectNumber;
use domain::run::Command;
use domain::{Code, RunId};
use http::HeaderMap;
use store::{RunSummary, StoreError};

use crate::app::{Shared, SharedState};
use crate::auth::{Operate, Principal};
use crate::params::{Named, NoParams};
use crate::problem::{ApiError, ApiResult, bad_field, internal};
use crate::{body, runs};

pub(crate) use many::{__path_decide_many, decide_many};
use plan::{Plan, Planned, Why, Wish};

/// How often a run is read again that went on while it was decided about.
const TRIES: u32 = 3;

/// Says what became of a write of unknown fate, or what a write that fits no record is. The run goes on once all is said that it waits
/// for; of one that is over only the record changes, and how its end is told.
#[utoipa::path(
    operation_id = "decideRun",
    post, path = "/v1/runs/{id}/decide", tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    request_body(content = DecideRequest),
    responses(
        (status = 200, description = "It is written down; or was before: `already`", body = DecidedView),
        (status = 404, description = "AC0704", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "AC0405, AC0406, AC0407, AC0706", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decide(
    State(shared): SharedState,
    Operate(principal): Operate,
    Named(id): Named,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<DecidedView>> {
    let request: DecideRequest = body::json(&shared, &principal, &headers, body).await?;
    if request.answer.is_some() && request.verdict != Verdict::Happened {
        return Err(bad_field(
            "/answer",
            "an answer",
            "none, since only what happened was answered",
            "Leave it out, or say `happened`.",
        ));
    }
    let run = runs::find(&shared, &principal, &id).await?.summary;
    let wish = Wish {
        verdict: request.verdict,
        answer: request.answer,
        effects: request.effect.map(|number| vec![EffectNumber(number)]),
    };
    let run_id = run.run;
    let decided = say(&shared, &principal, run, |_| Some(wish.clone())).await?;
    match decided {
        Said::Is(view) => Ok(Json(*view)),
        Said::Cannot(why) => Err(problem(run_id, &why)),
        Said::NotMeant => Err(internal(&"a wish for one run was for none")),
    }
}

/// What became of a wish.
enum Said {
    /// It is written down, by this or before.
    Is(Box<DecidedView>),
    /// It cannot be.
    Cannot(Why),
    /// The run has nothing that is meant.
    NotMeant,
}

/// Reads the run, plans, and writes it down; again, if the run went on meanwhile.
async fn say(
    shared: &Arc<Shared>,
    principal: &Principal,
    mut run: RunSummary,
    wish: impl Fn(&Plan) -> Option<Wish>,
) -> ApiResult<Said> {
    for _ in 0..TRIES {
        let plan = Plan::read(&run, shared.app.store.journal(run.run).await?);
        let Some(wish) = wish(&plan) else {
            return Ok(Said::NotMeant);
        };
        let planned = match plan.say(&wish, shared.now()) {
            Ok(planned) => planned,
            Err(why) => return Ok(Said::Cannot(why)),
        };
        let view = |effects: Vec<u32>, already, run| {
            Said::Is(Box::new(DecidedView {
                verdict: wish.verdict,
                effects,
                already,
                run: runs::view(run),
            }))
        };
        let decided = match planned {
            Planned::Already { effects } => return Ok(view(effects, true, run)),
            Planned::Say { effects, decided } => (effects, decided),
        };
        let (effects, decided) = decided;
        match write(shared, decided, &run).await {
            Ok(run) => return Ok(view(effects, false, run)),
            Err(StoreError::Outdated(id)) => {
                run = runs::find(shared, principal, &id.to_string()).await?.summary;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Outdated(run.run).into())
}

/// A task of its own: whoever asks may go away, and what follows must be done all the same.
async fn write(
    shared: &Arc<Shared>,
    decided: store::Decided,
    run: &RunSummary,
) -> Result<RunSummary, StoreError> {
    let policy = shared.app.engine.policy(run.state.deployment).await;
    let (task, now) = (Arc::clone(shared), shared.now());
    let written = tokio::spawn(async move {
        let applied = task.app.store.decide(decided, &policy, now).await?;
        if applied
            .commands
            .iter()
            .any(|command| matches!(command, Command::WakeAt(_)))
        {
            task.app.engine.wake();
        }
        Ok::<_, StoreError>(applied.state)
    });
    let state = match written.await {
        Ok(state) => state?,
        Err(failed) => return Err(StoreError::Failed(format!("deciding did not end: {failed}"))),
    };
    Ok(RunSummary {
        state,
        changed_at: now,
        ..run.clone()
    })
}

fn problem(run: RunId, why: &Why) -> ApiError {
    let conflict = |code, detail, fix: String| Problem::new(code, 409, detail, fix).into();
    let show = || format!("Look at what it asks: `aftercall runs show {run}`.");
    match why {
        Why::Running => conflict(
            Code::NotAllowedNow,
            format!("Run {run}: an attempt is under way, and has read what was known when it began."),
            "Wait until it ends, or cancel the run first.".to_owned(),
        ),
        Why::NoSuchEffect(effect) => conflict(
            Code::NothingToDecide,
            format!("Run {run} has no effect {effect}."),
            show(),
        ),
        Why::Nothing(detail) => conflict(Code::NothingToDecide, format!("Run {run}: {detail}."), show()),
        Why::Several(effects) => {
            let all: Vec<_> = effects.iter().map(ToString::to_string).collect();
            conflict(
                Code::WhichEffect,
                format!("Run {run}: it may be about effects {}.", all.join(", ")),
                format!(
                    "Say which: `aftercall runs decide {run} --effect {} …`, or `\"effect\": {}` in the request.",
                    all[0], all[0]
                ),
            )
        }
        Why::Otherwise { effect, said } => conflict(
            Code::DecidedOtherwise,
            format!("Run {run}: of effect {effect} somebody said before that it is `{said}`."),
            "What was said is not taken back; if it was wrong, mend it on the other side.".to_owned(),
        ),
    }
}
