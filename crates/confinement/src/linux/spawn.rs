//! Starting a confined program: what is prepared before the fork, and what is read back after it.

use std::ffi::{CString, OsStr};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::child::{self, Step};
use super::{Resource, check, landlock, probe, process};
use crate::policy::{Limits, Mode, ZygotePolicy};
use crate::spawn::{Spawn, SpawnError, Spawned};

/// All that the child needs, so that nothing is allocated between fork and exec.
pub(super) struct Prepared {
    pub(super) program: CString,
    pub(super) argv: Pointers,
    pub(super) envp: Pointers,
    pub(super) cwd: CString,
    /// Descriptors with the numbers that they get.
    pub(super) fds: Vec<(OwnedFd, RawFd)>,
    pub(super) dev_null: OwnedFd,
    pub(super) limits: Vec<(Resource, libc::rlimit)>,
    pub(super) confined: bool,
    pub(super) ruleset: Option<OwnedFd>,
    pub(super) parent: libc::pid_t,
}

/// A null-terminated array of C strings, with the strings that it points at.
pub(super) struct Pointers {
    pointers: Vec<*const libc::c_char>,
    _strings: Vec<CString>,
}

impl Pointers {
    fn new(strings: Vec<CString>) -> Self {
        // The strings' bytes are on the heap: moving the vector does not move them.
        let pointers = strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([ptr::null()])
            .collect();
        Pointers {
            pointers,
            _strings: strings,
        }
    }

    pub(super) fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

/// Starts a program, confined by its policy.
///
/// In this order, in the new process: descriptors, signals to default, working directory, limits, `no_new_privs`, capabilities
/// dropped, killed when this thread ends, Landlock, exec. It stays in this process's session. To be called from a
/// single-threaded process: the new one ends with the *thread* that started it.
///
/// # Errors
/// An [`io::Error`] that holds a [`SpawnError`]: the step that failed and what the system said. Nothing is left
/// running then.
pub fn spawn(spawn: Spawn) -> io::Result<Spawned> {
    let program = spawn.program.clone();
    let failed = |step: String, source| {
        io::Error::from(SpawnError {
            program: program.clone(),
            step,
            source,
        })
    };
    let prepared = prepare(spawn).map_err(|(step, source)| failed(step.to_owned(), source))?;
    let (mut from_child, to_parent) =
        io::pipe().map_err(|source| failed("report pipe".to_owned(), source))?;

    // SAFETY: up to its exec or exit the child makes system calls only: no allocation, no lock, no destructor.
    let pid = unsafe {
        match libc::fork() {
            -1 => return Err(failed("fork".to_owned(), io::Error::last_os_error())),
            0 => child::run(&prepared, to_parent.as_raw_fd()),
            pid => pid,
        }
    };
    drop(to_parent);
    let pidfd = open_pidfd(pid);

    let mut report = [0; child::REPORT_SIZE];
    let confinement = match read_report(&mut from_child, &mut report) {
        // The pipe closed with exec.
        Ok(0) => pidfd.map_err(|source| ("pidfd".to_owned(), source)),
        Ok(_) => {
            let (step, source) = child::read_report(report);
            Err((step.to_owned(), source))
        }
        Err(source) => Err(("report pipe".to_owned(), source)),
    };
    match confinement {
        Ok(pidfd) => {
            let landlock_abi = prepared.ruleset.as_ref().and_then(|_| landlock::abi());
            Ok(Spawned {
                pid,
                pidfd,
                landlock_abi,
            })
        }
        Err((step, source)) => {
            end(pid);
            Err(failed(step, source))
        }
    }
}

fn prepare(spawn: Spawn) -> Result<Prepared, (&'static str, io::Error)> {
    let Spawn {
        program,
        args,
        env,
        cwd,
        policy,
        fds,
    } = spawn;
    let arguments = || -> io::Result<_> {
        let argv = [program.as_os_str()]
            .into_iter()
            .chain(args.iter().map(|arg| arg.as_os_str()));
        let argv = argv.map(c_string).collect::<io::Result<Vec<_>>>()?;
        let envp = env.iter().map(|(name, value)| {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            c_string(&pair)
        });
        Ok((
            Pointers::new(argv),
            Pointers::new(envp.collect::<io::Result<_>>()?),
        ))
    };
    let (argv, envp) = arguments().map_err(|error| ("arguments", error))?;
    for (at, (_, target)) in fds.iter().enumerate() {
        let taken = fds[..at].iter().any(|(_, other)| other == target);
        if taken || !(0..Spawn::DESCRIPTORS).contains(target) {
            let why = format!(
                "descriptor number {target} is given twice or not below {}",
                Spawn::DESCRIPTORS
            );
            return Err((
                Step::Descriptors.name(),
                io::Error::new(io::ErrorKind::InvalidInput, why),
            ));
        }
    }
    let dev_null = std::fs::File::options().read(true).write(true).open("/dev/null");
    let confined = policy.as_ref().is_some_and(|policy| policy.mode != Mode::Off);
    Ok(Prepared {
        argv,
        envp,
        program: c_string(program.as_os_str()).map_err(|error| ("program", error))?,
        cwd: c_string(cwd.as_os_str()).map_err(|error| ("working directory", error))?,
        fds,
        dev_null: dev_null.map_err(|error| ("/dev/null", error))?.into(),
        limits: match &policy {
            Some(policy) => limits(&policy.limits).map_err(|error| (Step::Limits.name(), error))?,
            None => Vec::new(),
        },
        confined,
        ruleset: match &policy {
            Some(policy) if confined => ruleset(policy).map_err(|error| (Step::Landlock.name(), error))?,
            _ => None,
        },
        // SAFETY: reads a number.
        parent: unsafe { libc::getpid() },
    })
}

fn ruleset(policy: &ZygotePolicy) -> io::Result<Option<OwnedFd>> {
    let ruleset = landlock::ruleset(policy)?;
    let missing = match ruleset {
        None => Some("Landlock"),
        // Installed later, by the zygote itself; but it is known now that it could not be.
        Some(_) if !probe::has_seccomp() => Some("seccomp filter for this architecture"),
        Some(_) => None,
    };
    match missing {
        Some(missing) if policy.mode == Mode::Required => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("this kernel has no {missing}, and confinement is required"),
        )),
        _ => Ok(ruleset),
    }
}

/// Descriptors that a zygote may have open, whatever its children may: the kernel lets nobody send one over a socket
/// while more than this are on their way for the whole user, and each fork sends three.
const ZYGOTE_OPEN_FILES: u64 = 16_384;

/// Limits that a zygote shares with its children. Two are each child's own: the processor's, since a zygote's time
/// adds up over its life, and that of open files. 0 leaves a limit as it is; none can be raised above what this
/// process may have itself.
fn limits(limits: &Limits) -> io::Result<Vec<(Resource, libc::rlimit)>> {
    let mut all = vec![(
        libc::RLIMIT_CORE,
        libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        },
    )];
    for (resource, value) in [
        (libc::RLIMIT_AS, limits.address_space),
        (libc::RLIMIT_FSIZE, limits.file_size),
        (libc::RLIMIT_NOFILE, limits.open_files.max(ZYGOTE_OPEN_FILES)),
    ] {
        if value != 0 {
            let value = value.min(process::limit(resource)?.rlim_max);
            all.push((
                resource,
                libc::rlimit {
                    rlim_cur: value,
                    rlim_max: value,
                },
            ));
        }
    }
    Ok(all)
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn open_pidfd(pid: libc::pid_t) -> io::Result<Option<OwnedFd>> {
    // SAFETY: the process was not reaped, so the id still means it; the descriptor is new and owned by no other.
    match check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as libc::c_int) {
        Ok(fd) => Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) })),
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_report(pipe: &mut io::PipeReader, report: &mut [u8]) -> io::Result<usize> {
    loop {
        match pipe.read(report) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Kills and reaps a process that did not come up.
fn end(pid: libc::pid_t) {
    // SAFETY: the process is a child of this one and was not reaped, so the id means no other.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        while libc::waitpid(pid, ptr::null_mut(), 0) < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}
