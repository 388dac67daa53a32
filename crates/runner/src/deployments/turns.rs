//! Deploying the same content one after the other.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use domain::DeploymentId;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Whose turn it is, by deployment. A deploy that fails takes its files away again: nobody else may count on them then.
#[derive(Default)]
pub(super) struct Turns(std::sync::Mutex<HashMap<DeploymentId, Arc<Mutex<()>>>>);

impl Turns {
    /// Waits until no other deploy of this content is under way.
    pub async fn take(&self, id: DeploymentId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(id).or_default())
        };
        turn.lock_owned().await
    }
}
