//! The zygote's loop: takes requests, forks, reports children and their ends.

use std::ffi::c_int;
use std::os::fd::RawFd;

use super::sys::{self, check, check_long};
use super::zygote::{Request, Zygote};
use crate::Errno;
use crate::packet::{FOLDER_NAME_LIMIT, FORK_SIZE_LIMIT, Fork, Malformed, REPORT_SIZE_LIMIT, Report};

/// How long the supervisor may leave the control socket full before the zygote gives up, milliseconds.
const SEND_PATIENCE_MS: c_int = 30_000;
/// Pause between tries while too many descriptors of this user are on their way (`ETOOMANYREFS`: more than this
/// process may have open itself), milliseconds. Nothing announces that there are fewer.
const IN_FLIGHT_PAUSE_MS: c_int = 5;

/// Descriptors that come with a request: channel and output.
const REQUEST_DESCRIPTORS: usize = 2;
/// Room for more than that, so that a packet with too many is noticed and all of them are closed.
const DESCRIPTORS_LIMIT: usize = 4;

/// Room for one control message with descriptors, aligned for its header.
#[repr(C, align(8))]
struct ControlBuffer([u8; 64]);

#[expect(
    clippy::large_enum_variant,
    reason = "a box would allocate, and there is one at a time"
)]
enum Received {
    Fork(Request),
    Refused { token: u64, errno: c_int },
    Nothing,
    Closed,
}

impl Zygote {
    pub(crate) fn next(&mut self) -> Result<c_int, Errno> {
        match self.wait_for_fork() {
            // The supervisor has gone.
            Err(Errno(libc::EPIPE | libc::ECONNRESET)) => Ok(0),
            other => other,
        }
    }

    fn wait_for_fork(&mut self) -> Result<c_int, Errno> {
        self.drop_request();
        loop {
            let waits = |fd: RawFd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            };
            let mut ready = [waits(self.control), waits(self.signals)];
            // SAFETY: the array outlives the call.
            match check(unsafe { libc::poll(ready.as_mut_ptr(), ready.len() as libc::nfds_t, -1) }) {
                Err(Errno(libc::EINTR)) => continue,
                other => other?,
            };
            if ready[1].revents != 0 {
                self.reap()?;
            }
            if ready[0].revents == 0 {
                continue;
            }
            match receive(self.control)? {
                Received::Closed => return Ok(0),
                Received::Nothing => {}
                Received::Refused { token, errno } => self.send(&Report::Refused { token, errno }, None)?,
                Received::Fork(request) => {
                    let token = request.token;
                    self.request = Some(request);
                    if !self.children().is_full() {
                        return Ok(1);
                    }
                    self.drop_request();
                    self.send(
                        &Report::Refused {
                            token,
                            errno: libc::EAGAIN,
                        },
                        None,
                    )?;
                }
            }
        }
    }

    pub(crate) fn fork(&mut self) -> Result<c_int, Errno> {
        // SAFETY: this process has one thread, so the child may go on as if nothing had happened.
        check(unsafe { (self.fork)() })
    }

    pub(crate) fn forked(&mut self, pid: c_int) -> Result<c_int, Errno> {
        let token = self.request.as_ref().ok_or(Errno(libc::EINVAL))?.token;
        // A process that serves the one request itself still needs what came with it.
        if pid != self.pid {
            self.drop_request();
        }
        if pid < 0 {
            self.send(&Report::Refused { token, errno: -pid }, None)?;
            return Ok(0);
        }
        if pid != self.pid {
            self.children().add(pid, token);
        }
        // SAFETY: the child was not reaped, so the id means it.
        let pidfd = match check_long(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) }) {
            Ok(fd) => Some(fd),
            // Kernels before 5.3. Whatever else it says is an error: without the descriptor the supervisor might
            // kill another process of the same id.
            Err(Errno(libc::ENOSYS)) => None,
            Err(error) => return Err(error),
        };
        let sent = self.send(&Report::Forked { token, pid }, pidfd);
        if let Some(pidfd) = pidfd {
            sys::close(pidfd);
        }
        sent.map(|()| 0)
    }

    fn drop_request(&mut self) {
        if let Some(request) = self.request.take() {
            sys::close(request.channel);
            sys::close(request.output);
        }
    }

    /// Reports every child that has ended.
    fn reap(&mut self) -> Result<(), Errno> {
        // First empty the descriptor, then reap: a child that ends in between announces itself again.
        drain(self.signals)?;
        loop {
            let mut status = 0;
            // SAFETY: an all-zero `rusage` is one; the call fills both.
            let (pid, usage) = unsafe {
                let mut usage: libc::rusage = std::mem::zeroed();
                let pid = libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage);
                (pid, usage)
            };
            match check(pid) {
                Ok(0) | Err(Errno(libc::ECHILD)) => return Ok(()),
                Err(Errno(libc::EINTR)) => continue,
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            // A process that nobody asked for, made by the project's import, is nobody's to hear of.
            if let Some(token) = self.children().remove(pid) {
                let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
                let report = Report::Exited {
                    token,
                    status,
                    user_us: micros(usage.ru_utime),
                    system_us: micros(usage.ru_stime),
                    max_rss_kib: usage.ru_maxrss as u64,
                    minor_faults: usage.ru_minflt as u64,
                };
                self.send(&report, None)?;
            }
        }
    }

    /// Sends a report, with a descriptor if there is one. Waits while the socket is full, but not for ever.
    fn send(&self, report: &Report, descriptor: Option<RawFd>) -> Result<(), Errno> {
        let mut packet = [0; REPORT_SIZE_LIMIT];
        let mut part = libc::iovec {
            iov_base: packet.as_mut_ptr().cast(),
            iov_len: report.encode(&mut packet),
        };
        let mut control = ControlBuffer([0; 64]);
        // SAFETY: an all-zero header is one. It points at locals that outlive the calls; the control buffer is
        // aligned and has room for one descriptor.
        unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            if let Some(descriptor) = descriptor {
                const SIZE: u32 = size_of::<RawFd>() as u32;
                message.msg_control = control.0.as_mut_ptr().cast();
                message.msg_controllen = libc::CMSG_SPACE(SIZE) as _;
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = libc::CMSG_LEN(SIZE) as _;
                libc::CMSG_DATA(header)
                    .cast::<RawFd>()
                    .write_unaligned(descriptor);
            }
            let mut patience_ms = SEND_PATIENCE_MS;
            loop {
                let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
                match check_long(libc::sendmsg(self.control, &raw const message, flags) as libc::c_long) {
                    Ok(_) => return Ok(()),
                    Err(Errno(libc::EINTR)) => {}
                    Err(Errno(libc::EAGAIN)) => self.wait_for_room()?,
                    Err(Errno(libc::ETOOMANYREFS)) if patience_ms > 0 => {
                        libc::poll(std::ptr::null_mut(), 0, IN_FLIGHT_PAUSE_MS);
                        patience_ms -= IN_FLIGHT_PAUSE_MS;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn wait_for_room(&self) -> Result<(), Errno> {
        let mut room = libc::pollfd {
            fd: self.control,
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: the structure outlives the call.
        match check(unsafe { libc::poll(&raw mut room, 1, SEND_PATIENCE_MS) }) {
            Ok(0) => Err(Errno(libc::ETIMEDOUT)),
            Ok(_) | Err(Errno(libc::EINTR)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Takes one packet without waiting.
fn receive(socket: RawFd) -> Result<Received, Errno> {
    // One byte more than the longest, so that a longer one is seen to be cut.
    let mut packet = [0_u8; FORK_SIZE_LIMIT + 1];
    let mut control = ControlBuffer([0; 64]);
    let mut part = libc::iovec {
        iov_base: packet.as_mut_ptr().cast(),
        iov_len: packet.len(),
    };
    // SAFETY: an all-zero header is one; it points at locals that outlive the call.
    let (length, message) = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE((DESCRIPTORS_LIMIT * size_of::<RawFd>()) as u32) as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        (libc::recvmsg(socket, &raw mut message, flags), message)
    };
    let length = match check(length as c_int) {
        Err(Errno(libc::EAGAIN | libc::EINTR)) => return Ok(Received::Nothing),
        other => other? as usize,
    };
    let (descriptors, count) = descriptors(&message);
    let cut = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    let refused = match Fork::decode(&packet[..length]) {
        Ok(fork) if !cut && count == REQUEST_DESCRIPTORS => {
            let mut folder = [0; FOLDER_NAME_LIMIT + 1];
            folder[..fork.folder.len()].copy_from_slice(fork.folder);
            let [channel, output, ..] = descriptors;
            return Ok(Received::Fork(Request {
                token: fork.token,
                channel,
                output,
                folder,
            }));
        }
        Ok(Fork { token, .. }) | Err(Malformed::Named(token)) => Ok(Received::Refused {
            token,
            errno: libc::EBADMSG,
        }),
        // The end of a stream of packets reads as an empty packet.
        Err(Malformed::Unnamed) if length == 0 => Ok(Received::Closed),
        Err(Malformed::Unnamed) => Err(Errno(libc::EBADMSG)),
    };
    descriptors[..count].iter().for_each(|fd| sys::close(*fd));
    refused
}

/// The descriptors that came with a packet, and how many.
fn descriptors(message: &libc::msghdr) -> ([RawFd; DESCRIPTORS_LIMIT], usize) {
    let mut found = [-1; DESCRIPTORS_LIMIT];
    let mut count = 0;
    // SAFETY: the kernel filled the header's buffer, which is still borrowed by it; the macros stay within it.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for at in 0..bytes / size_of::<RawFd>() {
                    found[count] = libc::CMSG_DATA(header).cast::<RawFd>().add(at).read_unaligned();
                    count += 1;
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    (found, count)
}

/// Reads a non-blocking descriptor until it is empty.
fn drain(fd: RawFd) -> Result<(), Errno> {
    let mut buffer = [0_u8; 2 * size_of::<libc::signalfd_siginfo>()];
    loop {
        // SAFETY: the buffer outlives the call.
        match check(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) } as c_int) {
            Err(Errno(libc::EAGAIN)) => return Ok(()),
            Err(Errno(libc::EINTR)) | Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}
