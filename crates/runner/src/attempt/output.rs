//! What a child's native code prints, as log entries: one per line, the last one whole or not.

use std::io;
use std::time::Duration;

use domain::Timestamp;
use tokio::net::unix::pipe;
use tokio::time::{Instant, timeout_at};

use super::ending::Verdict;
use super::logs::LogBook;

/// The longest line, bytes; a longer one becomes several entries.
const LINE_MAX: usize = 16 * 1024;
/// The most that [`Output::catch`] takes, bytes: the stacks of some hundred threads.
const CAUGHT_MAX: usize = 256 * 1024;
/// How long nothing comes when a child has written its stacks.
const QUIET: Duration = Duration::from_millis(20);
/// The most that is taken of what a child that is over has left in its pipe, bytes: what a pipe can hold, by default.
const LEFT_MAX: usize = 1024 * 1024;
/// How much is read at a time, bytes.
const CHUNK: usize = 16 * 1024;

/// The reading end of a process's output.
pub struct Output {
    pipe: Option<pipe::Receiver>,
    line: Vec<u8>,
}

impl Output {
    /// Nothing has been read yet.
    pub const fn new(pipe: pipe::Receiver) -> Self {
        Self {
            pipe: Some(pipe),
            line: Vec::new(),
        }
    }

    /// Whether more may come.
    pub const fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Waits for output and takes it. Safe to be given up between: nothing is read before it is kept.
    pub async fn take(
        &mut self,
        logs: &mut LogBook,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<(), Verdict> {
        let Some(pipe) = &self.pipe else { return Ok(()) };
        if pipe.readable().await.is_err() {
            self.pipe = None;
            return Ok(());
        }
        self.read_some(logs, clock).map(drop)
    }

    /// What comes within `patience`, until it `is_whole` and nothing more has come for a moment; not for the log.
    pub async fn catch(&mut self, patience: Duration, is_whole: fn(&[u8]) -> bool) -> String {
        let mut caught = Vec::new();
        let mut chunk = [0; CHUNK];
        let deadline = Instant::now() + patience;
        while let Some(pipe) = &self.pipe {
            let wait = if caught.is_empty() || !is_whole(&caught) {
                deadline
            } else {
                deadline.min(Instant::now() + QUIET)
            };
            match timeout_at(wait, pipe.readable()).await {
                Ok(Ok(())) => {}
                _ => break,
            }
            match pipe.try_read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(length) if caught.len() + length <= CAUGHT_MAX => {
                    caught.extend_from_slice(&chunk[..length])
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        String::from_utf8_lossy(&caught).into_owned()
    }

    /// Takes what is left, without waiting for more.
    pub async fn finish(&mut self, logs: &mut LogBook, clock: &(dyn Fn() -> Timestamp + Send + Sync)) {
        // A flood at the very end is cut short; how the attempt ended has been settled.
        let mut flooded = false;
        for _ in 0..LEFT_MAX / CHUNK {
            match self.read_some(logs, clock) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    flooded = true;
                    break;
                }
            }
        }
        self.pipe = None;
        if !self.line.is_empty() && !flooded {
            let line = std::mem::take(&mut self.line);
            drop(logs.printed(String::from_utf8_lossy(&line).into_owned(), clock()));
        }
    }

    /// One read, and no more: a child that writes as fast as it is read must not keep its deadline from being looked at.
    fn read_some(
        &mut self,
        logs: &mut LogBook,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<usize, Verdict> {
        let mut chunk = [0; CHUNK];
        let Some(pipe) = &self.pipe else { return Ok(0) };
        match pipe.try_read(&mut chunk) {
            Ok(length) if length > 0 => {
                self.split(&chunk[..length], logs, clock)?;
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            _ => {
                self.pipe = None;
                Ok(0)
            }
        }
    }

    fn split(
        &mut self,
        bytes: &[u8],
        logs: &mut LogBook,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<(), Verdict> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() >= LINE_MAX {
                let line = std::mem::take(&mut self.line);
                let text = String::from_utf8_lossy(&line);
                logs.printed(text.trim_end_matches(['\n', '\r']).to_owned(), clock())?;
            }
        }
        Ok(())
    }
}
