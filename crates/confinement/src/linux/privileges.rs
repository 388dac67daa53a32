//! Giving up every privilege, for good.

use std::io;

use super::{check, prctl};

const CAPABILITY_VERSION_3: u32 = 0x2008_0522;
/// Numbers of capabilities fit 64 bits; the kernel has 41 of them today.
const CAPABILITIES: libc::c_ulong = 64;

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Sets `no_new_privs` and gives up every capability of this thread: bounding, ambient, effective, permitted and
/// inheritable. Does not allocate, so it may run between fork and exec.
///
/// # Errors
/// What the kernel said.
pub fn renounce_privileges() -> io::Result<()> {
    no_new_privileges()?;
    drop_capabilities()
}

pub(super) fn no_new_privileges() -> io::Result<()> {
    // SAFETY: changes a flag of this thread, touches no memory.
    unsafe { prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0) }
}

pub(super) fn drop_capabilities() -> io::Result<()> {
    // SAFETY: the calls change sets of this thread and touch no memory.
    unsafe {
        // A kernel before ambient capabilities (4.3) says EINVAL, and has none to clear.
        let cleared = prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong,
            0,
        );
        ignoring(cleared, libc::EINVAL)?;
        for capability in 0..CAPABILITIES {
            match prctl(libc::PR_CAPBSET_DROP, capability, 0) {
                Ok(()) => {}
                // Past the last one that this kernel has.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
                // An unprivileged process may not shrink its bounding set; with no_new_privs it can gain nothing
                // from the set either.
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => break,
                Err(error) => return Err(error),
            }
        }
    }
    let header = CapabilityHeader {
        version: CAPABILITY_VERSION_3,
        pid: 0,
    };
    let none = [CapabilityData {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: version 3 reads one header and two sets, which live until the call returns.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    check(result as libc::c_int).map(drop)
}

fn ignoring(result: io::Result<()>, errno: libc::c_int) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(errno) => Ok(()),
        other => other,
    }
}
