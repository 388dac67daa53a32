//! What the end of an attempt means: a code of its own for every way in which it can go wrong.

use std::time::Duration;

use domain::{AttemptEnd, Code, ErrorDocument};

use super::exit;
use super::stack::Stack;
use crate::frame::FrameError;
use crate::process::Exit;
use effects::{Conclusion, Halt};

/// How the codes of effects begin.
const EFFECT_CODES: &str = "AC04";
/// What a function sees of its channel.
pub(super) const CHANNEL: &str = "file descriptor 3";

/// Why the supervisor stopped listening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The child handed in its result.
    Result,
    /// Its channel closed without one: it ended, as a rule.
    ChannelClosed,
    /// Its channel closed without one, and it ran on for so long that it was ended.
    ChannelLeft(Duration),
    /// It ran longer than it may.
    Deadline(Duration),
    /// Its zygote had not forked it within this time.
    NotForked(Duration),
    /// It logged more than it may.
    Flooded(usize),
    /// What it asked for cannot go on: a host is out, or a person must decide.
    Halted(Halt),
    /// Its own folder came to hold more than it may: in what way.
    TmpFolderFull(String),
    /// What it wrote is not a frame.
    Protocol(FrameError),
    /// The start frame could not be made.
    NotStarted(String),
    /// A person cancelled the run.
    Cancelled,
    /// The supervisor stops, or the attempt's epoch is over.
    Released,
}

pub(super) fn failed(code: Code, message: String) -> AttemptEnd {
    AttemptEnd::Failed {
        code,
        signal: None,
        exit_status: None,
        message,
        error: None,
    }
}

/// The end of an attempt whose child handed in a result. `mark` is the code of the refused effect that the exception was
/// raised from, or of memory that was used up, as the child says.
pub fn with_result(
    outcome: &str,
    error: Option<ErrorDocument>,
    mark: Option<Code>,
    unsettled: usize,
) -> AttemptEnd {
    // The child may say what it likes: only this is its own to tell.
    let mark = mark.filter(|code| code.as_str().starts_with(EFFECT_CODES) || *code == Code::OutOfMemory);
    let code = match (outcome, error.as_ref().map(|error| error.kind.as_str())) {
        ("returned", _) => {
            return AttemptEnd::Returned {
                unsettled_failures: u32::try_from(unsettled).unwrap_or(u32::MAX),
            };
        }
        ("raised", Some("MemoryError")) => Code::OutOfMemory,
        ("raised", Some("RecursionError")) => Code::RecursionTooDeep,
        ("raised", Some("SystemExit")) => Code::ExitedWithoutResult,
        ("raised", Some("ResultTooLarge")) => Code::ResultTooLarge,
        ("raised", _) => mark.unwrap_or(Code::FunctionRaised),
        ("unready", _) => Code::ImportFailedInChild,
        ("refused_input", _) => Code::StateNotRebuilt,
        _ => Code::ProtocolViolated,
    };
    let message = match &error {
        Some(error) if error.kind.is_empty() => error.message.clone(),
        Some(error) if error.message.is_empty() => error.kind.clone(),
        Some(error) => format!("{}: {}", error.kind, error.message),
        None => format!("{} (outcome {outcome:?})", code.title()),
    };
    AttemptEnd::Failed {
        code,
        signal: None,
        exit_status: None,
        message,
        error,
    }
}

/// The end of an attempt whose result is not what a result holds.
pub fn unreadable_result(problem: &str) -> AttemptEnd {
    failed(
        Code::ProtocolViolated,
        format!("the child's result cannot be read: {problem}"),
    )
}

/// What is known of a child that left no result.
#[derive(Default)]
pub struct Traces {
    /// What it may use up of CPU time.
    pub cpu_limit: Duration,
    /// It has not read its whole start frame: no code of the project's has run in it.
    pub left_its_start: bool,
    /// Its runtime has told on its output that it failed.
    pub told_a_fault: bool,
    /// What it asked for last.
    pub last_effect: Option<String>,
    /// Where it was.
    pub stack: Option<Stack>,
    /// What its effects came to.
    pub conclusion: Conclusion,
}

/// The end of an attempt without a result.
pub fn without_result(verdict: Verdict, exit: Exit, traces: Traces) -> AttemptEnd {
    let end = match verdict {
        Verdict::Cancelled => return AttemptEnd::Cancelled,
        Verdict::Released => return AttemptEnd::Interrupted,
        Verdict::Result | Verdict::ChannelClosed if exit == Exit::ZygoteEnded => {
            return AttemptEnd::Interrupted;
        }
        Verdict::Deadline(limit) => failed(
            Code::DeadlineExceeded,
            match traces.stack.as_ref().and_then(|stack| stack.outlived_by.as_ref()) {
                Some(what) => format!(
                    "end_function had returned, but {what} was still running after {} and was ended",
                    seconds(limit)
                ),
                None => format!(
                    "end_function was still running after {} and was ended",
                    seconds(limit)
                ),
            },
        ),
        Verdict::NotForked(limit) => failed(
            Code::CouldNotStart,
            format!(
                "the attempt's process was not there after {}, the attempt's deadline: its zygote does not answer",
                seconds(limit)
            ),
        ),
        Verdict::Flooded(limit) => failed(
            Code::OutputFlooded,
            format!(
                "the attempt wrote more than {} MiB to its log and output",
                limit / (1024 * 1024)
            ),
        ),
        Verdict::Halted(Halt::Wait { .. }) => return AttemptEnd::Waiting,
        Verdict::Halted(Halt::Park) => return AttemptEnd::Parked,
        Verdict::Halted(Halt::Stale) => return AttemptEnd::Interrupted,
        Verdict::Halted(Halt::Fault(error)) => failed(
            Code::StoreFailed,
            format!("what the attempt asked for could not be written down: {error}"),
        ),
        Verdict::TmpFolderFull(how) => failed(
            Code::TmpFolderFull,
            format!("the attempt's temporary folder was filled: {how}"),
        ),
        Verdict::Protocol(FrameError::TooLarge {
            kind: crate::frame::kind::RESULT,
            length,
            limit,
        }) => failed(
            Code::ResultTooLarge,
            format!("state, metrics and actions are {length} bytes together; at most {limit} are allowed"),
        ),
        Verdict::Protocol(error) => failed(
            Code::ProtocolViolated,
            format!("the process wrote to the channel to its supervisor ({CHANNEL}): it carried {error}"),
        ),
        Verdict::ChannelLeft(patience) => failed(
            Code::ProtocolViolated,
            format!(
                "the function closed the channel to its supervisor ({CHANNEL}); it was still running {} later, and we ended it",
                seconds(patience)
            ),
        ),
        Verdict::NotStarted(error) => failed(Code::CouldNotStart, error),
        Verdict::Result | Verdict::ChannelClosed => exit::means(exit, &traces),
    };
    let end = match end {
        AttemptEnd::Failed {
            code,
            signal,
            exit_status,
            message,
            error,
        } => AttemptEnd::Failed {
            code,
            signal,
            exit_status,
            message,
            error: error.or(traces.stack.map(|stack| stack.document)),
        },
        end => end,
    };
    match (end, traces.last_effect) {
        (
            AttemptEnd::Failed {
                code,
                signal,
                exit_status,
                message,
                error,
            },
            Some(effect),
        ) => {
            let message = format!("{message}; the last thing it asked for was {effect}");
            AttemptEnd::Failed {
                code,
                signal,
                exit_status,
                message,
                error,
            }
        }
        (end, _) => end,
    }
}

pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_child_may_mark_an_exception_as_a_refused_effect_or_as_out_of_memory_and_as_nothing_else() {
        let code = |mark| match with_result("raised", None, Some(mark), 0) {
            AttemptEnd::Failed { code, .. } => code,
            end => panic!("{end:?}"),
        };
        assert_eq!(code(Code::EffectRefused), Code::EffectRefused);
        assert_eq!(code(Code::OutOfMemory), Code::OutOfMemory);
        assert_eq!(code(Code::ZygoteDied), Code::FunctionRaised);
    }
}
