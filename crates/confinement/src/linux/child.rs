//! The new process between fork and exec. Nothing here allocates, locks, or drops.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use super::spawn::Prepared;
use super::{check, prctl, privileges, process};
use crate::spawn::Spawn;

/// What was being done when it failed.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Step {
    Descriptors,
    Signals,
    WorkingDirectory,
    Limits,
    NoNewPrivileges,
    Capabilities,
    Parent,
    Landlock,
    Exec,
}

impl Step {
    const ALL: [Step; 9] = [
        Step::Descriptors,
        Step::Signals,
        Step::WorkingDirectory,
        Step::Limits,
        Step::NoNewPrivileges,
        Step::Capabilities,
        Step::Parent,
        Step::Landlock,
        Step::Exec,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Step::Descriptors => "descriptors",
            Step::Signals => "signals",
            Step::WorkingDirectory => "working directory",
            Step::Limits => "limits",
            Step::NoNewPrivileges => "no_new_privs",
            Step::Capabilities => "capabilities",
            Step::Parent => "end with the parent",
            Step::Landlock => "Landlock",
            Step::Exec => "exec",
        }
    }
}

/// A report is the step's number and the errno.
pub(super) const REPORT_SIZE: usize = 5;

pub(super) fn read_report(report: [u8; REPORT_SIZE]) -> (&'static str, io::Error) {
    let [step, errno @ ..] = report;
    let name = Step::ALL
        .get(usize::from(step))
        .map_or("unknown step", |step| step.name());
    (name, io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
}

/// Becomes the program, or reports the step that failed and ends.
///
/// # Safety
/// To be called in a process that has just been forked, and in no other.
pub(super) unsafe fn run(prepared: &Prepared, report_to: RawFd) -> ! {
    let mut report_to = report_to;
    // SAFETY: the caller's contract.
    let Err((step, error)) = unsafe { become_program(prepared, &mut report_to) };
    let mut report = [step as u8, 0, 0, 0, 0];
    report[1..].copy_from_slice(&error.raw_os_error().unwrap_or(libc::EIO).to_ne_bytes());
    // SAFETY: the bytes live until the call returns. A pipe takes so few at once; if the parent is gone, nobody is
    // left to tell.
    unsafe {
        libc::write(report_to, report.as_ptr().cast(), report.len());
        libc::_exit(127)
    }
}

unsafe fn become_program(
    prepared: &Prepared,
    report_to: &mut RawFd,
) -> Result<std::convert::Infallible, (Step, io::Error)> {
    let at = |step: Step| move |error: io::Error| (step, error);
    // SAFETY: everything that is pointed at is owned by `prepared`; the process is this function's alone.
    unsafe {
        let ruleset = descriptors(prepared, report_to).map_err(at(Step::Descriptors))?;
        signals_to_default().map_err(at(Step::Signals))?;
        check(libc::chdir(prepared.cwd.as_ptr())).map_err(at(Step::WorkingDirectory))?;
        for (resource, limit) in &prepared.limits {
            check(libc::setrlimit(*resource, limit)).map_err(at(Step::Limits))?;
        }
        if prepared.confined {
            privileges::no_new_privileges().map_err(at(Step::NoNewPrivileges))?;
            privileges::drop_capabilities().map_err(at(Step::Capabilities))?;
        }
        // After all that changes credentials, which would reset it.
        end_with_parent(prepared.parent).map_err(at(Step::Parent))?;
        if let Some(ruleset) = ruleset {
            let result = libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0);
            check(result as libc::c_int).map_err(at(Step::Landlock))?;
        }
        libc::execve(
            prepared.program.as_ptr(),
            prepared.argv.as_ptr(),
            prepared.envp.as_ptr(),
        );
        Err((Step::Exec, io::Error::last_os_error()))
    }
}

/// Puts every descriptor at its number and marks all others as close-on-exec. Gives the ruleset's number.
unsafe fn descriptors(prepared: &Prepared, report_to: &mut RawFd) -> io::Result<Option<RawFd>> {
    let mut sources = [-1; Spawn::DESCRIPTORS as usize];
    // SAFETY: duplicating takes no descriptor from its owner; what the targets were is nobody's in this process.
    unsafe {
        // First all sources above all targets, so that no copy covers what is still to be copied.
        let above = |fd: RawFd| check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, Spawn::DESCRIPTORS));
        *report_to = above(*report_to)?;
        let ruleset = prepared
            .ruleset
            .as_ref()
            .map(|fd| above(fd.as_raw_fd()))
            .transpose()?;
        let dev_null = above(prepared.dev_null.as_raw_fd())?;
        sources[..3].fill(dev_null);
        for (fd, target) in &prepared.fds {
            sources[*target as usize] = above(fd.as_raw_fd())?;
        }
        process::close_on_exec_from(0)?;
        for (target, source) in sources.iter().enumerate().filter(|(_, source)| **source >= 0) {
            check(libc::dup2(*source, target as RawFd))?;
        }
        Ok(ruleset)
    }
}

/// Rust ignores SIGPIPE, and whoever started the launcher may have ignored or blocked more: exec hands both on.
unsafe fn signals_to_default() -> io::Result<()> {
    const LAST_SIGNAL: libc::c_int = 64;
    const SIGNAL_SET_SIZE: usize = 8;
    // The kernel's own structure, of four words, all zero: SIG_DFL without flags. Not libc's function, which keeps two
    // signals to itself that may be ignored all the same.
    let default = [0_u64; 4];
    // SAFETY: the action and the set live until the calls return.
    unsafe {
        for signal in 1..=LAST_SIGNAL {
            // SIGKILL and SIGSTOP say EINVAL; they need no change.
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                SIGNAL_SET_SIZE,
            );
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null_mut(),
        ))
        .map(drop)
    }
}

fn end_with_parent(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: changes an attribute of this process and reads another.
    unsafe {
        prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0)?;
        // Not `process::end_with_parent`, whose message is allocated.
        if libc::getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(libc::ESRCH))
        }
    }
}
