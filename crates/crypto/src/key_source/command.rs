//! A key from a command's standard output.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

/// How long a command may take: a person may have to type a passphrase.
pub(super) const TIMEOUT: Duration = Duration::from_secs(120);
/// The most that is read of it, in bytes.
const MAX_OUTPUT_BYTES: usize = 4096;
/// How long a command that has closed its output may take to end, as a number of looks at it.
const EXIT_LOOKS: u32 = 500;
const EXIT_LOOK_EVERY: Duration = Duration::from_millis(10);

/// What was wrong with the command. Its standard error went where ours goes.
#[derive(Debug, thiserror::Error)]
pub enum CommandProblem {
    /// It could not be started.
    #[error("cannot be started: {0}")]
    Start(io::Error),
    /// Its output could not be read, or its end not be told.
    #[error("cannot be followed: {0}")]
    Follow(io::Error),
    /// It ended badly.
    #[error("failed ({0}): run it by hand to see why")]
    Failed(ExitStatus),
    /// It wrote more than a key.
    #[error("wrote more than {MAX_OUTPUT_BYTES} bytes: it must write the key alone")]
    TooMuch,
    /// It took too long, and was ended.
    #[error("did not end within {} s: run it by hand to see what it waits for", .0.as_secs())]
    TimedOut(Duration),
}

pub(super) fn output(
    program: &str,
    args: &[String],
    timeout: Duration,
) -> Result<Zeroizing<Vec<u8>>, CommandProblem> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CommandProblem::Start)?;
    let read = read_output(&mut child, timeout);
    let status = if read.is_ok() { wait(&mut child) } else { Ok(None) };
    if !matches!(status, Ok(Some(_))) {
        end(&mut child)?;
    }
    let text = read?;
    match status? {
        Some(status) if status.success() => Ok(text),
        Some(status) => Err(CommandProblem::Failed(status)),
        None => Err(CommandProblem::TimedOut(EXIT_LOOK_EVERY * EXIT_LOOKS)),
    }
}

/// On a thread of its own, which bounds the wait without a clock. Where the command is ended but a process of
/// its own keeps the pipe, that thread stays until the pipe closes.
fn read_output(child: &mut Child, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, CommandProblem> {
    let Some(pipe) = child.stdout.take() else {
        return Err(CommandProblem::Follow(io::ErrorKind::BrokenPipe.into()));
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    let reader = move || {
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_BYTES + 1));
        let read = pipe.take(MAX_OUTPUT_BYTES as u64 + 1).read_to_end(&mut text);
        // Nobody listens any more after a time-out: then the text is overwritten here.
        drop(sender.send(read.map(|_| text)));
    };
    thread::Builder::new()
        .name("key-command".into())
        .spawn(reader)
        .map_err(CommandProblem::Follow)?;
    match receiver.recv_timeout(timeout) {
        Ok(Ok(text)) if text.len() > MAX_OUTPUT_BYTES => Err(CommandProblem::TooMuch),
        Ok(read) => read.map_err(CommandProblem::Follow),
        Err(_) => Err(CommandProblem::TimedOut(timeout)),
    }
}

fn wait(child: &mut Child) -> Result<Option<ExitStatus>, CommandProblem> {
    for _ in 0..EXIT_LOOKS {
        if let Some(status) = child.try_wait().map_err(CommandProblem::Follow)? {
            return Ok(Some(status));
        }
        thread::sleep(EXIT_LOOK_EVERY);
    }
    Ok(None)
}

fn end(child: &mut Child) -> Result<(), CommandProblem> {
    child
        .kill()
        .and_then(|()| child.wait())
        .map(drop)
        .map_err(CommandProblem::Follow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, CommandProblem> {
        output("sh", &["-c".into(), script.into()], timeout)
    }

    #[test]
    fn a_commands_output_is_taken_and_every_way_to_fail_is_told() {
        assert_eq!(**shell("echo key", TIMEOUT).expect("output"), *b"key\n");
        let error = shell("echo key; exit 3", TIMEOUT)
            .expect_err("failed")
            .to_string();
        assert!(
            error.contains("exit status: 3") && !error.contains("key"),
            "{error}"
        );
        assert!(matches!(shell("yes", TIMEOUT), Err(CommandProblem::TooMuch)));
        assert!(matches!(
            output("no-such-program-here", &[], TIMEOUT),
            Err(CommandProblem::Start(_))
        ));
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let timeout = Duration::from_millis(200);
        assert!(matches!(shell("exec sleep 600", timeout), Err(CommandProblem::TimedOut(t)) if t == timeout));
    }
}
