//! One decision about many runs.

use api::{DecideManyRequest, DecidedList, DecidedView, Problem, RunWord, UndecidedView, Verdict, Where};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::effect::{Effect, EffectNumber, Endpoint, Question};
use http::HeaderMap;
use store::{RunFilter, RunSummary};

use super::plan::{Plan, Planned, Wish};
use super::{Said, problem, say};
use crate::app::{Shared, SharedState};
use crate::auth::{Operate, Principal};
use crate::params::NoParams;
use crate::problem::{ApiResult, bad_field};
use crate::{body, runs};

/// Runs that are looked at for one request: each has its journal read, and is a commit.
const LOOKED_AT: u32 = 200;

/// Says the same of many: of every effect of unknown fate (or every write that fits no record) that `where` means, of a page of
/// runs. Ask again with `after` until `next` is `null`.
#[utoipa::path(
    operation_id = "decideRuns",
    post, path = "/v1/decisions", tag = "runs",
    request_body(content = DecideManyRequest),
    responses(
        (status = 200, description = "What became of each run of this page", body = DecidedList),
        (status = 400, description = "AC0705", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decide_many(
    State(shared): SharedState,
    Operate(principal): Operate,
    _: NoParams,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<DecidedList>> {
    let request: DecideManyRequest = body::json(&shared, &principal, &headers, body).await?;
    if request.of.host.is_none() && request.of.endpoint.is_none() {
        return Err(bad_field(
            "/where",
            "neither host nor endpoint",
            "one of the two, so that nothing is decided by accident",
            "Name the host: `\"where\": {\"host\": \"crm.example.com\"}`.",
        ));
    }
    let page = shared.app.store.runs(filter(&request, &principal)?).await?;
    let mut list = DecidedList {
        decided: Vec::new(),
        failed: Vec::new(),
        looked_at: u32::try_from(page.items.len()).unwrap_or(u32::MAX),
        next: page.next,
    };
    for run in page.items {
        let run_id = run.run;
        let said = if request.dry_run {
            would(&shared, run, &request).await?
        } else {
            let meant = |plan: &Plan<'_>| wish(plan, request.verdict, &request.of);
            say(&shared, &principal, run, meant).await?
        };
        match said {
            Said::Is(view) => list.decided.push(*view),
            Said::Cannot(why) => list.failed.push(UndecidedView {
                run_id,
                message: problem(run_id, &why).0.detail,
            }),
            Said::NotMeant => {}
        }
    }
    Ok(Json(list))
}

fn filter(request: &DecideManyRequest, principal: &Principal) -> ApiResult<RunFilter> {
    let of = &request.of;
    let project = of.project.clone().or_else(|| principal.project.clone());
    if let Some(project) = &project {
        principal.check_project(project)?;
    }
    let environments = match of.environment {
        None => principal.environments.clone(),
        Some(one) => {
            principal.check_environment(one)?;
            vec![one]
        }
    };
    let word = of.run_status.unwrap_or(RunWord::NeedsDecision);
    Ok(RunFilter {
        project,
        environments,
        words: vec![word.as_str().to_owned()],
        since: of.since,
        limit: LOOKED_AT,
        after: request.after,
        ..RunFilter::default()
    })
}

/// What would be said, without saying it.
async fn would(shared: &Shared, run: RunSummary, request: &DecideManyRequest) -> ApiResult<Said> {
    let plan = Plan::read(&run, shared.app.store.journal(run.run).await?);
    let Some(wish) = wish(&plan, request.verdict, &request.of) else {
        return Ok(Said::NotMeant);
    };
    let (effects, already) = match plan.say(&wish, shared.now()) {
        Ok(Planned::Say { effects, .. }) => (effects, false),
        Ok(Planned::Already { effects }) => (effects, true),
        Err(why) => return Ok(Said::Cannot(why)),
    };
    Ok(Said::Is(Box::new(DecidedView {
        verdict: request.verdict,
        effects,
        already,
        run: runs::view(run.clone()),
    })))
}

/// What of a run is meant; `None` if nothing is.
pub(super) fn wish(plan: &Plan<'_>, verdict: Verdict, of: &Where) -> Option<Wish> {
    let questions = plan.questions();
    let means_pair = questions.iter().any(
        |question| matches!(question, Question::Pair { endpoint, .. } if of.status.is_none() && means(of, endpoint)),
    );
    let unknown: Vec<EffectNumber> = plan
        .at_rest()
        .unknown()
        .into_iter()
        .filter(|number| {
            plan.at_rest()
                .effect(*number)
                .is_some_and(|effect| means_effect(of, effect))
        })
        .collect();
    let asks = |number: &EffectNumber| questions.contains(&Question::Unknown(*number));
    let effects = match verdict {
        Verdict::Happened | Verdict::NotSent if !unknown.is_empty() => Some(unknown),
        Verdict::Keep | Verdict::Send if means_pair => None,
        Verdict::Abort if means_pair || unknown.iter().any(asks) => None,
        _ => return None,
    };
    Some(Wish {
        verdict,
        answer: None,
        effects,
    })
}

fn means_effect(of: &Where, effect: &Effect) -> bool {
    let answered = || {
        let concluded = effect.concluded()?;
        Some(concluded.outcome.answer.as_ref()?.status)
    };
    means(of, &effect.intent().endpoint) && of.status.is_none_or(|status| answered() == Some(status))
}

fn means(of: &Where, endpoint: &Endpoint) -> bool {
    let authority = endpoint
        .origin
        .split_once("://")
        .map_or(endpoint.origin.as_str(), |(_, authority)| authority);
    let host = |wanted: &String| {
        let name = match authority.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => authority,
        };
        wanted.eq_ignore_ascii_case(authority) || wanted.eq_ignore_ascii_case(name)
    };
    of.host.as_ref().is_none_or(host)
        && of
            .endpoint
            .as_ref()
            .is_none_or(|wanted| *wanted == endpoint.to_string())
}
