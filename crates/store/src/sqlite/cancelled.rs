//! What a cancelled attempt says of itself once its child is gone: its row was closed with its run, before that.

use domain::{Epoch, RunId};
use rusqlite::{named_params, params};

use super::columns::{integer, micros};
use super::failure::Failure;
use super::job::{Batch, Write};
use super::lanes::Lane;
use super::seal::SealedReport;

/// One such attempt. Of its report only log, use and confinement count: what it would have left is of no run.
pub(super) struct KeepCancelled {
    pub run: RunId,
    pub epoch: Epoch,
    pub report: SealedReport,
}

impl Write for KeepCancelled {
    type Answer = ();
    const LANE: Lane = Lane::Completion;

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let Self { run, epoch, report } = self;
        let kept = batch
            .connection
            .prepare_cached(
                "UPDATE attempt SET function_started_at = :function_started_at, user_us = :user_us, \
                 system_us = :system_us, max_rss_kib = :max_rss_kib, minor_faults = :minor_faults, \
                 confinement = :confinement \
                 WHERE run_id = :run AND number = :number AND epoch = :epoch AND outcome = 'cancelled' \
                 AND function_started_at IS NULL",
            )?
            .execute(named_params! {
                ":run": run.as_bytes(),
                ":number": report.number.0,
                ":epoch": integer(epoch.0),
                ":function_started_at": report.function_started_at.map(micros),
                ":user_us": integer(report.usage.user_us),
                ":system_us": integer(report.usage.system_us),
                ":max_rss_kib": integer(report.usage.max_rss_kib),
                ":minor_faults": integer(report.usage.minor_faults),
                ":confinement": report.confinement,
            })?;
        if kept == 1 && report.logs.is_some() {
            batch
                .connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO attempt_record (run_id, number, logs) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![run.as_bytes(), report.number.0, report.logs])?;
        }
        Ok(())
    }
}
