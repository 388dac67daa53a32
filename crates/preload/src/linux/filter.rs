//! seccomp filters: installing one, and keeping one for the children with room for their process id.

use std::ffi::c_int;

use super::sys::{self, check_long};
use crate::{CHILD_FILTER_INSTRUCTIONS, Errno, PID_PLACEHOLDER};

const INSTRUCTION_SIZE: usize = size_of::<libc::sock_filter>();
const JUMP_IF_EQUAL: u16 = 0x15;
/// Comparisons with the child's process id that a filter may have.
const PLACEHOLDERS: usize = 16;

/// Sets `no_new_privs` and installs a filter for this process.
pub(crate) fn install(program: &[u8]) -> Result<c_int, Errno> {
    let length = instructions(program)?;
    sys::no_new_privileges()?;
    // The kernel copies the program and needs no alignment of it.
    install_program(program.as_ptr().cast(), length, 0)
}

fn instructions(program: &[u8]) -> Result<u16, Errno> {
    match u16::try_from(program.len() / INSTRUCTION_SIZE) {
        Ok(length) if length > 0 && program.len().is_multiple_of(INSTRUCTION_SIZE) => Ok(length),
        _ => Err(Errno(libc::EINVAL)),
    }
}

fn install_program(
    start: *const libc::sock_filter,
    length: u16,
    flags: libc::c_ulong,
) -> Result<c_int, Errno> {
    let program = libc::sock_fprog {
        len: length,
        filter: start.cast_mut(),
    };
    // SAFETY: both callers own `length` instructions at `start`, which the kernel only reads, during the call.
    let result = check_long(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    });
    match result {
        // A thread that cannot be given it is answered by its number.
        Ok(thread) if thread > 0 => Err(Errno(libc::EBUSY)),
        other => other,
    }
}

/// A child's filter.
pub(super) struct ChildFilter {
    program: [libc::sock_filter; CHILD_FILTER_INSTRUCTIONS],
    /// 0: there is no filter.
    length: u16,
    placeholders: [u16; PLACEHOLDERS],
    placeholder_count: usize,
}

impl ChildFilter {
    pub(super) const fn new() -> Self {
        const NOTHING: libc::sock_filter = libc::sock_filter {
            code: 0,
            jt: 0,
            jf: 0,
            k: 0,
        };
        ChildFilter {
            program: [NOTHING; CHILD_FILTER_INSTRUCTIONS],
            length: 0,
            placeholders: [0; PLACEHOLDERS],
            placeholder_count: 0,
        }
    }

    pub(super) fn is_some(&self) -> bool {
        self.length > 0
    }

    /// Keeps `program` in place of what was kept.
    pub(super) fn keep(&mut self, program: &[u8]) -> Result<(), Errno> {
        (self.length, self.placeholder_count) = (0, 0);
        if program.is_empty() {
            return Ok(());
        }
        let length = instructions(program)?;
        if usize::from(length) > CHILD_FILTER_INSTRUCTIONS {
            return Err(Errno(libc::E2BIG));
        }
        for (at, bytes) in program.chunks_exact(INSTRUCTION_SIZE).enumerate() {
            let instruction = libc::sock_filter {
                code: u16::from_ne_bytes([bytes[0], bytes[1]]),
                jt: bytes[2],
                jf: bytes[3],
                k: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            };
            self.program[at] = instruction;
            if instruction.code == JUMP_IF_EQUAL && instruction.k == PID_PLACEHOLDER {
                let free = self
                    .placeholders
                    .get_mut(self.placeholder_count)
                    .ok_or(Errno(libc::E2BIG))?;
                *free = at as u16;
                self.placeholder_count += 1;
            }
        }
        self.length = length;
        Ok(())
    }

    /// Installs it for this process, whose id it is made to mean.
    pub(super) fn install(&mut self) -> Result<(), Errno> {
        // SAFETY: reads a number.
        let pid = unsafe { libc::getpid() } as u32;
        for at in &self.placeholders[..self.placeholder_count] {
            self.program[usize::from(*at)].k = pid;
        }
        // For all threads: a child has one, but a process that serves its one request itself may have more.
        install_program(
            self.program.as_ptr(),
            self.length,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
        )
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_confinement_calls_its_placeholder_is_found_in_its_filter() {
        assert_eq!(PID_PLACEHOLDER, confinement::PID_PLACEHOLDER);
        let mut filter = ChildFilter::new();
        filter.keep(&confinement::child_filter()).expect("fits");
        assert!(filter.is_some());
        assert!(filter.placeholder_count > 0);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let mut filter = ChildFilter::new();
        assert_eq!(filter.keep(&[0; 9]), Err(Errno(libc::EINVAL)));
        assert_eq!(
            filter.keep(&[0; 8 * (CHILD_FILTER_INSTRUCTIONS + 1)]),
            Err(Errno(libc::E2BIG))
        );
        assert!(!filter.is_some());
        assert_eq!(filter.keep(&[]), Ok(()));
        assert_eq!(install(&[]), Err(Errno(libc::EINVAL)));
    }
}
