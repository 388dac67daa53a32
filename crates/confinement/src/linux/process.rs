//! What a launcher does to itself at its start.

use std::io;
use std::os::fd::RawFd;

use super::{Resource, check, prctl};
use crate::spawn::expect_parent;

/// Sees to it that this process is killed when its parent ends, and makes sure that the parent is still
/// `parent`: had it ended before, nothing would ever come. The kernel means the parent's *thread*.
///
/// # Errors
/// `NotFound` when the parent has ended already.
pub fn end_with_parent(parent: i32) -> io::Result<()> {
    // SAFETY: the calls change an attribute of this process and read another; no memory is touched.
    let now = unsafe {
        prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0)?;
        libc::getppid()
    };
    expect_parent(parent, now)
}

/// Closes every descriptor from `first` on. For the first line of a program's `main`, before anything in it owns
/// a descriptor: what was inherited by accident must not live on.
///
/// # Errors
/// What the kernel said.
pub fn close_inherited_descriptors(first: RawFd) -> io::Result<()> {
    // SAFETY: as documented, nothing in this process owns a descriptor of that range yet.
    unsafe { each_from(first, 0, |fd| libc::close(fd)) }
}

/// Marks every descriptor from `first` on as close-on-exec. Does not allocate, so it may run between fork and exec.
pub(super) fn close_on_exec_from(first: RawFd) -> io::Result<()> {
    // SAFETY: the flag takes no descriptor from its owner.
    unsafe {
        each_from(first, libc::CLOSE_RANGE_CLOEXEC, |fd| {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC)
        })
    }
}

/// `close_range(first, ∞, flags)`, or `one` by one where the kernel has no such call or flag (before 5.11).
unsafe fn each_from(first: RawFd, flags: libc::c_uint, one: impl Fn(RawFd) -> libc::c_int) -> io::Result<()> {
    // SAFETY: touches no memory; what it means for the descriptors is the caller's contract.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first as libc::c_uint,
            libc::c_uint::MAX,
            flags,
        )
    };
    match check(result as libc::c_int) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {
            let highest = limit(libc::RLIMIT_NOFILE)?.rlim_cur.min(i32::MAX as u64) as RawFd;
            // Most of these numbers are not open: that they say EBADF is no failure.
            for fd in first..highest {
                one(fd);
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Raises this process's soft limit of open descriptors to `wanted`, or as far as its hard limit lets.
///
/// # Errors
/// What the kernel said.
///
/// # Returns
/// The soft limit that is in force then.
pub fn raise_open_files_limit(wanted: u64) -> io::Result<u64> {
    let mut now = limit(libc::RLIMIT_NOFILE)?;
    if now.rlim_cur < wanted {
        now.rlim_cur = wanted.min(now.rlim_max);
        // SAFETY: reads the structure, which lives until the call returns.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const now) })?;
    }
    Ok(now.rlim_cur)
}

/// A resource limit of this process.
pub(super) fn limit(resource: Resource) -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: fills the structure, which lives until the call returns.
    check(unsafe { libc::getrlimit(resource, &raw mut limit) })?;
    Ok(limit)
}
