//! Zygotes that are kept warm, and those that are on their way: whoever wants one that is being started waits for that start
//! and shares how it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Code, DeploymentId, ProjectName};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{Found, Nursery, Prepared, ZygoteStatus};
use crate::deploy_error::DeployError;
use crate::process::ProcessSource;
use crate::zygote::Zygote;

/// See the module.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashMap<DeploymentId, Place>>);

/// What there is of one deployment.
#[derive(Default)]
struct Place {
    warm: Option<Warm>,
    start: Option<Start>,
}

/// Something that gives attempts their processes.
pub(super) struct Warm {
    pub source: Arc<dyn ProcessSource>,
    pub zygote: Option<Arc<Zygote>>,
    pub project: ProjectName,
    pub reason: String,
    pub used: Instant,
}

type Source = Result<Arc<dyn ProcessSource>, DeployError>;

/// One that is on its way.
struct Start {
    /// `None` until it has ended.
    ended: watch::Receiver<Option<Source>>,
    task: AbortHandle,
}

impl Start {
    /// Whether it has yet to end. One that broke off has ended without a word.
    fn is_under_way(&self) -> bool {
        self.ended.has_changed().is_ok() && self.ended.borrow().is_none()
    }
}

impl Place {
    fn is_busy(&self) -> bool {
        let zygote = self.warm.as_ref().and_then(|warm| warm.zygote.as_ref());
        self.start.as_ref().is_some_and(Start::is_under_way)
            || zygote.is_some_and(|zygote| zygote.children() > 0)
    }
}

impl Kept {
    /// Ends all starts: nobody waits for them any more.
    pub fn give_up_starts(&self) {
        for place in self.places().values() {
            if let Some(start) = &place.start {
                start.task.abort();
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<DeploymentId, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, id: DeploymentId, warm: Warm) {
        self.places().entry(id).or_default().warm = Some(warm);
    }

    /// A start has ended. If its deployment was forgotten meanwhile, what it gave is for those alone who waited for it.
    fn end(
        &self,
        id: DeploymentId,
        start: &watch::Sender<Option<Source>>,
        started: Result<Warm, DeployError>,
    ) {
        let mut places = self.places();
        let place = places.get_mut(&id).filter(|place| {
            let current = place.start.as_ref();
            current.is_some_and(|current| current.ended.same_channel(&start.subscribe()))
        });
        let source = match &started {
            Ok(warm) => Ok(Arc::clone(&warm.source)),
            Err(error) => Err(error.clone()),
        };
        if let Some(place) = place {
            place.start = None;
            if let Ok(warm) = started {
                place.warm = Some(warm);
            }
        }
        start.send_replace(Some(source));
    }

    /// Ends the least recently used of those that have nothing to do, down to the number that is kept warm.
    fn end_idle(&self, most: usize) {
        let mut places = self.places();
        while places.len() > most {
            let idle = places.iter().filter(|(_, place)| !place.is_busy());
            let oldest = idle.min_by_key(|(id, place)| (place.warm.as_ref().map(|warm| warm.used), **id));
            let Some((&oldest, _)) = oldest else { return };
            places.remove(&oldest);
        }
    }
}

impl Nursery {
    /// Something that gives this deployment's attempts their processes; started if it is not there. A start goes on when
    /// nobody waits for it any more: the next attempt needs it as well.
    ///
    /// # Errors
    /// [`DeployError`], the same that `deploy` gives. All who waited for a start get what came of it.
    pub async fn source(self: &Arc<Self>, prepared: &Prepared) -> Source {
        let mut ended = match self.warm_or_start(prepared) {
            Ok(source) => return Ok(source),
            Err(ended) => ended,
        };
        let broke_off = || DeployError::ours(Code::Internal, "the start of the project's process broke off");
        match ended.wait_for(Option::is_some).await {
            Ok(source) => source.clone().unwrap_or_else(|| Err(broke_off())),
            Err(_) => Err(broke_off()),
        }
    }

    /// What is there, or the end of the start that is under way from now on at the latest.
    fn warm_or_start(
        self: &Arc<Self>,
        prepared: &Prepared,
    ) -> Result<Arc<dyn ProcessSource>, watch::Receiver<Option<Source>>> {
        let mut places = self.kept.places();
        let place = places.entry(prepared.id).or_default();
        if let Some(warm) = place.warm.as_mut()
            && !warm.source.is_gone()
        {
            warm.used = Instant::now();
            return Ok(Arc::clone(&warm.source));
        }
        if let Some(start) = place.start.as_ref().filter(|start| start.is_under_way()) {
            return Err(start.ended.clone());
        }
        let (sender, ended) = watch::channel(None);
        let (nursery, prepared) = (Arc::clone(self), prepared.clone());
        let task = tokio::spawn(async move {
            let started = nursery.warm_up(&prepared).await.map(|(warm, _)| warm);
            nursery.kept.end(prepared.id, &sender, started);
            nursery.kept.end_idle(nursery.defaults.warm_zygotes);
        });
        place.start = Some(Start {
            ended: ended.clone(),
            task: task.abort_handle(),
        });
        Err(ended)
    }

    /// Looks at a deployment's files afresh when it is next attempted, from a new zygote.
    pub async fn forget(&self, id: DeploymentId) {
        self.known.lock().await.remove(&id);
        self.kept.places().remove(&id);
    }

    /// Starts a zygote afresh, keeps it, and tells what it found.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub async fn probe(&self, prepared: &Prepared) -> Result<Found, DeployError> {
        let (warm, found) = self.warm_up(prepared).await?;
        self.kept.keep(prepared.id, warm);
        self.kept.end_idle(self.defaults.warm_zygotes);
        Ok(found)
    }

    /// All that are warm. One that is being started is told of once it is there.
    pub fn status(&self) -> Vec<ZygoteStatus> {
        let places = self.kept.places();
        let warm = places
            .iter()
            .filter_map(|(id, place)| Some((id, place.warm.as_ref()?)));
        warm.map(|(id, warm)| {
            let zygote = warm.zygote.as_ref();
            ZygoteStatus {
                deployment: *id,
                project: warm.project.clone(),
                pid: zygote.map_or(0, |zygote| zygote.imported().process.pid),
                fork_way: warm.source.way(),
                reason: warm.reason.clone(),
                children: zygote.map_or(0, |zygote| zygote.children()),
                confinement: warm.source.confinement().to_owned(),
            }
        })
        .collect()
    }
}
