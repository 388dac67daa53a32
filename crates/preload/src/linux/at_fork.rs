//! A child's life is tied to its zygote's before anybody's at-fork handler can hang in it: what hangs there never comes to
//! [`super::enter`], and would outlive the server.

use std::sync::atomic::{AtomicI32, Ordering};

use super::sys;
use crate::{Errno, Step};

/// The zygote that serves: what it forks are children. 0 until it does.
static ZYGOTE: AtomicI32 = AtomicI32::new(0);
/// Whoever forked last. A child may fork as well, where it is not confined: that is nobody's of ours.
static FORKING: AtomicI32 = AtomicI32::new(0);

/// Has `fork` come to [`in_child`] first in each child: handlers run in the order in which they came, and the project's come
/// with its import. `_Fork` calls none, so that nobody's can hang.
pub(super) fn register() -> Result<(), Errno> {
    // SAFETY: the functions are there for as long as the process: nobody unloads this library.
    match unsafe { libc::pthread_atfork(Some(before), None, Some(in_child)) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// From here on what this process forks are children.
pub(super) fn serve(zygote: libc::pid_t) {
    ZYGOTE.store(zygote, Ordering::Relaxed);
}

unsafe extern "C" fn before() {
    // SAFETY: reads a number.
    FORKING.store(unsafe { libc::getpid() }, Ordering::Relaxed);
}

unsafe extern "C" fn in_child() {
    let zygote = ZYGOTE.load(Ordering::Relaxed);
    let is_child = zygote != 0 && FORKING.load(Ordering::Relaxed) == zygote;
    if is_child && sys::end_with(zygote).is_err() {
        // SAFETY: ends the process, and touches nothing of it.
        unsafe { libc::_exit(Step::Parent.exit_status()) }
    }
}
