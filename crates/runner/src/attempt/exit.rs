//! What the exit of a child without a result means.

use domain::{AttemptEnd, Code};

use super::ending::{CHANNEL, Traces, failed, seconds};
use crate::process::Exit;

/// Exit status of a child whose runtime failed (docs/protocol.md).
const FAULT_STATUS: i32 = 118;
/// Exit status of a process that found its way to the supervisor, file descriptor 3, closed or replaced.
pub const CHANNEL_LOST_STATUS: i32 = 119;
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
const SIGNAL_KILL: i32 = 9;
const SIGNAL_CPU: i32 = 24;

/// The end of an attempt whose child ended by itself.
pub fn means(exit: Exit, traces: &Traces) -> AttemptEnd {
    let status = match exit {
        Exit::Ended { status, .. } => status,
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
        let (code, message) = match signal {
            SIGNAL_CPU => (
                Code::CpuLimitExceeded,
                format!(
                    "the process used up its CPU time of {} (limits.cpu_s)",
                    seconds(traces.cpu_limit)
                ),
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
    // Any status may be the function's own as well. It is one of these only if the function cannot have run, or if the child has
    // said so beside it.
    let step = usize::try_from(exit_status - STEP_STATUS - 1)
        .ok()
        .filter(|_| traces.left_its_start)
        .and_then(|i| STEPS.get(i));
    let (code, message) = match (exit_status, step) {
        (FAULT_STATUS, _) if traces.told_a_fault => (
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

/// As people know it, with what it says of the process.
pub fn signal_name(signal: i32) -> String {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use std::time::Duration;

    use domain::ResourceUse;

    use super::super::ending::{Verdict, without_result};
    use super::*;

    fn ended(verdict: Verdict, status: i32, traces: Traces) -> (Code, String) {
        let usage = ResourceUse::default();
        match without_result(verdict, Exit::Ended { status, usage }, traces) {
            AttemptEnd::Failed { code, message, .. } => (code, message),
            end => panic!("{end:?}"),
        }
    }

    #[test]
    fn a_channel_that_the_function_closed_is_told_as_that_and_not_as_memory() {
        let (code, message) = ended(
            Verdict::ChannelLeft(Duration::from_secs(5)),
            SIGNAL_KILL,
            Traces::default(),
        );
        assert_eq!(code, Code::ProtocolViolated);
        assert!(
            message.contains("closed the channel") && message.contains("file descriptor 3"),
            "{message}"
        );
        let (code, message) = ended(
            Verdict::ChannelClosed,
            CHANNEL_LOST_STATUS << 8,
            Traces::default(),
        );
        assert_eq!(code, Code::ProtocolViolated);
        assert!(message.contains("closed the channel"), "{message}");
        let (code, message) = ended(Verdict::ChannelClosed, SIGNAL_KILL, Traces::default());
        assert_eq!(code, Code::KilledBySignal);
        assert!(message.contains("out of memory"), "{message}");
    }

    #[test]
    fn a_status_of_ours_is_the_functions_own_where_it_may_have_run() {
        let ended = |status: i32, traces| ended(Verdict::ChannelClosed, status << 8, traces).0;
        let told = || Traces {
            told_a_fault: true,
            ..Traces::default()
        };
        let left = || Traces {
            left_its_start: true,
            ..Traces::default()
        };
        assert_eq!(ended(FAULT_STATUS, told()), Code::RuntimeFailed);
        assert_eq!(ended(70, told()), Code::ExitedWithoutResult);
        let last = STEP_STATUS + i32::try_from(STEPS.len()).unwrap();
        for status in STEP_STATUS + 1..=last {
            assert_eq!(ended(status, left()), Code::CouldNotStart, "{status}");
        }
        for status in FAULT_STATUS..=last {
            let expected = match status {
                CHANNEL_LOST_STATUS => Code::ProtocolViolated,
                _ => Code::ExitedWithoutResult,
            };
            assert_eq!(ended(status, Traces::default()), expected, "{status}");
        }
    }

    #[test]
    fn used_up_cpu_time_is_told_with_its_limit() {
        let traces = Traces {
            cpu_limit: Duration::from_secs(90),
            ..Traces::default()
        };
        let (code, message) = ended(Verdict::ChannelClosed, SIGNAL_CPU, traces);
        assert_eq!(code, Code::CpuLimitExceeded);
        assert!(message.contains("90 s (limits.cpu_s)"), "{message}");
    }
}
