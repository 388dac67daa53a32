//! The zygote's state: what it was told to give its children, and the request that it has in hand.

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int};
use std::os::fd::RawFd;

use super::at_fork;
use super::children::Children;
use super::filter::ChildFilter;
use super::landlock::{self, ReadPath};
use super::sys::{self, check};
use crate::packet::FOLDER_NAME_LIMIT;
use crate::{CHILD_READ_PATHS, Errno};

/// After its limit of processor time (SIGXCPU) a child that ignores that signal has this long until SIGKILL, seconds.
const CPU_GRACE_S: u64 = 1;
const LIMITS: usize = 4;
/// Signals are numbered from 1 to this.
const LAST_SIGNAL: c_int = 64;

/// A fork that was asked for and is not yet reported.
pub(super) struct Request {
    pub(super) token: u64,
    pub(super) channel: RawFd,
    pub(super) output: RawFd,
    /// Null-terminated; empty without a temporary folder.
    pub(super) folder: [u8; FOLDER_NAME_LIMIT + 1],
}

/// What `_Fork` looks like; glibc has it since 2.34, musl since 1.2.3.
pub(super) type ForkFunction = unsafe extern "C" fn() -> libc::pid_t;

pub(crate) struct Zygote {
    pub(super) control: RawFd,
    pub(super) signals: RawFd,
    pub(super) dev_null: RawFd,
    pub(super) pid: libc::pid_t,
    pub(super) parent: libc::pid_t,
    pub(super) fork: ForkFunction,
    pub(super) request: Option<Request>,
    pub(super) tmp_root: Option<RawFd>,
    pub(super) read: [ReadPath; CHILD_READ_PATHS],
    pub(super) read_count: usize,
    pub(super) landlock_abi: u32,
    pub(super) limits: [Option<(sys::Resource, libc::rlimit)>; LIMITS],
    /// Bit n − 1: signal n is not as a child is to have it.
    pub(super) changed_signals: u64,
}

/// A static that one thread uses.
struct Single<T>(UnsafeCell<T>);

// SAFETY: the C interface is called by one thread (its documented contract), and nothing else reaches these.
unsafe impl<T> Sync for Single<T> {}

static ZYGOTE: Single<Zygote> = Single(UnsafeCell::new(Zygote {
    control: -1,
    signals: -1,
    dev_null: -1,
    pid: 0,
    parent: 0,
    fork: libc::fork,
    request: None,
    tmp_root: None,
    read: [ReadPath::NONE; CHILD_READ_PATHS],
    read_count: 0,
    landlock_abi: 0,
    limits: [None; LIMITS],
    changed_signals: 0,
}));
// Apart from the rest, since these are all zeroes and large: so they take no room in the library's file.
static CHILDREN: Single<Children> = Single(UnsafeCell::new(Children::new()));
static FILTER: Single<ChildFilter> = Single(UnsafeCell::new(ChildFilter::new()));

/// The state.
///
/// # Safety
/// One thread, and one borrow at a time: each function of the C interface borrows it once.
pub(crate) unsafe fn zygote() -> &'static mut Zygote {
    // SAFETY: the caller's contract.
    unsafe { &mut *ZYGOTE.0.get() }
}

impl Zygote {
    pub(super) fn children(&mut self) -> &mut Children {
        // SAFETY: whoever has the state exclusively has its parts exclusively.
        unsafe { &mut *CHILDREN.0.get() }
    }

    pub(super) fn filter(&mut self) -> &mut ChildFilter {
        // SAFETY: as above.
        unsafe { &mut *FILTER.0.get() }
    }

    pub(crate) fn keep_filter(&mut self, program: &[u8]) -> Result<c_int, Errno> {
        self.filter().keep(program).map(|()| 0)
    }

    pub(crate) fn keep_read_path(&mut self, path: &CStr) -> Result<c_int, Errno> {
        self.landlock_abi = landlock::abi()?;
        if self.read_count == CHILD_READ_PATHS {
            return Err(Errno(libc::E2BIG));
        }
        let fd = sys::open_kept(path, libc::O_PATH)?;
        let read = ReadPath::new(fd, sys::file_kind(fd)?);
        self.read[self.read_count] = read;
        self.read_count += 1;
        Ok(0)
    }

    pub(crate) fn keep_tmp_root(&mut self, path: &CStr) -> Result<c_int, Errno> {
        let fd = sys::open_kept(path, libc::O_PATH | libc::O_DIRECTORY)?;
        match self.tmp_root.replace(fd) {
            Some(before) => sys::close(before),
            // Told before the project is imported: no handler of its own comes before this one.
            None => at_fork::register()?,
        }
        Ok(0)
    }

    /// A limit is never above what this process may have itself, and one that holds already costs no child a call.
    pub(crate) fn keep_limits(
        &mut self,
        cpu_s: u64,
        address_space: u64,
        file_size: u64,
        open_files: u64,
    ) -> Result<c_int, Errno> {
        let wanted = [
            (libc::RLIMIT_CPU, cpu_s, CPU_GRACE_S),
            (libc::RLIMIT_AS, address_space, 0),
            (libc::RLIMIT_FSIZE, file_size, 0),
            (libc::RLIMIT_NOFILE, open_files, 0),
        ];
        for (kept, (resource, value, grace)) in self.limits.iter_mut().zip(wanted) {
            let now = sys::limit(resource)?;
            let limit = libc::rlimit {
                rlim_cur: value.min(now.rlim_max),
                rlim_max: value.saturating_add(grace).min(now.rlim_max),
            };
            let holds = (limit.rlim_cur, limit.rlim_max) == (now.rlim_cur, now.rlim_max);
            *kept = (value != 0 && !holds).then_some((resource, limit));
        }
        Ok(0)
    }

    pub(crate) fn serve(&mut self, control: c_int) -> Result<c_int, Errno> {
        let dev_null = sys::open_kept(c"/dev/null", libc::O_RDWR)?;
        // SAFETY: the set is filled before it is read; both calls read it only. Being undumpable keeps what a
        // conversation says out of core files, and siblings out of each other's memory; children inherit it.
        let signals = unsafe {
            sys::prctl(libc::PR_SET_DUMPABLE, 0)?;
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            check(libc::sigprocmask(
                libc::SIG_BLOCK,
                &raw const set,
                std::ptr::null_mut(),
            ))?;
            sys::move_up(check(libc::signalfd(
                -1,
                &raw const set,
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            ))?)?
        };
        if self.read_count > 0 {
            // A Landlock layer asks for it.
            sys::no_new_privileges()?;
        }
        (self.control, self.signals, self.dev_null) = (control, signals, dev_null);
        // SAFETY: reads a number; looks up a name that, where it exists, is a function of this type.
        unsafe {
            (self.pid, self.parent) = (libc::getpid(), libc::getppid());
            at_fork::serve(self.pid);
            let found = libc::dlsym(libc::RTLD_DEFAULT, c"_Fork".as_ptr());
            if !found.is_null() {
                self.fork = std::mem::transmute::<*mut libc::c_void, ForkFunction>(found);
            }
        }
        self.changed_signals = changed_signals();
        Ok(0)
    }
}

/// How a child finds a signal: at its default, but for two that Python ignores itself, to raise exceptions in their
/// place. User code counts on that.
pub(super) fn disposition(signal: c_int) -> libc::sighandler_t {
    if matches!(signal, libc::SIGPIPE | libc::SIGXFSZ) {
        libc::SIG_IGN
    } else {
        libc::SIG_DFL
    }
}

/// Which signals are otherwise now, so that a child resets those and makes no call for the others.
fn changed_signals() -> u64 {
    let is_changed = |signal: c_int| {
        // SAFETY: an all-zero action is one; the call fills it.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction != disposition(signal)
        }
    };
    (1..=LAST_SIGNAL)
        .filter(|signal| is_changed(*signal))
        .fold(0, |bits, signal| bits | 1 << (signal - 1))
}
