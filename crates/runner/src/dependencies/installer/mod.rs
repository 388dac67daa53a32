//! Running an installer: what is ordered, and what came of it. The process that does it is [`process`].

pub mod process;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use confinement::ZygotePolicy;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// How much of what it prints is kept, bytes: the end, where reasons stand.
const OUTPUT_KEPT: usize = 64 * 1024;
/// How much longer than its order allows an installer's own process may take: it only has to kill and reap then.
const LAST_PATIENCE: Duration = Duration::from_secs(30);

/// One call of a program that installs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// Absolute.
    pub program: PathBuf,
    /// Without the program's own name.
    pub args: Vec<String>,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// Absolute.
    pub cwd: PathBuf,
    /// What it may do.
    pub policy: ZygotePolicy,
    /// Who it runs as: user and group of this number; `None`: as whoever orders it.
    pub user: Option<u32>,
    /// How long it may take.
    pub timeout: Duration,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// It took too long.
    TimedOut,
    /// It was never there, or was ended by something else: why.
    Failed(String),
}

/// What came of an order.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub ended: Ended,
    /// The end of what it printed.
    pub output: String,
}

/// Starts `program installer`, which does what is ordered and ends everything that it started. It does so too, at once, when the
/// returned future is dropped or this process ends: its standard input closes then.
///
/// # Errors
/// Whatever the system says.
pub(super) async fn run(program: &Path, order: &Order) -> io::Result<Outcome> {
    let mut child = Command::new(program)
        .arg("installer")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let missing = || io::Error::other("a pipe is missing");
    let mut orders = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let errors = child.stderr.take().ok_or_else(missing)?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    orders.write_all(&line).await?;
    let done = async {
        let (output, errors) = tokio::join!(end_of(output), end_of(errors));
        Ok::<_, io::Error>((output?, errors?, child.wait().await?))
    };
    let patience = order.timeout.saturating_add(LAST_PATIENCE);
    let Ok(done) = tokio::time::timeout(patience, done).await else {
        child.kill().await?;
        return Ok(Outcome {
            ended: Ended::TimedOut,
            output: String::new(),
        });
    };
    let (output, errors, status) = done?;
    drop(orders);
    let ended = match status.code() {
        Some(process::TIMED_OUT) => Ended::TimedOut,
        Some(process::FAILED) => Ended::Failed(errors.trim().to_owned()),
        Some(code) => Ended::Exited(code),
        None => Ended::Failed(format!("its process was ended ({status})")),
    };
    Ok(Outcome { ended, output })
}

async fn end_of(mut stream: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut kept = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match stream.read(&mut chunk).await? {
            0 => return Ok(String::from_utf8_lossy(&kept).into_owned()),
            length => {
                kept.extend_from_slice(&chunk[..length]);
                let over = kept.len().saturating_sub(OUTPUT_KEPT);
                kept.drain(..over);
            }
        }
    }
}
