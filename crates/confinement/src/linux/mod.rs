//! The Linux side.

mod child;
mod landlock;
mod privileges;
mod probe;
mod process;
mod spawn;

pub use privileges::renounce_privileges;
pub use probe::probe;
pub use process::{close_inherited_descriptors, end_with_parent, raise_open_files_limit};
pub use spawn::spawn;

use std::io;

/// The type of a resource limit's name differs between C libraries.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// `prctl`, whose arguments the kernel reads as whole words.
///
/// # Safety
/// The option must take no pointer.
unsafe fn prctl(option: libc::c_int, second: libc::c_ulong, third: libc::c_ulong) -> io::Result<()> {
    const NONE: libc::c_ulong = 0;
    // SAFETY: the caller's contract.
    check(unsafe { libc::prctl(option, second, third, NONE, NONE) }).map(drop)
}

/// The result of a libc call as Rust has it.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
