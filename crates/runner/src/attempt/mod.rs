//! One attempt: a fresh child is told what to run, listened to, ended at its deadline, and what it left is written down.

mod ending;
mod exit;
mod logs;
mod output;
mod report;
mod requests;
mod source;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use domain::effect::Lane;
use domain::{AttemptNumber, AttemptReport, DeploymentId, Environment, RunId, Timestamp};
use minicbor::bytes::ByteVec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use crate::frame::{self, FromChild, ResultFrame, Start};
use crate::process::{Child, Exit, Killer};
use effects::Told;
use ending::Traces;
use logs::LogBook;
use report::report;

pub use ending::Verdict;
pub use exit::{CHANNEL_LOST_STATUS, signal_name};
pub use logs::LogLimits;
pub use output::Output;
pub use requests::Requests;
pub use stack::{Stack, is_whole as is_whole_stack, read as read_stack};

/// How long a child that has handed in its result may take to be gone.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a process whose time is over may take to write down where it is.
pub const STACK_PATIENCE: Duration = Duration::from_secs(1);
/// First size of the buffer for a child's frames, bytes: most attempts never need more.
const READ_BUFFER: usize = 16 * 1024;

/// What an attempt is given.
pub struct Assignment {
    /// The run.
    pub run: RunId,
    /// Which attempt of it.
    pub number: AttemptNumber,
    /// What runs.
    pub deployment: DeploymentId,
    /// Where.
    pub environment: Environment,
    /// The conversation, JSON.
    pub document: Vec<u8>,
    /// For its random streams: nobody outside can guess it.
    pub seed: [u8; 32],
    /// Where its files lie, to tell them apart when it hangs.
    pub places: Places,
    /// What its process may use up of CPU time, to be told should it have.
    pub cpu_limit: Duration,
    /// The child flies as a canary: no user code.
    pub canary: bool,
}

/// Where the files of an attempt lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// The user's own.
    pub project: PathBuf,
    /// What they run under.
    pub runtime: PathBuf,
}

/// What holds for every attempt of a deployment.
#[derive(Debug, Clone)]
pub struct Terms {
    /// From the first frame to the result.
    pub deadline: Duration,
    /// What the child may take after the function returned, for threads and exit handlers.
    pub grace: Duration,
    /// For what it logs.
    pub logs: LogLimits,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(600),
            grace: Duration::from_secs(10),
            logs: LogLimits::default(),
        }
    }
}

/// Ends an attempt from outside, for a reason that is not its own.
#[derive(Clone, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Default)]
struct StopState {
    verdict: std::sync::OnceLock<Verdict>,
    notify: Notify,
}

impl Stop {
    /// Asks for the end; the first reason stands.
    pub fn stop(&self, verdict: Verdict) {
        if self.0.verdict.set(verdict).is_ok() {
            self.0.notify.notify_one();
        }
    }

    /// What was asked for, if anything was.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.0.verdict.get().cloned()
    }

    /// Waits until something is asked for.
    pub(crate) async fn asked(&self) -> Verdict {
        loop {
            if let Some(verdict) = self.verdict() {
                return verdict;
            }
            self.0.notify.notified().await;
        }
    }
}

/// Runs one attempt to its end, whatever the child does.
pub async fn run(
    child: Child,
    assignment: Assignment,
    requests: Requests,
    terms: &Terms,
    stop: &Stop,
    clock: &(dyn Fn() -> Timestamp + Send + Sync),
) -> AttemptReport {
    let number = assignment.number;
    let places = assignment.places.clone();
    let (is_canary, cpu_limit) = (assignment.canary, assignment.cpu_limit);
    let Child {
        channel,
        output,
        killer,
        exited,
        tmp,
    } = child;
    let (reader, writer) = channel.into_split();
    let mut listener = Listener {
        reader,
        writer,
        buffer: BytesMut::with_capacity(READ_BUFFER),
        output: Output::new(output),
        logs: LogBook::new(terms.logs),
        requests,
        result: None,
        is_heard: false,
        left_its_start: false,
    };
    let (deadline, halted) = (
        listener.requests.deadline(terms.deadline),
        listener.requests.halted(),
    );
    let given_at = clock();
    let start = encode_start(assignment, terms, &listener.requests.clocks());
    let mut exited = exited;
    // In this order: who was cancelled before it had a process is told nothing, and who talks without end has no later turn.
    let verdict = tokio::select! {
        biased;
        verdict = stop.asked() => verdict,
        halt = halted => Verdict::Halted(halt),
        () = deadline => Verdict::Deadline(terms.deadline),
        verdict = listener.serve(start, clock) => verdict,
    };
    let verdict = match verdict {
        // Nothing of the function has run. Of a canary it tells that forks hang.
        Verdict::Deadline(limit) if !is_canary && !killer.has_begun() => Verdict::NotForked(limit),
        verdict => verdict,
    };
    // Before it is ended, so that nothing leaves of an attempt that is cancelled.
    listener.requests.over(verdict == Verdict::Result);
    let stack = match verdict {
        Verdict::Deadline(_) => {
            killer.ask_for_stack();
            let text = listener.output.catch(STACK_PATIENCE, stack::is_whole).await;
            stack::read(&text, &places.project, &places.runtime)
        }
        _ => None,
    };
    // A child that said how it ended goes by itself; all others are made to.
    if !matches!(verdict, Verdict::Result | Verdict::ChannelClosed) {
        killer.kill();
    }
    let (exit, killed) = wait_for_exit(&killer, &mut exited).await;
    let verdict = match verdict {
        Verdict::ChannelClosed if killed => Verdict::ChannelLeft(EXIT_PATIENCE),
        verdict => verdict,
    };
    listener.drain(clock).await;
    tmp.remove().await;
    let requests = std::mem::replace(&mut listener.requests, Requests::none());
    let conclusion = requests.close(verdict == Verdict::Result).await;
    let traces = Traces {
        cpu_limit,
        left_its_start: listener.left_its_start,
        told_a_fault: listener.logs.tells_a_fault(),
        last_effect: listener.logs.last_effect(),
        stack,
        conclusion,
    };
    let mut report = report(number, verdict, exit, listener, traces, given_at, clock());
    source::complete(&mut report.end, &places.project);
    report
}

/// How the child ended, and whether it had to be killed for that.
async fn wait_for_exit(killer: &Killer, exited: &mut tokio::sync::oneshot::Receiver<Exit>) -> (Exit, bool) {
    if let Ok(exit) = tokio::time::timeout(EXIT_PATIENCE, &mut *exited).await {
        return (exit.unwrap_or(Exit::ZygoteGone), false);
    }
    killer.kill();
    match tokio::time::timeout(EXIT_PATIENCE, exited).await {
        Ok(exit) => (exit.unwrap_or(Exit::ZygoteGone), true),
        // Its zygote is stuck: the child is dead or will be, and nothing that it says is heard any more.
        Err(_) => (Exit::ZygoteGone, true),
    }
}

fn encode_start(
    assignment: Assignment,
    terms: &Terms,
    clocks: &BTreeMap<Lane, Timestamp>,
) -> io::Result<Vec<u8>> {
    let clocks: BTreeMap<&str, u64> = clocks
        .iter()
        .filter_map(|(lane, time)| Some((lane.0.as_str(), requests::nanoseconds(*time)?)))
        .collect();
    let settings = serde_json::json!({
        "clocks": clocks,
        "limits": {"log_entries": terms.logs.entries, "log_bytes": terms.logs.bytes},
        "grace_s": terms.grace.as_secs_f64(),
        "canary": assignment.canary,
    });
    frame::encode(
        frame::kind::START,
        &Start {
            version: frame::VERSION,
            run: assignment.run.to_string(),
            attempt: assignment.number.0,
            deployment: assignment.deployment.to_string(),
            environment: assignment.environment.as_str().to_owned(),
            conversation: ByteVec::from(assignment.document),
            seed: ByteVec::from(assignment.seed.to_vec()),
            settings: ByteVec::from(settings.to_string().into_bytes()),
        },
    )
}

struct Listener {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    buffer: BytesMut,
    output: Output,
    logs: LogBook,
    requests: Requests,
    result: Option<Box<ResultFrame>>,
    /// It has sent a frame: it has read its start then.
    is_heard: bool,
    /// It closed its end before it had read all that it was sent.
    left_its_start: bool,
}

impl Listener {
    /// Hands the start frame over and takes frames until there is a result, or can be none.
    async fn serve(
        &mut self,
        start: io::Result<Vec<u8>>,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Verdict {
        let start = match start {
            Ok(start) => start,
            Err(error) => return Verdict::NotStarted(error.to_string()),
        };
        let mut unsent = BytesMut::from(&start[..]);
        loop {
            match self.take_frames() {
                Ok(false) => {}
                Ok(true) => return Verdict::Result,
                Err(verdict) => return verdict,
            }
            tokio::select! {
                written = self.writer.write_buf(&mut unsent), if !unsent.is_empty() => {
                    // It may have sent its last words before it closed: they are read below.
                    if written.is_err() {
                        self.left_its_start = !self.is_heard;
                        unsent.clear();
                    }
                }
                // One answer at a time in memory beside the buffer: a child that reads none is told no more.
                told = self.requests.told(), if unsent.is_empty() => {
                    if let Err(verdict) = self.tell(told, &mut unsent, clock()) {
                        return verdict;
                    }
                }
                read = self.reader.read_buf(&mut self.buffer) => match read {
                    Ok(0) => {
                        // Gone before its start was on its way.
                        self.left_its_start |= !self.is_heard && !unsent.is_empty();
                        return Verdict::ChannelClosed;
                    }
                    // A reset: what it was sent lies unread.
                    Err(_) => {
                        self.left_its_start = !self.is_heard;
                        return Verdict::ChannelClosed;
                    }
                    Ok(_) => {}
                },
                taken = self.output.take(&mut self.logs, clock), if self.output.is_open() => {
                    if let Err(verdict) = taken {
                        return verdict;
                    }
                }
            }
        }
    }

    /// Puts an answer behind what is to be written; what was refused is logged too, since code often swallows the exception.
    fn tell(&mut self, told: Told, unsent: &mut BytesMut, now: Timestamp) -> Result<(), Verdict> {
        if let (Some(code), Some(message)) = (told.code, &told.message) {
            self.logs.refused(code, message, now)?;
        }
        match requests::answer(told) {
            Ok(frame) => unsent.extend_from_slice(&frame),
            Err(error) => tracing::error!(%error, "an answer cannot be told"), // larger than recorded answers are
        }
        Ok(())
    }

    /// Takes all whole frames off the buffer. Whether the last was the result.
    fn take_frames(&mut self) -> Result<bool, Verdict> {
        loop {
            let decoded = frame::decode(&mut self.buffer);
            self.is_heard |= matches!(decoded, Ok(Some(_)));
            match decoded {
                Ok(None) => return Ok(false),
                Ok(Some(FromChild::Log(log))) => self.logs.take(log)?,
                Ok(Some(FromChild::Dropped(dropped))) => self.logs.left_out(dropped.bytes)?,
                Ok(Some(FromChild::Effect(effect))) => {
                    self.logs.asked(&effect);
                    self.requests.ask(effect);
                }
                Ok(Some(FromChild::Lane(lane))) => self.requests.lane(lane),
                Ok(Some(FromChild::Close(close))) => self.requests.give_up(close.request),
                Ok(Some(FromChild::Result(result))) => {
                    self.result = Some(result);
                    return Ok(true);
                }
                Err(error) => return Err(Verdict::Protocol(error)),
            }
        }
    }

    /// What a child that is over has left in its socket and its pipe: log entries, and what native code printed last.
    async fn drain(&mut self, clock: &(dyn Fn() -> Timestamp + Send + Sync)) {
        while self.result.is_none() {
            match self.reader.try_read_buf(&mut self.buffer) {
                Ok(length) if length > 0 => {}
                _ => break,
            }
            if !matches!(self.take_frames(), Ok(false)) {
                break;
            }
        }
        self.output.finish(&mut self.logs, clock).await;
    }
}
