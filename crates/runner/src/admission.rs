//! Runs that wait for a host go on when it is back, one after the other, so that it is not run over; and while it is out they are not all
//! begun at once in vain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Environment, ProjectName, Timestamp};
use effects::News;
use jiff::SignedDuration;
use store::{Meant, StoreError};

use crate::alarm::Alarm;
use crate::runner::Shared;

/// Between two runs that go on with the same host.
const APART: Duration = Duration::from_millis(50);
/// Those that are due are put off no more often: each time all of them are.
const LOOK: SignedDuration = SignedDuration::from_secs(1);
/// Hosts of which it is remembered when their runs look again.
const REMEMBERED: usize = 1_000;

/// Lets them go on, for as long as the runner is there.
pub(crate) async fn admit_recovered(shared: Arc<Shared>) {
    const WHAT: &str = "letting runs go on that wait for a host";
    let _alarm = Alarm(WHAT);
    let mut draining = shared.draining.subscribe();
    let mut queues = Queues::default();
    loop {
        let news = tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => return,
            news = shared.options.way_out.news() => news,
        };
        if let Err(error) = heed(&shared, news, &mut queues).await {
            // They come due by themselves.
            tracing::warn!(%error, "{WHAT} failed");
        }
    }
}

async fn heed(shared: &Shared, news: News, queues: &mut Queues) -> Result<(), StoreError> {
    let (store, now) = (&shared.store, (shared.options.clock)());
    match news {
        News::Recovered { host } => {
            queues.forget(&host);
            // Of every project: what one of them found out spares the others a wait.
            let meant = Meant::Authority(host.clone());
            let count = store
                .admit_waiting(meant, APART, &shared.options.policy, now)
                .await?;
            if count > 0 {
                tracing::info!(host, count, "a host is back: runs that wait for it go on");
                shared.wake.notify_one();
            }
        }
        News::Out {
            project,
            environment,
            host,
        } => {
            let whose = (project, environment, host);
            let Some(first) = queues.join(&whose, now) else {
                return Ok(());
            };
            let (project, environment, host) = &whose;
            let count = store
                .spread_waiting(project, *environment, host, first, APART, now)
                .await?;
            queues.joined(whose, first, count, now);
        }
    }
    Ok(())
}

/// Whose runs wait, and for which host (its name, with its port where that is not the scheme's own).
type Whose = (ProjectName, Environment, String);

/// The runs that wait for a host that is out and were put off stand in a queue, in which each has its moment to look again.
#[derive(Default)]
struct Queues(HashMap<Whose, Queue>);

#[derive(Clone, Copy)]
struct Queue {
    joined_at: Timestamp,
    /// The moment of the next one that joins, unless it has passed.
    end: Timestamp,
}

impl Queues {
    /// From when those that are due now may look again: behind all that joined before. `None`: others did a moment ago.
    fn join(&self, whose: &Whose, now: Timestamp) -> Option<Timestamp> {
        let soonest = moments_after(now, 1);
        match self.0.get(whose) {
            Some(queue) if now.duration_since(queue.joined_at) < LOOK => None,
            Some(queue) => Some(queue.end.max(soonest)),
            None => Some(soonest),
        }
    }

    /// So many did, from `first` on.
    fn joined(&mut self, whose: Whose, first: Timestamp, count: u64, now: Timestamp) {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, queue| queue.end > now);
        }
        let end = moments_after(first, count);
        self.0.insert(whose, Queue { joined_at: now, end });
    }

    /// The host is back: nobody waits for a moment any more.
    fn forget(&mut self, host: &str) {
        self.0.retain(|(_, _, of), _| of != host);
    }
}

/// The moment of what stands `places` behind.
fn moments_after(at: Timestamp, places: u64) -> Timestamp {
    let apart = SignedDuration::try_from(APART).unwrap_or(SignedDuration::MAX);
    let passed = apart.saturating_mul(i32::try_from(places).unwrap_or(i32::MAX));
    at.saturating_add(passed).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joins_a_queue_looks_again_behind_all_that_joined_before() {
        let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let of = |host: &str| {
            let project: ProjectName = "bank".parse().unwrap_or_else(|_| unreachable!());
            (project, Environment::Live, host.to_owned())
        };
        let apart = SignedDuration::from_millis(50);
        let mut queues = Queues::default();
        assert_eq!(queues.join(&of("crm"), at(0)), Some(at(0) + apart));
        queues.joined(of("crm"), at(0) + apart, 1_000, at(0));
        assert_eq!(queues.join(&of("crm"), at(0) + apart), None, "others just did");
        assert_eq!(queues.join(&of("crm"), at(10)), Some(at(50) + apart));
        assert_eq!(queues.join(&of("erp"), at(10)), Some(at(10) + apart));
        queues.joined(of("crm"), at(50) + apart, 20, at(10));
        assert_eq!(queues.join(&of("crm"), at(11)), Some(at(51) + apart));
        assert_eq!(
            queues.join(&of("crm"), at(60)),
            Some(at(60) + apart),
            "all had their turn"
        );
        queues.joined(of("crm"), at(60) + apart, 1_000, at(60));
        queues.forget("crm");
        assert_eq!(queues.join(&of("crm"), at(60)), Some(at(60) + apart));
    }
}
