//! Why an import came to nothing: what Python said, or what became of the process and where it was.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Code, ErrorDocument};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::document::{Failed, ProjectFault};
use super::environment::{Environment, Project};
use crate::attempt::{
    CHANNEL_LOST_STATUS, Output, STACK_PATIENCE, Stack, is_whole_stack, read_stack, signal_name,
};
use crate::deploy_error::DeployError;
use crate::launcher::Spawned;
use crate::process::{Exit, Killer};

/// How much of what a zygote prints is kept to explain its failure, bytes.
const OUTPUT_KEPT: usize = 16 * 1024;
/// How long the end of a process is waited for whose control socket has closed.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);
/// How Python's fault handler begins when native code has crashed.
const CRASH: &str = "Fatal Python error: ";
/// Signals of native code that crashed: SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
const CRASHES: [i32; 6] = [4, 6, 7, 8, 11, 31];
const SIGNAL_KILL: i32 = 9;

/// What a zygote prints, for as long as it lives.
pub struct Printed {
    kept: Arc<Mutex<Vec<u8>>>,
    stop: oneshot::Sender<()>,
    reading: JoinHandle<Option<pipe::Receiver>>,
}

impl Printed {
    /// Begins to listen. It goes on when this is dropped.
    pub fn listen(output: pipe::Receiver) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let reading = tokio::spawn(keep(output, Arc::clone(&kept), stopped));
        Self { kept, stop, reading }
    }

    /// All that a process has printed that is over.
    async fn whole(self) -> String {
        // A process that it started may hold the other end of the pipe.
        drop(tokio::time::timeout(EXIT_PATIENCE, self.reading).await);
        text(&self.kept)
    }

    /// What it has printed, and where it says that it is once `killer` has asked.
    async fn and_stack(self, killer: &Killer) -> (String, String) {
        let _has_ended = self.stop.send(());
        let Ok(Some(output)) = self.reading.await else {
            return (text(&self.kept), String::new());
        };
        killer.ask_for_stack();
        let stack = Output::new(output).catch(STACK_PATIENCE, is_whole_stack).await;
        (text(&self.kept), stack)
    }
}

fn text(kept: &Mutex<Vec<u8>>) -> String {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&kept).into_owned()
}

/// Reads until the pipe closes; gives it back if that is wanted before.
async fn keep(
    output: pipe::Receiver,
    kept: Arc<Mutex<Vec<u8>>>,
    mut stopped: oneshot::Receiver<()>,
) -> Option<pipe::Receiver> {
    let mut chunk = [0; 4096];
    let mut can_be_stopped = true;
    loop {
        tokio::select! {
            stop = &mut stopped, if can_be_stopped => match stop {
                Ok(()) => return Some(output),
                Err(_) => can_be_stopped = false,
            },
            ready = output.readable() => ready.ok()?,
        }
        match output.try_read(&mut chunk) {
            Ok(0) => return None,
            Ok(length) => {
                tracing::debug!(text = %String::from_utf8_lossy(&chunk[..length]), "a zygote printed");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = OUTPUT_KEPT.saturating_sub(kept.len());
                kept.extend_from_slice(&chunk[..length.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

/// Its control socket closed without an answer: its process ended, as a rule.
pub async fn went(
    environment: &Environment,
    project: &Project,
    process: Spawned,
    killer: &Killer,
    printed: Printed,
) -> DeployError {
    let exit = tokio::time::timeout(EXIT_PATIENCE, process.exited).await;
    // What has only let go of its socket goes on printing.
    killer.kill();
    let printed = printed.whole().await;
    let (printed, stack) = match printed.find(CRASH) {
        Some(at) => (&printed[..at], &printed[at..]),
        None => (&*printed, ""),
    };
    let (how, fix) = match exit {
        Ok(Ok(Exit::Ended { status, .. })) => ended(status),
        Ok(_) => ("its process is gone".to_owned(), "try again"),
        Err(_) => ended(CHANNEL_LOST_STATUS << 8),
    };
    let error = DeployError {
        fix: Some(fix.to_owned()),
        ..DeployError::ours(
            Code::ImportFailed,
            format!("while the project was imported {how}{}", behind(printed)),
        )
    };
    at(
        error,
        read_stack(stack, &project.folder, &environment.runtime.folder),
    )
}

/// How a process ended, and what to do about it.
fn ended(status: i32) -> (String, &'static str) {
    let signal = status & 0x7f;
    match signal {
        0 if status >> 8 == CHANNEL_LOST_STATUS => (
            "its process closed file descriptor 3, or wrote to it".to_owned(),
            "leave alone descriptors that the module has not opened itself: 3 is the way to the supervisor",
        ),
        0 => (
            format!("its process exited with status {}", (status >> 8) & 0xff),
            "leave out what ends the process when a module is imported, as os._exit does; raise an exception to refuse",
        ),
        SIGNAL_KILL => (
            "its process was killed by SIGKILL".to_owned(),
            "leave out what kills the process when a module is imported (os.kill); if nothing does, the machine was out of memory, and `dmesg` says so",
        ),
        crash if CRASHES.contains(&crash) => (
            format!("its process was killed by {}", signal_name(crash)),
            "native code crashed: update the package whose extension module did, or leave it out; a recursion without an end in C code does it too",
        ),
        signal => (
            format!("its process was killed by {}", signal_name(signal)),
            "leave out what signals the process when a module is imported (os.kill, signal.alarm)",
        ),
    }
}

/// It was still under way when its time was over.
pub async fn timed_out(
    environment: &Environment,
    project: &Project,
    killer: &Killer,
    printed: Printed,
) -> DeployError {
    let (printed, stack) = printed.and_stack(killer).await;
    let error = DeployError {
        fix: Some("move what takes long from the module's level into end_function".to_owned()),
        ..DeployError::ours(
            Code::ImportTimedOut,
            format!(
                "importing the project did not end within {} s{}",
                environment.import_timeout.as_secs(),
                behind(&printed)
            ),
        )
    };
    at(
        error,
        read_stack(&stack, &project.folder, &environment.runtime.folder),
    )
}

/// What it printed, to be put behind what became of it.
fn behind(printed: &str) -> String {
    match printed.trim() {
        "" => String::new(),
        said => format!("; it printed:\n{said}"),
    }
}

/// The error, with the project's line where it happened, if that could be told.
fn at(error: DeployError, stack: Option<Stack>) -> DeployError {
    let Some(Stack { document, .. }) = stack else {
        return error;
    };
    let own = document.frames.iter().rfind(|frame| frame.own);
    DeployError {
        file: own.map(|frame| frame.file.clone()),
        line: own.map(|frame| frame.line),
        error: Some(Box::new(document)),
        ..error
    }
}

/// Python said what is wrong.
pub fn refused(failed: Failed) -> DeployError {
    let ProjectFault {
        document,
        file,
        line,
        fix,
    } = failed.error;
    DeployError {
        code: failed.code.parse().unwrap_or(Code::ImportFailed),
        message: told(&document),
        file,
        line,
        fix,
        error: Some(Box::new(document)),
    }
}

fn told(document: &ErrorDocument) -> String {
    match document.kind.as_str() {
        "" => document.message.clone(),
        kind => format!("{kind}: {}", document.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_by_itself_is_told_by_its_signal_or_status() {
        for (status, how, fix) in [
            (
                CHANNEL_LOST_STATUS << 8,
                "closed file descriptor 3",
                "leave alone",
            ),
            (3 << 8, "exited with status 3", "os._exit"),
            (SIGNAL_KILL, "SIGKILL", "out of memory"),
            (11 | 0x80, "SIGSEGV", "native code crashed"),
            (14, "SIGALRM", "signal.alarm"),
        ] {
            let (said, advised) = ended(status);
            assert!(said.contains(how) && advised.contains(fix), "{said}: {advised}");
        }
    }
}
