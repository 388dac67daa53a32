//! What the end of a child means: a code of its own for every way in which it can go wrong.

use std::time::Duration;

use domain::{AttemptEnd, Code, ErrorDocument};

use crate::frame::FrameError;
use crate::process::Exit;

/// Exit status of a child whose runtime failed (docs/protocol.md).
const FAULT_STATUS: i32 = 118;
/// Exit status of a child that found its channel closed or replaced.
const CHANNEL_LOST_STATUS: i32 = 119;
/// Exit statuses from here on say which step into the confinement failed.
const STEP_STATUS: i32 = 120;
/// The steps, in order.
const STEPS: [&str; 8] = [
    "tying its life to the zygote's",
    "resetting signals",
    "placing its descriptors",
    "closing the others",
    "setting its limits",
    "making its folder",
    "entering Landlock",
    "installing its system call filter",
];
/// What a function sees of its channel.
const CHANNEL: &str = "file descriptor 3";
const SIGNAL_KILL: i32 = 9;
const SIGNAL_CPU: i32 = 24;

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
    /// It asked for more effects than it may.
    TooManyEffects(u32),
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

fn failed(code: Code, message: String) -> AttemptEnd {
    AttemptEnd::Failed {
        code,
        signal: None,
        exit_status: None,
        message,
        error: None,
    }
}

/// The end of an attempt whose child handed in a result. `mark` is the code of the refused effect that the exception was
/// raised from, as the child says.
pub fn with_result(outcome: &str, error: Option<ErrorDocument>, mark: Option<Code>) -> AttemptEnd {
    // The child may say what it likes: only that an effect was refused is its own to tell.
    let mark = mark.filter(|code| matches!(code, Code::EffectRefused | Code::RequestTooLarge));
    let code = match (outcome, error.as_ref().map(|error| error.kind.as_str())) {
        ("returned", _) => {
            return AttemptEnd::Returned {
                unsettled_failures: 0,
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

/// The end of an attempt without a result.
pub fn without_result(
    verdict: Verdict,
    exit: Exit,
    last_effect: Option<String>,
    stack: Option<ErrorDocument>,
) -> AttemptEnd {
    let end = match verdict {
        Verdict::Cancelled => return AttemptEnd::Cancelled,
        Verdict::Released => return AttemptEnd::Interrupted,
        Verdict::Result | Verdict::ChannelClosed if exit == Exit::ZygoteEnded => {
            return AttemptEnd::Interrupted;
        }
        Verdict::Deadline(limit) => failed(
            Code::DeadlineExceeded,
            format!(
                "end_function was still running after {} and was ended",
                seconds(limit)
            ),
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
        Verdict::TooManyEffects(limit) => failed(
            Code::OutputFlooded,
            format!("the attempt asked for more than {limit} effects"),
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
        Verdict::Result | Verdict::ChannelClosed => from_exit(exit),
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
            error: error.or(stack),
        },
        end => end,
    };
    match (end, last_effect) {
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

fn from_exit(exit: Exit) -> AttemptEnd {
    let (status, usage) = match exit {
        Exit::Ended { status, usage } => (status, usage),
        Exit::NotForked { error } => {
            return failed(
                Code::CouldNotStart,
                format!("the attempt's process could not be forked: {error}"),
            );
        }
        Exit::ZygoteGone | Exit::ZygoteEnded => {
            return failed(Code::ZygoteDied, Code::ZygoteDied.title().to_owned());
        }
    };
    let signal = status & 0x7f;
    if signal != 0 {
        let used = Duration::from_micros(usage.user_us.saturating_add(usage.system_us)).as_secs_f64();
        let (code, message) = match signal {
            SIGNAL_CPU => (
                Code::CpuLimitExceeded,
                format!("the process used up its CPU time (limits.cpu_s) after {used:.1} s"),
            ),
            SIGNAL_KILL => (
                Code::KilledBySignal,
                "the process was killed by SIGKILL; if nobody did, the machine was out of memory".to_owned(),
            ),
            signal => (
                Code::KilledBySignal,
                format!("the process was killed by {}", signal_name(signal)),
            ),
        };
        return AttemptEnd::Failed {
            code,
            signal: Some(signal),
            exit_status: None,
            message,
            error: None,
        };
    }
    let exit_status = (status >> 8) & 0xff;
    let step = usize::try_from(exit_status - STEP_STATUS - 1)
        .ok()
        .and_then(|i| STEPS.get(i));
    let (code, message) = match (exit_status, step) {
        (FAULT_STATUS, _) => (
            Code::RuntimeFailed,
            "Aftercall's own code in the attempt's process failed; the last log entry says at what"
                .to_owned(),
        ),
        (CHANNEL_LOST_STATUS, _) => (
            Code::ProtocolViolated,
            format!(
                "the function closed the channel to its supervisor ({CHANNEL}), so that nothing could be told of how it ended"
            ),
        ),
        (_, Some(step)) => (
            Code::CouldNotStart,
            format!("the attempt's process failed at {step}"),
        ),
        (_, None) => (
            Code::ExitedWithoutResult,
            format!("the process exited with status {exit_status} before end_function returned"),
        ),
    };
    AttemptEnd::Failed {
        code,
        signal: None,
        exit_status: Some(exit_status),
        message,
        error: None,
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        3 => "SIGQUIT".to_owned(),
        4 => "SIGILL (an illegal instruction)".to_owned(),
        6 => "SIGABRT (it aborted itself)".to_owned(),
        7 => "SIGBUS (a bad memory access)".to_owned(),
        8 => "SIGFPE (an arithmetic fault)".to_owned(),
        11 => "SIGSEGV (a bad memory access)".to_owned(),
        13 => "SIGPIPE".to_owned(),
        14 => "SIGALRM (a timer of its own ran out)".to_owned(),
        15 => "SIGTERM".to_owned(),
        25 => "SIGXFSZ (it wrote a file larger than allowed)".to_owned(),
        31 => "SIGSYS (a system call that is not allowed)".to_owned(),
        other => format!("signal {other}"),
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use domain::ResourceUse;

    use super::*;

    fn ended(verdict: Verdict, status: i32) -> (Code, String) {
        let usage = ResourceUse::default();
        match without_result(verdict, Exit::Ended { status, usage }, None, None) {
            AttemptEnd::Failed { code, message, .. } => (code, message),
            end => panic!("{end:?}"),
        }
    }

    #[test]
    fn a_channel_that_the_function_closed_is_told_as_that_and_not_as_memory() {
        let (code, message) = ended(Verdict::ChannelLeft(Duration::from_secs(5)), SIGNAL_KILL);
        assert_eq!(code, Code::ProtocolViolated);
        assert!(
            message.contains("closed the channel") && message.contains("file descriptor 3"),
            "{message}"
        );
        let (code, message) = ended(Verdict::ChannelClosed, CHANNEL_LOST_STATUS << 8);
        assert_eq!(code, Code::ProtocolViolated);
        assert!(message.contains("closed the channel"), "{message}");
        let (code, message) = ended(Verdict::ChannelClosed, SIGNAL_KILL);
        assert_eq!(code, Code::KilledBySignal);
        assert!(message.contains("out of memory"), "{message}");
    }

    #[test]
    fn cpu_time_just_below_its_limit_is_not_told_as_a_second_less() {
        let usage = ResourceUse {
            user_us: 1_900_000,
            system_us: 98_500,
            ..ResourceUse::default()
        };
        let exit = Exit::Ended {
            status: SIGNAL_CPU,
            usage,
        };
        match without_result(Verdict::ChannelClosed, exit, None, None) {
            AttemptEnd::Failed { code, message, .. } => {
                assert_eq!(code, Code::CpuLimitExceeded);
                assert!(message.ends_with("after 2.0 s"), "{message}");
            }
            end => panic!("{end:?}"),
        }
    }

    #[test]
    fn a_fault_of_the_runtime_is_ours_and_an_exit_of_the_function_its_own() {
        assert_eq!(
            ended(Verdict::ChannelClosed, FAULT_STATUS << 8).0,
            Code::RuntimeFailed
        );
        assert_eq!(
            ended(Verdict::ChannelClosed, 70 << 8).0,
            Code::ExitedWithoutResult
        );
    }

    #[test]
    fn a_child_may_mark_an_exception_as_a_refused_effect_and_as_nothing_else() {
        let code = |mark| match with_result("raised", None, Some(mark)) {
            AttemptEnd::Failed { code, .. } => code,
            end => panic!("{end:?}"),
        };
        assert_eq!(code(Code::EffectRefused), Code::EffectRefused);
        assert_eq!(code(Code::ZygoteDied), Code::FunctionRaised);
    }
}
