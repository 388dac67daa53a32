//! Runs that wait for a host go on when it is back, one after the other, so that it is not run over; and while it is out they are not all
//! begun at once in vain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use effects::News;
use jiff::SignedDuration;
use store::{Meant, StoreError};

use crate::alarm::Alarm;
use crate::runner::Shared;

/// Between two runs that go on with the same host.
const APART: Duration = Duration::from_millis(50);
/// Those that are due are put off no more often: each time all of them are.
const LOOK: SignedDuration = SignedDuration::from_secs(1);
/// Hosts of which it is remembered when that was done last.
const REMEMBERED: usize = 1_000;

/// Lets them go on, for as long as the runner is there.
pub(crate) async fn admit_recovered(shared: Arc<Shared>) {
    const WHAT: &str = "letting runs go on that wait for a host";
    let _alarm = Alarm(WHAT);
    let mut draining = shared.draining.subscribe();
    let mut looked = HashMap::new();
    loop {
        let news = tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => return,
            news = shared.options.way_out.news() => news,
        };
        if let Err(error) = heed(&shared, news, &mut looked).await {
            // They come due by themselves.
            tracing::warn!(%error, "{WHAT} failed");
        }
    }
}

async fn heed(
    shared: &Shared,
    news: News,
    looked: &mut HashMap<String, Timestamp>,
) -> Result<(), StoreError> {
    let (store, now) = (&shared.store, (shared.options.clock)());
    match news {
        News::Recovered { host } => {
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
            let whose = format!("{project}/{environment}/{host}");
            let is_soon = |last: &Timestamp| now.duration_since(*last) < LOOK;
            if looked.get(&whose).is_some_and(is_soon) {
                return Ok(());
            }
            if looked.len() >= REMEMBERED {
                looked.retain(|_, last| is_soon(last));
            }
            looked.insert(whose, now);
            store
                .spread_waiting(&project, environment, &host, APART, now)
                .await?;
        }
    }
    Ok(())
}
