//! What a person decided, and the records that say so: one transaction, made of what that person was shown.

use domain::run::Policy;
use domain::{Epoch, RunId, Timestamp};

use super::apply::Apply;
use super::columns::RunRow;
use super::failure::Failure;
use super::job::{Batch, Write};
use super::journal::{self, SealedRecord};
use super::lanes::Lane;
use super::readers::Reader;
use super::{SqliteStore, read};
use crate::{Applied, Decided, StoreError};

/// A decision about one run.
pub(super) struct Decide {
    /// The run's next state.
    pub apply: Apply,
    /// The run's epoch when it was read.
    pub epoch: Epoch,
    /// How many records there were.
    pub first: u32,
    /// What is added to them.
    pub records: Vec<SealedRecord>,
}

impl Write for Decide {
    type Answer = Applied;
    const LANE: Lane = Lane::Claim;
    const FAIL_POINTS: Option<[&'static str; 2]> =
        Some(["store.decide.before_commit", "store.decide.after_commit"]);

    fn rows(&self) -> usize {
        1 + self.records.len()
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Applied, Failure> {
        let run: RunId = self.apply.run;
        let row = RunRow::find(batch.connection, run)?.ok_or(StoreError::NoSuchRun(run))?;
        if row.state.epoch != self.epoch || journal::count(batch.connection, run)? != self.first {
            return Err(StoreError::Outdated(run).into());
        }
        let applied = self.apply.carry_out(batch)?;
        journal::add(batch.connection, run, self.epoch, self.first, &self.records)?;
        Ok(applied)
    }
}

impl SqliteStore {
    /// Seals the records, and writes them with the step.
    pub(super) async fn write_decision(
        &self,
        decided: Decided,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let Decided {
            run,
            epoch,
            first,
            records,
            event,
        } = decided;
        let bytes = records.iter().map(|record| record.body.len()).sum();
        let seal = move |reader: &mut Reader| match journal::seal_records(reader, run, first, &records)? {
            Some(sealed) => Ok(sealed),
            None => Err(StoreError::Erased(read::conversation_of(reader, run)?)),
        };
        let records = self.readers.read(seal).await?;
        let apply = Apply {
            run,
            event,
            report: None,
            policy: policy.clone(),
            now,
        };
        let request = Decide {
            apply,
            epoch,
            first,
            records,
        };
        self.write(request, bytes).await
    }
}
