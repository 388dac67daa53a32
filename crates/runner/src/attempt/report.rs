//! What became of an attempt, as it is written down.

use domain::{
    Action, AttemptEnd, AttemptNumber, AttemptReport, Code, ErrorDocument, Metric, Timestamp, WaitsFor, json,
};
use effects::Halt;
use minicbor::bytes::ByteVec;

use super::ending::{self, Traces};
use super::{Listener, Verdict};
use crate::frame::ResultFrame;
use crate::process::Exit;

#[derive(serde::Deserialize, Default)]
struct Timing {
    #[serde(default)]
    started_at_ns: Option<i64>,
}

/// What is written down of an attempt that is over.
pub fn report(
    number: AttemptNumber,
    verdict: Verdict,
    exit: Exit,
    listener: Listener,
    traces: Traces,
    given_at: Timestamp,
    now: Timestamp,
) -> AttemptReport {
    let mut report = AttemptReport::bare(number, AttemptEnd::Interrupted, now);
    if let Exit::Ended { usage, .. } = &exit {
        report.usage = *usage;
    }
    // A child without a result has not told when its function began: it was given it then.
    report.function_started_at = Some(given_at);
    report.logs = listener.logs.into_entries();
    let unsettled = traces.conclusion.failures();
    report.unheard_unknown = !traces.conclusion.unheard_unknown.is_empty();
    if let Verdict::Halted(Halt::Wait { origin, until }) = &verdict {
        report.waits_for = Some(WaitsFor {
            origin: origin.clone(),
            until: *until,
        });
    }
    let result = listener.result.filter(|_| verdict == Verdict::Result);
    let Some(result) = result else {
        report.end = ending::without_result(verdict, exit, traces);
        return report;
    };
    match read_result(&mut report, &result) {
        Ok((error, code)) => report.end = ending::with_result(&result.outcome, error, code, unsettled),
        Err(problem) => report.end = ending::unreadable_result(&problem),
    }
    report
}

/// What a child's error document says beside the exception itself.
#[derive(serde::Deserialize)]
struct ErrorMark {
    /// The refused effect that the exception was raised from, or AC0305.
    #[serde(default)]
    code: Option<Code>,
}

/// Moves what a result holds into the report; gives the error document and its mark, if there are any.
fn read_result(
    report: &mut AttemptReport,
    result: &ResultFrame,
) -> Result<(Option<ErrorDocument>, Option<Code>), String> {
    // Within limits in every direction: depth, that a state may use; values, that small bytes may hold many of.
    fn part<T: serde::de::DeserializeOwned>(bytes: Option<&ByteVec>) -> Result<Option<T>, String> {
        let Some(bytes) = bytes else { return Ok(None) };
        let value = json::parse(bytes, json::Limits::STATE).map_err(|error| error.to_string())?;
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| error.to_string())
    }
    let timing: Timing = part(result.timing.as_ref())?.unwrap_or_default();
    if let Some(ns) = timing.started_at_ns {
        report.function_started_at = Timestamp::from_nanosecond(i128::from(ns)).ok();
    }
    let error = part(result.error.as_ref())?;
    // A code that is not known here is no mark.
    let code = part::<ErrorMark>(result.error.as_ref())
        .ok()
        .flatten()
        .and_then(|mark| mark.code);
    if result.outcome == "returned" {
        report.state = part(result.state.as_ref())?;
        report.metrics = part::<Vec<Metric>>(result.metrics.as_ref())?.unwrap_or_default();
        report.actions = part::<Vec<Action>>(result.actions.as_ref())?.unwrap_or_default();
    }
    Ok((error, code))
}
