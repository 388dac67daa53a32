//! Runs that wait for a host go on when it is back: one after the other, so that it is not run over.

use std::sync::Arc;
use std::time::Duration;

use store::Meant;

use crate::alarm::Alarm;
use crate::runner::Shared;

/// Between two runs that go on with the same host.
const APART: Duration = Duration::from_millis(50);

/// Lets them go on, for as long as the runner is there.
pub(crate) async fn admit_recovered(shared: Arc<Shared>) {
    const WHAT: &str = "letting runs go on whose host is back";
    let _alarm = Alarm(WHAT);
    let mut draining = shared.draining.subscribe();
    loop {
        let recovered = tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => return,
            recovered = shared.options.way_out.recovered() => recovered,
        };
        // Of every project: what one of them found out spares the others a wait.
        let meant = Meant::Authority(recovered.host.clone());
        let now = (shared.options.clock)();
        match shared
            .store
            .admit_waiting(meant, APART, &shared.options.policy, now)
            .await
        {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(
                    host = recovered.host,
                    count,
                    "a host is back: runs that wait for it go on"
                );
                shared.wake.notify_one();
            }
            // They come due by themselves, later.
            Err(error) => tracing::warn!(host = recovered.host, %error, "{WHAT} failed"),
        }
    }
}
