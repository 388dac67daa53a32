//! The installer's own process: one thread, nothing of the server's, which gives up its rights, starts one program, and
//! leaves nothing of it behind.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use confinement::{Spawn, Spawned};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Gid, Pid, RawPid, Signal, Uid, WaitOptions, kill_process, set_child_subreaper, waitpid,
};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::time::{ClockId, clock_gettime};

use super::Order;

/// Exit status: the program was still running when its time was over.
pub(super) const TIMED_OUT: i32 = 124;
/// Exit status: it could not be started, or something else ended it; standard error says what.
pub(super) const FAILED: i32 = 125;
/// How often what is left is looked for and killed. Each time a generation of processes goes.
const KILLS: u32 = 1_000;

/// Does what the first line of standard input orders. What the program prints goes to standard output. Should standard input
/// close before it has ended, whoever ordered it is gone, and it is ended too. Answers the status to exit with.
#[must_use]
pub fn run() -> i32 {
    match serve() {
        Ok(status) => status,
        Err(error) => {
            // Whoever ordered this reads it; where that one is gone, nobody is left to tell.
            let _ = write!(io::stderr(), "{error}");
            FAILED
        }
    }
}

fn serve() -> io::Result<i32> {
    rustix::process::setsid()?;
    let mut orders = BufReader::new(io::stdin());
    let mut line = String::new();
    orders.read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    // What it leaves behind, in whatever session, becomes this process's child and is ended with it.
    set_child_subreaper(Some(rustix::process::getpid()))?;
    if let Some(user) = order.user {
        become_user(user)?;
    }
    let timeout = order.timeout;
    let status = start(order).and_then(|spawned| wait(&spawned, timeout));
    end_descendants()?;
    status
}

fn become_user(number: u32) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
    // One thread: what holds for it holds for the process.
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    Ok(())
}

fn start(order: Order) -> io::Result<Spawned> {
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let errors = rustix::io::dup(&output)?;
    confinement::spawn(Spawn {
        program: order.program,
        args: order.args.into_iter().map(Into::into).collect(),
        env: order
            .env
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        cwd: order.cwd,
        policy: Some(order.policy),
        fds: vec![(output, 1), (errors, 2)],
    })
}

fn wait(spawned: &Spawned, timeout: Duration) -> io::Result<i32> {
    let pidfd = spawned
        .pidfd
        .as_ref()
        .ok_or_else(|| io::Error::other("this kernel has no pidfds (Linux 5.3 has)"))?;
    let deadline = monotonic().saturating_add(timeout);
    loop {
        let left = deadline.saturating_sub(monotonic());
        if left.is_zero() {
            return Ok(TIMED_OUT);
        }
        let stdin = io::stdin();
        match end_of(pidfd.as_fd(), stdin.as_fd(), left)? {
            Some(End::Program) => return status(spawned.pid),
            Some(End::Orderer) => return Err(io::Error::other("whoever ordered it is gone")),
            None => {}
        }
    }
}

enum End {
    Program,
    Orderer,
}

fn end_of(program: BorrowedFd<'_>, orders: BorrowedFd<'_>, left: Duration) -> io::Result<Option<End>> {
    let mut waits = [
        PollFd::new(&program, PollFlags::IN),
        PollFd::new(&orders, PollFlags::IN),
    ];
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut waits, Some(&left)) {
        Err(rustix::io::Errno::INTR) => return Ok(None),
        ready => drop(ready?),
    }
    Ok(if !waits[0].revents().is_empty() {
        Some(End::Program)
    } else if !waits[1].revents().is_empty() {
        // Nothing more is ever written there: it was closed.
        Some(End::Orderer)
    } else {
        None
    })
}

fn status(pid: RawPid) -> io::Result<i32> {
    let status = waitpid(Pid::from_raw(pid), WaitOptions::empty())?.map(|(_, status)| status);
    match status.map(|status| (status.exit_status(), status.terminating_signal())) {
        Some((Some(code), _)) => Ok(code),
        Some((_, Some(signal))) => Err(io::Error::other(format!("it was killed by signal {signal}"))),
        _ => Err(io::Error::other("how it ended is not known")),
    }
}

/// Kills what there is, until there is nothing: what it had started becomes this process's children, and is killed next.
fn end_descendants() -> io::Result<()> {
    let list = format!(
        "/proc/self/task/{}/children",
        rustix::thread::gettid().as_raw_nonzero()
    );
    for _ in 0..KILLS {
        let children = std::fs::read_to_string(&list)?;
        for pid in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            if let Some(pid) = Pid::from_raw(pid) {
                // Not yet reaped, so the number means no other.
                kill_process(pid, Signal::KILL)?;
            }
        }
        match waitpid(None, WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("what it started could not all be ended"))
}

fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}
