//! A child's own Landlock layer, by plain system calls: it is made for every attempt.
//!
//! The zygote's layer (crate `confinement`) holds as well, and is finer. This one keeps siblings' folders apart,
//! and forbids what the zygote still needed.

use std::ffi::c_int;
use std::os::fd::RawFd;

use super::sys::{check_long, close};
use crate::Errno;

// linux/landlock.h: LANDLOCK_ACCESS_FS_…
const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const MAKE_SYM: u64 = 1 << 12;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;

/// All of the first ABI's rights; the second added REFER, the third TRUNCATE, the fifth IOCTL_DEV.
const FIRST_RIGHTS: u64 = (1 << 13) - 1;
const IOCTL_DEV: u64 = 1 << 15;
/// TCP bind and connect, since the fourth ABI.
const NET: u64 = 0b11;
/// Abstract unix sockets and signals stay within the layer, since the sixth ABI.
const SCOPED: u64 = 0b11;

/// What a child may do in its own folder: all but make devices, sockets and pipes, and run programs.
const OWN_FOLDER: u64 = READ_FILE
    | READ_DIR
    | WRITE_FILE
    | TRUNCATE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_DIR
    | MAKE_REG
    | MAKE_SYM
    | REFER;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;

#[repr(C)]
struct RulesetAttributes {
    handled_fs: u64,
    handled_net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: RawFd,
}

/// A path that children may read, and the rights that they have there.
#[derive(Clone, Copy)]
pub(super) struct ReadPath {
    pub(super) fd: RawFd,
    allowed: u64,
}

impl ReadPath {
    /// Of an open path; its kind decides what reading means there.
    pub(super) fn new(fd: RawFd, kind: libc::mode_t) -> Self {
        let allowed = match kind {
            libc::S_IFDIR => READ_FILE | READ_DIR | EXECUTE,
            // /dev/null is there to be written to (and opened with O_TRUNC); the zygote's layer says which devices there are at all.
            libc::S_IFCHR => READ_FILE | WRITE_FILE | TRUNCATE,
            _ => READ_FILE | EXECUTE,
        };
        ReadPath { fd, allowed }
    }

    pub(super) const NONE: ReadPath = ReadPath { fd: -1, allowed: 0 };
}

/// The kernel's ABI.
pub(super) fn abi() -> Result<u32, Errno> {
    // SAFETY: with this flag the call reads no memory.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttributes>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    check_long(version).map(|version| version as u32)
}

fn handled(abi: u32) -> RulesetAttributes {
    let since = |first: u32, rights: u64| if abi >= first { rights } else { 0 };
    RulesetAttributes {
        handled_fs: FIRST_RIGHTS | since(2, REFER) | since(3, TRUNCATE) | since(5, IOCTL_DEV),
        handled_net: since(4, NET),
        scoped: since(6, SCOPED),
    }
}

/// Confines this process to reading `read` and to its own folder, for good.
pub(super) fn restrict(abi: u32, read: &[ReadPath], own_folder: Option<RawFd>) -> Result<(), Errno> {
    let attributes = handled(abi);
    let add = |ruleset: c_int, parent: RawFd, allowed: u64| {
        let rule = PathBeneath {
            allowed: allowed & attributes.handled_fs,
            parent,
        };
        // SAFETY: the kernel reads the rule during the call.
        check_long(unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                ruleset,
                RULE_PATH_BENEATH,
                &raw const rule,
                0,
            )
        })
    };
    // SAFETY: the kernel reads the attributes during the call. An older one takes the longer structure too, as
    // long as what it does not know is zero.
    let ruleset = check_long(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attributes,
            size_of::<RulesetAttributes>(),
            0,
        )
    })?;
    for path in read {
        add(ruleset, path.fd, path.allowed)?;
    }
    if let Some(folder) = own_folder {
        add(ruleset, folder, OWN_FOLDER)?;
    }
    // SAFETY: takes no memory.
    check_long(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) })?;
    close(ruleset);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An older kernel refuses rights that it does not know, so that what is asked for must grow with its ABI.
    #[test]
    fn each_abi_is_asked_for_its_own_rights() {
        let rights = |abi| {
            (
                handled(abi).handled_fs,
                handled(abi).handled_net,
                handled(abi).scoped,
            )
        };
        assert_eq!(rights(1), (0x1FFF, 0, 0));
        assert_eq!(rights(2), (0x3FFF, 0, 0));
        assert_eq!(rights(3), (0x7FFF, 0, 0));
        assert_eq!(rights(4), (0x7FFF, 3, 0));
        assert_eq!(rights(5), (0xFFFF, 3, 0));
        assert_eq!(rights(6), (0xFFFF, 3, 3));
        assert_eq!(rights(99), (0xFFFF, 3, 3));
    }
}
