//! What a child does between fork and user code. In this order, each step or none: confinement is never half there.

use std::ffi::c_int;
use std::os::fd::RawFd;

use super::landlock;
use super::sys::{self, check};
use super::zygote::{Request, Zygote, disposition};
use crate::{CHILD_READ_PATHS, Errno, Step};

/// The child's descriptors: `/dev/null`, output, output, channel, and none from here on.
const DESCRIPTORS: c_int = 4;
const OUTPUT: RawFd = 2;
const FOLDER_MODE: libc::mode_t = 0o700;

impl Zygote {
    pub(crate) fn enter(&mut self) -> Result<c_int, Errno> {
        // Its descriptors are closed below with all others: in this process the request is over.
        let request = self.request.take().ok_or(Errno(libc::EINVAL))?;
        let mut output = request.output;
        match self.confine(&request, &mut output) {
            Ok(()) => Ok(0),
            Err((step, error)) => end(step, error, output),
        }
    }

    /// `output` is where the child's output is, at every moment.
    fn confine(&mut self, request: &Request, output: &mut RawFd) -> Result<(), (Step, Errno)> {
        let at = |step: Step| move |error: Errno| (step, error);
        self.end_with_zygote().map_err(at(Step::Parent))?;
        self.reset_signals().map_err(at(Step::Signals))?;
        self.place_descriptors(request).map_err(at(Step::Descriptors))?;
        *output = OUTPUT;
        self.close_others().map_err(at(Step::CloseRange))?;
        self.set_limits().map_err(at(Step::Limits))?;
        let folder = self.make_folder(request).map_err(at(Step::Folder))?;
        self.confine_files(folder).map_err(at(Step::Landlock))?;
        if self.filter().is_some() {
            self.filter().install().map_err(at(Step::Filter))?;
        }
        Ok(())
    }

    fn end_with_zygote(&self) -> Result<(), Errno> {
        // SAFETY: reads a number.
        let own = unsafe { libc::getpid() };
        // A process that was not forked is the zygote itself, and ends with the zygote's parent.
        sys::end_with(if own == self.pid { self.parent } else { self.pid })
    }

    fn reset_signals(&self) -> Result<(), Errno> {
        // SAFETY: an all-zero action has no flags and an empty mask; what is pointed at outlives the calls.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let mut changed = self.changed_signals;
            while changed != 0 {
                let signal = changed.trailing_zeros() as c_int + 1;
                changed &= changed - 1;
                action.sa_sigaction = disposition(signal);
                check(libc::sigaction(signal, &raw const action, std::ptr::null_mut()))?;
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

    fn place_descriptors(&self, request: &Request) -> Result<(), Errno> {
        let out_of_the_way = |fd: RawFd| {
            if fd < DESCRIPTORS {
                sys::move_up(fd)
            } else {
                Ok(fd)
            }
        };
        let channel = out_of_the_way(request.channel)?;
        let output = out_of_the_way(request.output)?;
        for (source, target) in [(self.dev_null, 0), (output, 1), (output, OUTPUT), (channel, 3)] {
            // SAFETY: no number below 4 is in use for anything else from here on.
            check(unsafe { libc::dup2(source, target) })?;
        }
        Ok(())
    }

    /// Closes all that is not the child's, but for what the next steps need.
    fn close_others(&self) -> Result<(), Errno> {
        let mut spared = [0; CHILD_READ_PATHS + 1];
        let kept = self.read[..self.read_count]
            .iter()
            .map(|path| path.fd)
            .chain(self.tmp_root);
        let mut count = 0;
        for fd in kept {
            spared[count] = fd;
            count += 1;
        }
        spared[..count].sort_unstable();
        let mut next = DESCRIPTORS;
        for fd in &spared[..count] {
            sys::close_range(next, fd - 1)?;
            next = fd + 1;
        }
        sys::close_range(next, c_int::MAX)
    }

    fn set_limits(&self) -> Result<(), Errno> {
        for (resource, limit) in self.limits.iter().flatten() {
            // SAFETY: reads the structure, which outlives the call.
            check(unsafe { libc::setrlimit(*resource, limit) })?;
        }
        Ok(())
    }

    fn make_folder(&self, request: &Request) -> Result<Option<RawFd>, Errno> {
        let Some(root) = self.tmp_root else {
            return Ok(None);
        };
        let name = request.folder.as_ptr().cast();
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: the name is null-terminated and outlives the calls. An empty one is refused by the first.
        unsafe {
            check(libc::mkdirat(root, name, FOLDER_MODE))?;
            let folder = check(libc::openat(root, name, flags))?;
            check(libc::fchdir(folder))?;
            Ok(Some(folder))
        }
    }

    /// The Landlock layer, and then the descriptors that were spared for it go too.
    fn confine_files(&self, folder: Option<RawFd>) -> Result<(), Errno> {
        if self.read_count > 0 {
            landlock::restrict(self.landlock_abi, &self.read[..self.read_count], folder)?;
        }
        sys::close_range(DESCRIPTORS, c_int::MAX)
    }
}

/// Says on the child's output which step failed, and ends it.
fn end(step: Step, error: Errno, output: RawFd) -> ! {
    let mut line = Line {
        bytes: [0; 96],
        length: 0,
    };
    line.push(b"aftercall: this attempt could not be confined: step ");
    line.push(step.name().as_bytes());
    line.push(b": errno ");
    line.push_number(error.0);
    line.push(b"\n");
    // SAFETY: the bytes outlive the call. If the output takes nothing, the exit status still tells the step.
    unsafe {
        libc::write(output, line.bytes.as_ptr().cast(), line.length);
        libc::_exit(step.exit_status())
    }
}

/// Text without allocation. What does not fit is left out.
struct Line {
    bytes: [u8; 96],
    length: usize,
}

impl Line {
    fn push(&mut self, text: &[u8]) {
        for byte in text.iter().take(self.bytes.len() - self.length) {
            self.bytes[self.length] = *byte;
            self.length += 1;
        }
    }

    fn push_number(&mut self, number: c_int) {
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
    }
}
