//! System calls with their errors as values. Nothing here allocates.

use std::ffi::{CStr, c_int, c_long, c_uint, c_ulong};
use std::os::fd::RawFd;

use crate::Errno;

/// Descriptors that are kept for the children have numbers from here on, out of the way of the ones that children get.
const KEPT_FROM: c_int = 16;

/// The type of a resource limit's name differs between C libraries.
#[cfg(target_env = "gnu")]
pub(super) type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
pub(super) type Resource = c_int;

pub(super) fn last_error() -> Errno {
    // SAFETY: the pointer is to this thread's own number.
    Errno(unsafe { *libc::__errno_location() })
}

pub(super) fn check(result: c_int) -> Result<c_int, Errno> {
    if result < 0 { Err(last_error()) } else { Ok(result) }
}

pub(super) fn check_long(result: c_long) -> Result<c_int, Errno> {
    check(result as c_int)
}

/// Closes a descriptor that this library owns. Linux frees the number whatever it answers.
pub(super) fn close(fd: RawFd) {
    // SAFETY: the caller owns it and forgets it.
    unsafe { libc::close(fd) };
}

/// Moves a descriptor that this library owns to a high number.
pub(super) fn move_up(fd: RawFd) -> Result<RawFd, Errno> {
    // SAFETY: makes a new descriptor; the old one is the caller's and is given up.
    let moved = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, KEPT_FROM) });
    close(fd);
    moved
}

/// Opens a path without reading or writing it, at a high number.
pub(super) fn open_kept(path: &CStr, flags: c_int) -> Result<RawFd, Errno> {
    // SAFETY: reads the string, which outlives the call.
    move_up(check(unsafe {
        libc::open(path.as_ptr(), flags | libc::O_CLOEXEC)
    })?)
}

pub(super) fn file_kind(fd: RawFd) -> Result<libc::mode_t, Errno> {
    // SAFETY: an all-zero `stat` is one; the call fills it.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        check(libc::fstat(fd, &raw mut stat))?;
        Ok(stat.st_mode & libc::S_IFMT)
    }
}

/// Closes all descriptors from `first` to `last`.
pub(super) fn close_range(first: RawFd, last: RawFd) -> Result<(), Errno> {
    if first > last {
        return Ok(());
    }
    // SAFETY: the caller is a fresh child, in which nothing but this library uses descriptors yet.
    match check_long(unsafe { libc::syscall(libc::SYS_close_range, first as c_uint, last as c_uint, 0) }) {
        // Kernels before 5.9.
        Err(Errno(libc::ENOSYS)) => {
            let highest = limit(libc::RLIMIT_NOFILE)?.rlim_cur.min(last as u64) as RawFd;
            (first..=highest).for_each(close);
            Ok(())
        }
        other => other.map(drop),
    }
}

pub(super) fn limit(resource: Resource) -> Result<libc::rlimit, Errno> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: fills the structure, which outlives the call.
    check(unsafe { libc::getrlimit(resource, &raw mut limit) })?;
    Ok(limit)
}

pub(super) fn no_new_privileges() -> Result<c_int, Errno> {
    // SAFETY: sets a flag of this thread.
    unsafe { prctl(libc::PR_SET_NO_NEW_PRIVS, 1) }
}

/// Ends this process with its parent, which has to be `parent`: had that ended before the first call, nothing would ever come.
pub(super) fn end_with(parent: libc::pid_t) -> Result<(), Errno> {
    // SAFETY: changes an attribute of this process and reads another.
    let now = unsafe {
        prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong)?;
        libc::getppid()
    };
    if now == parent {
        Ok(())
    } else {
        Err(Errno(libc::ESRCH))
    }
}

/// `prctl`, whose arguments the kernel reads as whole words.
///
/// # Safety
/// The option must take no pointer.
pub(super) unsafe fn prctl(option: c_int, second: c_ulong) -> Result<c_int, Errno> {
    const NONE: c_ulong = 0;
    // SAFETY: the caller's contract.
    check(unsafe { libc::prctl(option, second, NONE, NONE, NONE) })
}

/// The number of threads of this process: the links of its folder of threads are two more. `stat` answers it even
/// where Landlock lets nothing of `/proc` be read.
pub(crate) fn thread_count() -> Result<c_int, Errno> {
    // SAFETY: an all-zero `stat` is one; the call fills it and reads a constant string.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        check(libc::stat(c"/proc/self/task".as_ptr(), &raw mut stat))?;
        let threads = (stat.st_nlink as c_int)
            .checked_sub(2)
            .filter(|threads| *threads > 0);
        threads.ok_or(Errno(libc::ENODATA))
    }
}
