//! The two seccomp filters: the *base*, which a zygote installs once its interpreter runs and which every child
//! inherits, and the *child*'s, small because its installation is paid by every attempt.
//!
//! Programs are plain bytes, so that they can be built for either architecture, sent over a socket, and read by
//! an interpreter in tests.

mod base;
mod bpf;
mod checks;
mod child;
mod table;

pub use base::base_filter_for;
pub use child::{PID_PLACEHOLDER, child_filter_for};

/// A processor architecture that there is a filter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

impl Arch {
    /// The architecture that this program was built for; `None` where there is no filter.
    pub const fn current() -> Option<Arch> {
        if cfg!(target_arch = "x86_64") {
            Some(Arch::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Arch::Aarch64)
        } else {
            None
        }
    }

    /// `AUDIT_ARCH_…` of linux/audit.h.
    const fn audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xC000_003E,
            Arch::Aarch64 => 0xC000_00B7,
        }
    }
}

/// Verdicts: `SECCOMP_RET_…` of linux/seccomp.h, with the errno in the low half.
mod verdict {
    pub const ALLOW: u32 = 0x7FFF_0000;
    pub const KILL: u32 = 0x8000_0000;
    const ERRNO: u32 = 0x0005_0000;
    /// Not done, 0 is answered.
    pub const PRETEND: u32 = ERRNO;
    pub const EPERM: u32 = ERRNO | 1;
    pub const EACCES: u32 = ERRNO | 13;
    pub const ENOSYS: u32 = ERRNO | 38;
    pub const EOPNOTSUPP: u32 = ERRNO | 95;
}

/// The base filter for this machine: `struct sock_filter[]` as bytes, empty where there is none.
pub fn base_filter() -> Vec<u8> {
    Arch::current().map(base_filter_for).unwrap_or_default()
}

/// The child's filter for this machine: `struct sock_filter[]` as bytes, empty where there is none. Its
/// [`PID_PLACEHOLDER`] must be replaced by the child's own process id before it is installed.
pub fn child_filter() -> Vec<u8> {
    Arch::current().map(child_filter_for).unwrap_or_default()
}

/// Every syscall that the filters name, with its number on `arch`: for the tests that check the numbers.
pub fn syscalls(arch: Arch) -> impl Iterator<Item = (&'static str, u32)> {
    table::CALLS
        .iter()
        .filter_map(move |call| Some((call.name, call.number(arch)?)))
}
