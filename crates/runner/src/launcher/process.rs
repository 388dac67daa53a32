//! The launcher's own side: one thread, no secrets, no network, nothing but starting processes and saying how they ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use confinement::Spawn;
use domain::ResourceUse;
use rustix::event::{PollFd, PollFlags, poll};

use super::{Reply, Request, SpawnRequest};
use crate::packet::{self, PACKET_MAX};

/// Where a started process finds its control socket.
const CONTROL_FD: i32 = 3;

struct Running {
    id: u64,
    pid: i32,
    pidfd: OwnedFd,
}

/// Serves the supervisor, which is process `supervisor`, on descriptor 0 until that is closed; everything started ends with
/// this process.
///
/// # Errors
/// Whatever the system says about the socket. That the supervisor is gone is none: then there is nobody left to serve.
pub fn run(supervisor: i32) -> io::Result<()> {
    match serve(supervisor) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            Ok(())
        }
        served => served,
    }
}

fn serve(supervisor: i32) -> io::Result<()> {
    rustix::process::setsid()?;
    confinement::end_with_parent(supervisor)?;
    confinement::renounce_privileges()?;
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    let mut running: Vec<Running> = Vec::new();
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        let mut waits = vec![PollFd::new(&control, PollFlags::IN)];
        waits.extend(
            running
                .iter()
                .map(|process| PollFd::new(&process.pidfd, PollFlags::IN)),
        );
        match poll(&mut waits, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = waits.iter().map(|wait| !wait.revents().is_empty()).collect();
        drop(waits);
        report_exits(&control, &mut running, &ready[1..])?;
        if ready[0] {
            let (length, fds) = packet::receive(control.as_fd(), &mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let Request::Spawn(request) = serde_json::from_slice(&buffer[..length])?;
            running.extend(start(control.as_fd(), request, fds)?);
        }
    }
}

fn report_exits(control: &OwnedFd, running: &mut Vec<Running>, ended: &[bool]) -> io::Result<()> {
    for index in (0..running.len()).rev().filter(|index| ended[*index]) {
        let process = running.swap_remove(index);
        let ended = confinement::reap(process.pid)?;
        reply(
            control.as_fd(),
            &Reply::Exited {
                id: process.id,
                status: ended.status,
                usage: ResourceUse {
                    user_us: ended.user_us,
                    system_us: ended.system_us,
                    max_rss_kib: ended.max_rss_kib,
                    minor_faults: ended.minor_faults,
                },
            },
            &[],
        )?;
    }
    Ok(())
}

fn start(control: BorrowedFd<'_>, request: SpawnRequest, fds: Vec<OwnedFd>) -> io::Result<Option<Running>> {
    let id = request.id;
    match spawn(request, fds) {
        Ok((pid, pidfd)) => {
            reply(control, &Reply::Spawned { id, pid }, &[pidfd.as_fd()])?;
            Ok(Some(Running { id, pid, pidfd }))
        }
        Err(error) => {
            let unsupported = error.kind() == io::ErrorKind::Unsupported;
            let refused = Reply::Refused {
                id,
                error: error.to_string(),
                unsupported,
            };
            reply(control, &refused, &[])?;
            Ok(None)
        }
    }
}

fn spawn(request: SpawnRequest, fds: Vec<OwnedFd>) -> io::Result<(i32, OwnedFd)> {
    let mut fds = fds.into_iter();
    let (Some(control), Some(output)) = (fds.next(), fds.next()) else {
        return Err(io::Error::other(
            "a spawn request came without its two descriptors",
        ));
    };
    let errors = rustix::io::dup(&output)?;
    let spawned = confinement::spawn(Spawn {
        program: PathBuf::from(request.program),
        args: request.args.into_iter().map(Into::into).collect(),
        env: request
            .env
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        cwd: PathBuf::from(request.cwd),
        policy: Some(request.policy),
        fds: vec![(output, 1), (errors, 2), (control, CONTROL_FD)],
    })?;
    let pidfd = spawned
        .pidfd
        .ok_or_else(|| io::Error::other("this kernel has no pidfds (Linux 5.3 has)"))?;
    Ok((spawned.pid, pidfd))
}

fn reply(control: BorrowedFd<'_>, reply: &Reply, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    packet::send(control, &serde_json::to_vec(reply)?, fds)
}
