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

use crate::alarm::Alarm;
use crate::runner::Shared;
use crate::runtime::ZYGOTE;
use crate::trouble::Trouble;

/// How many orphaned runs are taken back between two looks.
const ORPHANS: u32 = 500;
/// How long it rests after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often the sweep looks again once it found nothing.
const SWEEP: Duration = Duration::from_secs(5);

/// The launcher of a boot, told apart from any later process of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LauncherMark {
    /// Its process, which is also the session of everything that it started.
    pub pid: u32,
    /// Clock ticks after the machine started (`/proc/<pid>/stat`, field 22).
    pub start_time: u64,
    /// Where numbers of processes mean what they meant.
    pub world: World,
}

/// A machine since its start, and the namespace that its processes are numbered in: after a reboot, or in another container, the
/// same number is another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// `/proc/sys/kernel/random/boot_id`.
    pub machine_boot: String,
    /// `/proc/self/ns/pid`.
    pub pid_namespace: String,
}

impl World {
    fn here() -> Option<Self> {
        let machine_boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let pid_namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        Some(Self {
            machine_boot: machine_boot.trim().to_owned(),
            pid_namespace: pid_namespace.display().to_string(),
        })
    }
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
    let (Some(Stat { start_time, .. }), Some(world)) = (stat(pid), World::here()) else {
        tracing::debug!(
            pid,
            "this system does not tell enough of its processes; leftovers cannot be looked for"
        );
        return Ok(());
    };
    let unfinished = file.with_extension("new");
    let mark = LauncherMark {
        pid,
        start_time,
        world,
    };
    fs::write(&unfinished, serde_json::to_vec(&mark)?)?;
    fs::rename(unfinished, file)
}

/// Ends every process that an earlier boot left. The kernel ends them with their parents; this is for what slipped through.
///
/// Answers how many there were.
///
/// # Errors
/// Whatever the system says about the file.
pub fn end_leftovers(file: &Path) -> io::Result<usize> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(named(error)),
    };
    let Ok(mark) = serde_json::from_slice::<LauncherMark>(&bytes) else {
        tracing::warn!(file = %file.display(), "the last launcher's mark cannot be read; its leftovers are not looked for");
        return Ok(0);
    };
    if !may_have_left(&mark) {
        fs::remove_file(file).map_err(named)?;
        return Ok(0);
    }
    let mut ended = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if end_leftover(pid, &mark) {
            ended += 1;
        }
    }
    fs::remove_file(file).map_err(named)?;
    Ok(ended)
}

/// Whether processes of that launcher can still be there, and its session can be told from all others.
fn may_have_left(mark: &LauncherMark) -> bool {
    let our_session = stat(std::process::id()).map(|stat| stat.session);
    // Sessions 0 and 1 are the system's; a leader of another age has taken the number over.
    let taken_over = stat(mark.pid).is_some_and(|leader| leader.start_time != mark.start_time);
    World::here().as_ref() == Some(&mark.world)
        && mark.pid > 1
        && our_session != Some(mark.pid)
        && !taken_over
}

/// What a launcher and its zygotes are started as; nothing else is ever ended.
fn is_ours(pid: u32) -> bool {
    let Ok(command) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let mut arguments = command.split(|byte| *byte == 0);
    arguments.any(|argument| argument == b"launcher" || argument.ends_with(ZYGOTE.as_bytes()))
}

fn end_leftover(pid: u32, mark: &LauncherMark) -> bool {
    let belongs = |stat: &Stat| stat.session == mark.pid && stat.start_time >= mark.start_time;
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // Opened before it is looked at: what is ended is what was looked at.
    let Ok(pidfd) = pidfd_open(raw, PidfdFlags::empty()) else {
        return false;
    };
    if !stat(pid).as_ref().is_some_and(belongs) || !is_ours(pid) {
        return false;
    }
    pidfd_send_signal(&pidfd, Signal::KILL).is_ok()
}

/// Takes runs back from dead boots, now and for as long as the runner is there.
pub(crate) async fn sweep(shared: Arc<Shared>) {
    const WHAT: &str = "taking back runs of earlier boots";
    let _alarm = Alarm(WHAT);
    let mut trouble = Trouble::new(WHAT);
    while !shared.is_draining() {
        match take_back(&shared).await {
            Ok(0) => {
                trouble.worked();
                shared.recovered.store(true, Ordering::Release);
                shared.rest(SWEEP).await;
            }
            Ok(count) => {
                tracing::info!(count, "took back runs that an earlier boot held");
                shared.wake.notify_one();
            }
            Err(error) => {
                trouble.failed(&error);
                shared.rest(AFTER_FAILURE).await;
            }
        }
    }
}

async fn take_back(shared: &Arc<Shared>) -> Result<usize, StoreError> {
    store::fail_point!("runner.before_sweep");
    let orphans = shared.store.orphans(shared.options.incarnation, ORPHANS).await?;
    let mut tasks = tokio::task::JoinSet::new();
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
                // Refused: someone else was faster.
                Ok(_) | Err(StoreError::Refused { .. }) => Ok(true),
                Err(error) if error.can_pass() => Err(error),
                // It stays where it is, and is told; the others go on.
                Err(error) => {
                    shared.store.strand(orphan.run, error, now).await;
                    Ok(false)
                }
            }
        });
    }
    let mut taken = 0;
    while let Some(done) = tasks.join_next().await {
        taken += usize::from(done.map_err(|error| StoreError::Failed(error.to_string()))??);
    }
    Ok(taken)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::{Child, Command};

    use super::*;

    /// A stranger that leads a session of its own.
    fn stranger() -> Child {
        Command::new("setsid").args(["sleep", "60"]).spawn().unwrap()
    }

    fn leftovers_ended_by(mark: &LauncherMark) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("launcher.json");
        fs::write(&file, serde_json::to_vec(mark).unwrap()).unwrap();
        let ended = end_leftovers(&file).unwrap();
        assert!(!file.exists());
        ended
    }

    #[test]
    fn nothing_is_ended_that_no_launcher_of_ours_can_have_left() {
        let mut child = stranger();
        let pid = child.id();
        let session = || stat(pid).is_some_and(|stat| stat.session == pid);
        while !session() {
            std::thread::yield_now();
        }
        let start_time = stat(pid).unwrap().start_time;
        let here = World::here().unwrap();
        let rebooted = World {
            machine_boot: "another".to_owned(),
            ..here.clone()
        };
        let marks = [
            LauncherMark {
                pid,
                start_time,
                world: rebooted,
            },
            // The number was taken over.
            LauncherMark {
                pid,
                start_time: start_time - 1,
                world: here.clone(),
            },
            // Its session, its age, but nothing that we start.
            LauncherMark {
                pid,
                start_time,
                world: here.clone(),
            },
            LauncherMark {
                pid: 0,
                start_time: 0,
                world: here.clone(),
            },
            LauncherMark {
                pid: stat(std::process::id()).unwrap().session,
                start_time: 0,
                world: here,
            },
        ];
        let ended: Vec<usize> = marks.iter().map(leftovers_ended_by).collect();
        let alive = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(alive && ended.iter().all(|count| *count == 0), "{ended:?}");
    }
}
