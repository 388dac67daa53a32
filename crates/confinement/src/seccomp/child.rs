//! The child's filter: what a zygote may do and its children may not. Everything else is the base filter's.

use super::bpf::{self, Block, if_any_bit, if_equal, load_low, ret};
use super::table::CALLS;
use super::{Arch, checks, verdict};

/// Stands for the child's own process id, which is known only after the fork: whoever installs the filter
/// replaces it wherever a comparison names it. Above the kernel's greatest process id (2²²), so that a filter
/// whose placeholder was forgotten refuses every signal and lets none through.
pub const PID_PLACEHOLDER: u32 = 0x7AC0_1D1D;

/// The child's filter for `arch`: `struct sock_filter[]` as bytes.
///
/// It trusts the base filter to be there: it looks at no architecture.
pub fn child_filter_for(arch: Arch) -> Vec<u8> {
    const ALLOW: u32 = verdict::ALLOW;
    const EPERM: u32 = verdict::EPERM;
    let own_process: Block = vec![
        load_low(0),
        if_equal(PID_PLACEHOLDER, 0, 1),
        ret(ALLOW),
        ret(EPERM),
    ];
    let rules: [(&str, Block); 7] = [
        // Threads only: whatever else it made could outlive it.
        (
            "clone",
            vec![
                load_low(0),
                if_any_bit(checks::CLONE_THREAD, 0, 1),
                ret(ALLOW),
                ret(EPERM),
            ],
        ),
        ("kill", own_process.clone()),
        ("tgkill", own_process.clone()),
        ("rt_sigqueueinfo", own_process.clone()),
        ("rt_tgsigqueueinfo", own_process),
        // It must not undo that it ends with its zygote.
        (
            "prctl",
            vec![
                load_low(0),
                if_equal(checks::PR_SET_PDEATHSIG, 0, 1),
                ret(EPERM),
                ret(ALLOW),
            ],
        ),
        ("pidfd_open", vec![ret(EPERM)]),
    ];
    let cases = CALLS
        .iter()
        .filter_map(|call| {
            let (_, block) = rules.iter().find(|(name, _)| *name == call.name)?;
            Some((call.number(arch)?, block.clone()))
        })
        .collect();
    let mut program = vec![bpf::load_nr()];
    program.extend(bpf::decide(cases, vec![ret(ALLOW)]));
    bpf::to_bytes(&program)
}
