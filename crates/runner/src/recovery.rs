//! Taking back what dead boots held: their processes first, then their runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{fs, io};

use domain::run::Event;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::runner::Shared;

/// How many orphaned runs are taken back between two looks.
const ORPHANS: u32 = 500;
/// How often the sweep looks again once it found nothing.
const SWEEP: Duration = Duration::from_secs(5);

/// The launcher of a boot, told apart from any later process of the same number by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LauncherMark {
    /// Its process, which is also the session of everything that it started.
    pub pid: u32,
    /// Clock ticks after the machine started (`/proc/<pid>/stat`, field 22).
    pub start_time: u64,
}

struct Stat {
    session: u32,
    start_time: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses, and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // One that has ended and only waits to be reaped is not there any more.
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Stat {
        session: fields.get(3)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// Writes down this boot's launcher.
///
/// # Errors
/// Whatever the system says.
pub fn mark_launcher(file: &Path, pid: u32) -> io::Result<()> {
    let Some(Stat { start_time, .. }) = stat(pid) else {
        tracing::debug!(
            pid,
            "this system does not tell when a process started; leftovers cannot be looked for"
        );
        return Ok(());
    };
    let unfinished = file.with_extension("new");
    fs::write(
        &unfinished,
        serde_json::to_vec(&LauncherMark { pid, start_time })?,
    )?;
    fs::rename(unfinished, file)
}

/// Ends every process that an earlier boot left. The kernel ends them with their parents; this is for what slipped through.
///
/// Answers how many there were.
///
/// # Errors
/// Whatever the system says about the file.
pub fn end_leftovers(file: &Path) -> io::Result<usize> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let Ok(mark) = serde_json::from_slice::<LauncherMark>(&bytes) else {
        tracing::warn!(file = %file.display(), "the last launcher's mark cannot be read; its leftovers are not looked for");
        return Ok(0);
    };
    let mut ended = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if end_leftover(pid, mark) {
            ended += 1;
        }
    }
    fs::remove_file(file)?;
    Ok(ended)
}

fn end_leftover(pid: u32, mark: LauncherMark) -> bool {
    let belongs = |stat: &Stat| {
        // A session's number is not given out again while a process is in it: whatever is in it and not older than the
        // launcher is of the launcher, unless the number was free in between and its new owner leads the session.
        let reused = pid == mark.pid && stat.start_time != mark.start_time;
        stat.session == mark.pid && stat.start_time >= mark.start_time && !reused
    };
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // Opened before it is looked at: what is ended is what was looked at.
    let Ok(pidfd) = pidfd_open(raw, PidfdFlags::empty()) else {
        return false;
    };
    if !stat(pid).as_ref().is_some_and(belongs) {
        return false;
    }
    pidfd_send_signal(&pidfd, Signal::KILL).is_ok()
}

/// Takes runs back from dead boots, now and for as long as the runner is there.
pub(crate) async fn sweep(shared: Arc<Shared>) {
    while !shared.draining.load(Ordering::Acquire) {
        match take_back(&shared).await {
            Ok(0) => {
                shared.recovered.store(true, Ordering::Release);
                tokio::time::sleep(SWEEP).await;
            }
            Ok(count) => {
                tracing::info!(count, "took back runs that an earlier boot held");
                shared.wake.notify_one();
            }
            Err(error) => {
                tracing::error!(%error, "taking back runs failed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn take_back(shared: &Arc<Shared>) -> Result<usize, StoreError> {
    let orphans = shared.store.orphans(shared.options.incarnation, ORPHANS).await?;
    let mut tasks = tokio::task::JoinSet::new();
    let count = orphans.len();
    for orphan in orphans {
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            let event = Event::Interrupted { epoch: orphan.epoch };
            let now = (shared.options.clock)();
            match shared
                .store
                .apply(orphan.run, event, None, &shared.options.policy, now)
                .await
            {
                Ok(applied) => {
                    if applied.state.alone {
                        shared.alone_wanted.store(true, Ordering::Release);
                    }
                    Ok(())
                }
                // Someone else was faster.
                Err(StoreError::Refused { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| StoreError::Failed(error.to_string()))??;
    }
    Ok(count)
}
