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

/// The result of a libc call as Rust has it.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
