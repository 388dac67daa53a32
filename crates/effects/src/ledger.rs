//! Where the journal of a run is kept.

use std::sync::Arc;

use async_trait::async_trait;
use domain::effect::Record;
use domain::{Epoch, RunId};
use store::{Store, StoreError};

/// Keeps the journals of runs; see the methods of the same names of [`Store`].
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Adds records, durably, numbered from `first`.
    async fn record(
        &self,
        run: RunId,
        epoch: Epoch,
        first: u32,
        records: Vec<Record>,
    ) -> Result<(), StoreError>;

    /// All of them, in order.
    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError>;
}

/// In a store.
pub struct Kept(pub Arc<dyn Store>);

#[async_trait]
impl Ledger for Kept {
    async fn record(
        &self,
        run: RunId,
        epoch: Epoch,
        first: u32,
        records: Vec<Record>,
    ) -> Result<(), StoreError> {
        self.0.record(run, epoch, first, records).await
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.0.journal(run).await
    }
}

/// Nowhere: for one attempt after which nobody comes back.
pub struct Unkept;

#[async_trait]
impl Ledger for Unkept {
    async fn record(&self, _: RunId, _: Epoch, _: u32, _: Vec<Record>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn journal(&self, _: RunId) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }
}
