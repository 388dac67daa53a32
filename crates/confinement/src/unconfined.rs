//! Elsewhere than on Linux: programs start, unconfined. Written with care for other Unixes, untested on them.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::policy::Mode;
use crate::spawn::{Spawn, SpawnError, Spawned, Support, expect_parent};

/// Starts a program without confinement, with its own descriptors and environment.
///
/// # Errors
/// [`Mode::Required`], which cannot be had here; or what the system said, as a [`SpawnError`].
pub fn spawn(spawn: Spawn) -> io::Result<Spawned> {
    let Spawn {
        program,
        args,
        env,
        cwd,
        policy,
        fds,
    } = spawn;
    let failed = |step: &str, source| SpawnError {
        program: program.clone(),
        step: step.to_owned(),
        source,
    };
    if policy.is_some_and(|policy| policy.mode == Mode::Required) {
        let why = "confinement is required, and only Linux has it";
        return Err(failed("confinement", io::Error::new(io::ErrorKind::Unsupported, why)).into());
    }
    let mut command = Command::new(&program);
    command.args(args).env_clear().envs(env).current_dir(cwd);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut moves: Vec<(RawFd, RawFd)> = fds.iter().map(|(fd, target)| (fd.as_raw_fd(), *target)).collect();
    // SAFETY: between fork and exec only system calls are made, on descriptors that live until exec.
    unsafe {
        command.pre_exec(move || {
            // All sources above all targets first, so that no copy covers what is still to be copied.
            for (source, _) in &mut moves {
                *source = check(libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, Spawn::DESCRIPTORS))?;
            }
            moves
                .iter()
                .try_for_each(|(source, target)| check(libc::dup2(*source, *target)).map(drop))
        });
    }
    let child = command.spawn().map_err(|source| failed("exec", source))?;
    Ok(Spawned {
        pid: child.id() as i32,
        pidfd: None,
        landlock_abi: None,
    })
}

/// There is nothing to confine with.
pub fn probe() -> Support {
    Support {
        landlock_abi: None,
        seccomp: false,
        pidfd: false,
        close_range: false,
        user_namespaces: false,
        // SAFETY: reads a number.
        root: unsafe { libc::geteuid() } == 0,
    }
}

/// Does nothing: there are no privileges that could be given up here.
///
/// # Errors
/// None.
pub fn renounce_privileges() -> io::Result<()> {
    Ok(())
}

/// Makes sure that `parent` is there still. Nothing tells when it ends; its sockets close.
///
/// # Errors
/// `NotFound` when the parent has ended already.
pub fn end_with_parent(parent: i32) -> io::Result<()> {
    // SAFETY: reads a number.
    expect_parent(parent, unsafe { libc::getppid() })
}

/// Closes every descriptor from `first` on. For the first line of a program's `main`, before anything in it owns
/// a descriptor.
///
/// # Errors
/// What the system said.
pub fn close_inherited_descriptors(first: RawFd) -> io::Result<()> {
    let highest = limit()?.rlim_cur.min(i32::MAX as libc::rlim_t) as RawFd;
    for fd in first..highest {
        // SAFETY: as documented, nothing owns a descriptor of that range yet. Most numbers are not open.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Raises this process's soft limit of open descriptors to `wanted`, or as far as its hard limit lets.
///
/// # Errors
/// What the system said.
pub fn raise_open_files_limit(wanted: u64) -> io::Result<u64> {
    let mut now = limit()?;
    if now.rlim_cur < wanted {
        now.rlim_cur = wanted.min(now.rlim_max);
        // SAFETY: reads the structure, which lives until the call returns.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const now) })?;
    }
    Ok(now.rlim_cur)
}

fn limit() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: fills the structure, which lives until the call returns.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok(limit)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
