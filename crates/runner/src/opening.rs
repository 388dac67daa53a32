//! Opening the effects of an attempt: its run's journal, read when nothing of an earlier attempt is under way any more.

use std::sync::Arc;

use domain::effect::Catalogue;
use domain::{Code, Environment, Epoch, ProjectName, RunId};
use effects::{Kept, OnBlocked, Session, Surroundings, Terms, Tries, Unkept, WayOut};
use store::ClaimedRun;

use crate::attempt::Requests;
use crate::deploy_error::DeployError;
use crate::runner::Shared;

/// The effects of an attempt of a claimed run.
///
/// # Errors
/// `AC0607` and its like: the journal cannot be read.
pub(crate) async fn of_claimed(
    shared: &Arc<Shared>,
    run: &ClaimedRun,
    catalogue: &Arc<Catalogue>,
) -> Result<Requests, DeployError> {
    // What a cancelled attempt began is finished first: until its outcome is known nothing may be sent for this run.
    loop {
        let ended = shared.ended.notified();
        if !shared.under_way.winds_down(run.run, run.epoch) {
            break;
        }
        ended.await;
    }
    let terms = Terms {
        run: run.run,
        epoch: run.epoch,
        opening: run.opening,
        project: run.project.clone(),
        environment: run.environment,
        catalogue: Arc::clone(catalogue),
        may_wait: true,
        tries: Tries::default(),
        on_blocked: on_blocked(shared),
    };
    let ledger = Arc::new(Kept(Arc::clone(&shared.store)));
    let surroundings: Arc<dyn Surroundings> = Arc::new(shared.options.clone());
    let opened = Session::open(terms, ledger, Arc::clone(&shared.options.way_out), surroundings).await;
    let (session, told) = opened.map_err(|error| {
        DeployError::ours(
            Code::StoreFailed,
            format!("the journal of the run cannot be read: {error}"),
        )
    })?;
    Ok(Requests::new(session, told))
}

/// A blocked child does nothing: its place is free for another.
fn on_blocked(shared: &Arc<Shared>) -> OnBlocked {
    let shared = Arc::downgrade(shared);
    Arc::new(move |blocked| {
        if let Some(shared) = shared.upgrade() {
            shared.under_way.blocked(blocked);
            shared.wake.notify_one();
        }
    })
}

/// Those of an attempt after which nobody comes back: nothing is kept, and nothing waits.
pub(crate) async fn of_one_attempt(
    run: RunId,
    project: ProjectName,
    environment: Environment,
    catalogue: &Arc<Catalogue>,
    way_out: &Arc<dyn WayOut>,
    surroundings: &Arc<dyn Surroundings>,
) -> Requests {
    let opening = domain::run::RunState::accepted(surroundings.now(), None).opening();
    let terms = Terms {
        run,
        epoch: Epoch::default(),
        opening,
        project,
        environment,
        catalogue: Arc::clone(catalogue),
        may_wait: false,
        tries: Tries::default(),
        on_blocked: Arc::new(|_| {}),
    };
    match Session::open(
        terms,
        Arc::new(Unkept),
        Arc::clone(way_out),
        Arc::clone(surroundings),
    )
    .await
    {
        Ok((session, told)) => Requests::new(session, told),
        Err(_) => Requests::none(), // nothing is read
    }
}
