//! What this machine has to confine with, found by trying.

use std::os::fd::{FromRawFd, OwnedFd};

use super::{check, landlock};
use crate::seccomp::Arch;
use crate::spawn::Support;

/// Tries what there is. Forks once, to try a user namespace; changes nothing of this process.
pub fn probe() -> Support {
    Support {
        landlock_abi: landlock::abi(),
        seccomp: has_seccomp(),
        pidfd: has_pidfd(),
        close_range: has_close_range(),
        user_namespaces: has_user_namespaces(),
        // SAFETY: reads a number.
        root: unsafe { libc::geteuid() } == 0,
    }
}

/// The kernel takes filters, and there is one for this architecture.
pub(super) fn has_seccomp() -> bool {
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the call reads one number, which lives until it returns.
    let takes_filters = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    takes_filters == 0 && Arch::current().is_some()
}

fn has_pidfd() -> bool {
    // SAFETY: opens a descriptor of this process, which nothing else owns: it is closed by being dropped.
    unsafe {
        check(libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) as libc::c_int)
            .map(|fd| drop(OwnedFd::from_raw_fd(fd)))
            .is_ok()
    }
}

fn has_close_range() -> bool {
    // SAFETY: no descriptor has that number, so that the flag is set on none.
    unsafe {
        let last = libc::c_uint::MAX;
        libc::syscall(libc::SYS_close_range, last, last, libc::CLOSE_RANGE_CLOEXEC) == 0
    }
}

fn has_user_namespaces() -> bool {
    // SAFETY: the child only makes system calls before it ends; it touches no memory that another thread may have
    // been changing at the fork.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            let refused = libc::unshare(libc::CLONE_NEWUSER) != 0;
            libc::_exit(libc::c_int::from(refused));
        }
        let mut status = 0;
        pid > 0 && wait(pid, &mut status) && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }
}

fn wait(pid: libc::pid_t, status: &mut libc::c_int) -> bool {
    loop {
        // SAFETY: fills the number, which outlives the call.
        match check(unsafe { libc::waitpid(pid, status, 0) }) {
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            other => return other.is_ok(),
        }
    }
}
