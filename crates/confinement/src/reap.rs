//! How a program that was started has ended, and what it used: the same on every Unix.

use std::io;

/// How a process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// As `wait4` gives it.
    pub status: i32,
    /// Processor time in user mode, microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, microseconds.
    pub system_us: u64,
    /// Greatest resident size, KiB.
    pub max_rss_kib: u64,
    /// Page faults without input or output.
    pub minor_faults: u64,
}

/// What the system counts resident sizes in, bytes.
const RSS_UNIT: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };

/// Waits until a process has ended that this one started, and takes it off the system's table.
///
/// # Errors
/// What the system said: the process is no child of this one, or was reaped before.
pub fn reap(pid: i32) -> io::Result<Ended> {
    loop {
        let mut status = 0;
        // SAFETY: an all-zero `rusage` is one; the call fills both, which outlive it.
        let (reaped, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let reaped = libc::wait4(pid, &raw mut status, 0, &raw mut usage);
            (reaped, usage)
        };
        if reaped < 0 {
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => continue,
                error => return Err(error),
            }
        }
        let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        return Ok(Ended {
            status,
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            max_rss_kib: usage.ru_maxrss as u64 * RSS_UNIT / 1024,
            minor_faults: usage.ru_minflt as u64,
        });
    }
}
