//! The C interface. Every function returns a number of at least 0, or `-errno`.
//!
//! To be called by one thread, in this order: the filter and what children get, `ac_serve`, then `ac_next`,
//! `ac_fork`, and `ac_forked` in the parent or `ac_enter` in the child. The state behind it is borrowed for one
//! call at a time, which that one thread makes sound; ctypes' `PyDLL` holds the interpreter's lock meanwhile.

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::Errno;
use crate::platform::{self, zygote};

fn answer(result: Result<c_int, Errno>) -> c_int {
    result.unwrap_or_else(|Errno(errno)| -errno)
}

/// # Safety
/// `start` must point at `bytes` readable bytes, or be null when there are none.
unsafe fn program<'a>(start: *const c_void, bytes: usize) -> &'a [u8] {
    // SAFETY: the caller's contract.
    if start.is_null() {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(start.cast(), bytes) }
    }
}

/// `no_new_privs` and a seccomp filter for this process, now.
///
/// # Safety
/// `start` must point at `bytes` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_install_filter(start: *const c_void, bytes: usize) -> c_int {
    // SAFETY: the caller's contract.
    answer(platform::install_filter(unsafe { program(start, bytes) }))
}

/// Keeps the filter that each child installs. No bytes: none.
///
/// # Safety
/// `start` must point at `bytes` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_child_filter(start: *const c_void, bytes: usize) -> c_int {
    // SAFETY: the caller's contract, and that of this module for the state.
    answer(unsafe { zygote().keep_filter(program(start, bytes)) })
}

/// Keeps a path, opened now, that children may read and execute. With the first one children get a Landlock layer.
///
/// # Safety
/// `path` must be a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_child_read(path: *const c_char) -> c_int {
    // SAFETY: the caller's contract, and that of this module for the state.
    answer(unsafe { zygote().keep_read_path(CStr::from_ptr(path)) })
}

/// Keeps the folder, opened now, below which the children's temporary folders are made.
///
/// # Safety
/// `path` must be a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_child_tmp_root(path: *const c_char) -> c_int {
    // SAFETY: the caller's contract, and that of this module for the state.
    answer(unsafe { zygote().keep_tmp_root(CStr::from_ptr(path)) })
}

/// Keeps the children's limits: seconds, bytes, bytes, a number; 0 leaves one as it is.
///
/// # Safety
/// See the module: one thread, one call at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_child_limits(
    cpu_s: u64,
    address_space: u64,
    file_size: u64,
    open_files: u64,
) -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().keep_limits(cpu_s, address_space, file_size, open_files) })
}

/// Gets ready to serve forks asked for over `control`. From here on this process cannot be dumped or traced.
///
/// # Safety
/// `control` must stay open for as long as this process serves. See the module, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_serve(control: c_int) -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().serve(control) })
}

/// Waits: 1 when a fork is asked for, 0 when the control socket has closed. Reaps children and reports their exits
/// meanwhile. A packet that cannot be answered is `-EBADMSG`.
///
/// # Safety
/// See the module: one thread, one call at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_next() -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().next() })
}

/// Forks without running anybody's at-fork handlers: 0 in the child, its process id in the parent.
///
/// # Safety
/// This process must have one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_fork() -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().fork() })
}

/// In the parent, after the fork that [`ac_next`] asked for: reports it (`pid < 0`: that it failed, with that
/// errno) and closes what came with the request. With this process's own id: that it serves the request itself;
/// [`ac_enter`] follows then.
///
/// # Safety
/// `pid` must be this process or its child, not yet reaped. See the module, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_forked(pid: c_int) -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().forked(pid) })
}

/// In the child: confines it. Does not return when a step fails.
///
/// # Safety
/// This process must just have been forked for a request that [`ac_next`] took, or have been reported as serving it
/// itself. Every descriptor but the request's own two is closed, whoever owned it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ac_enter() -> c_int {
    // SAFETY: the caller's contract.
    answer(unsafe { zygote().enter() })
}

/// Puts one of the [`CLOCKS`](crate::CLOCKS) off by so many nanoseconds, for every thread that has it. Number 0 stays the real one.
#[unsafe(no_mangle)]
pub extern "C" fn ac_put_off(clock: u32, by_ns: i64) {
    platform::put_clock_off(clock, by_ns);
}

/// Gives the calling thread a clock.
#[unsafe(no_mangle)]
pub extern "C" fn ac_use_clock(clock: u32) {
    platform::use_clock(clock);
}

/// The number of threads of this process.
#[unsafe(no_mangle)]
pub extern "C" fn ac_thread_count() -> c_int {
    answer(platform::thread_count())
}
