//! The one native library that a zygote loads (`ctypes.PyDLL`): it waits for the supervisor's word, forks, reports
//! exits, and confines each child before user code runs in it.
//!
//! Native, because the zygote's Python heap must stay untouched between forks (each page that it dirties is copied
//! for every child), and because a child's confinement must be whole before an interpreter runs in it.
//!
//! The C interface is in `interface`; the packets, which the supervisor reads and writes as well, in [`packet`].
//! What the child does, step by step, in `linux/enter.rs`. There is one zygote per process and one thread in it:
//! the state is a plain static. Between fork and the end of `ac_enter` nothing allocates.
//!
//! It also stands before the C library's clock (`LD_PRELOAD`), so that code that is given back what it was told before can
//! be given the time of then: `linux/clock.rs`.
//!
//! A panic ends the process (it cannot cross the C interface). Elsewhere than on Linux every function of the
//! interface answers `-ENOSYS`.

// This crate and `confinement` are where the kernel is spoken to directly; every block says why it is sound.
#![allow(unsafe_code)]

mod interface;
pub mod packet;
mod step;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "absent.rs"]
mod platform;

pub use interface::{
    ac_child_filter, ac_child_limits, ac_child_read, ac_child_tmp_root, ac_enter, ac_fork, ac_forked,
    ac_install_filter, ac_next, ac_put_off, ac_serve, ac_thread_count, ac_use_clock,
};
pub use step::Step;

/// Most children that one zygote has at a time. A fork beyond is refused with `EAGAIN`.
pub const CHILDREN: usize = 4096;

/// Most paths that [`ac_child_read`] keeps: each is a rule of every child's Landlock layer.
pub const CHILD_READ_PATHS: usize = 32;

/// Most instructions of a child's filter: its installation is paid by every child.
pub const CHILD_FILTER_INSTRUCTIONS: usize = 512;

/// What a child's filter has in place of the child's own process id; the same as `confinement::PID_PLACEHOLDER`.
pub const PID_PLACEHOLDER: u32 = 0x7AC0_1D1D;

/// Clocks that a process has, the real one among them.
pub const CLOCKS: usize = 4096;

/// An errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Errno(std::ffi::c_int);
