//! The base filter: an allow-list for zygote and children alike. Default ENOSYS; a call by a foreign
//! architecture's table (`int 0x80`, x32) ends the process, since its numbers mean other things.

use super::bpf::{self, Block, if_at_least, if_equal, ret};
use super::table::{CALLS, Rule};
use super::{Arch, checks, verdict};

/// Bit that marks a call of the x32 table on x86_64.
const X32_BIT: u32 = 0x4000_0000;

/// The base filter for `arch`: `struct sock_filter[]` as bytes.
pub fn base_filter_for(arch: Arch) -> Vec<u8> {
    let cases = CALLS
        .iter()
        .filter_map(|call| Some((call.number(arch)?, block(call.rule))))
        .collect();
    let mut program = vec![
        bpf::load_arch(),
        if_equal(arch.audit(), 1, 0),
        ret(verdict::KILL),
        bpf::load_nr(),
    ];
    if arch == Arch::X86_64 {
        program.extend([if_at_least(X32_BIT, 0, 1), ret(verdict::KILL)]);
    }
    program.extend(bpf::decide(cases, vec![ret(verdict::ENOSYS)]));
    bpf::to_bytes(&program)
}

fn block(rule: Rule) -> Block {
    match rule {
        Rule::Allow => vec![ret(verdict::ALLOW)],
        Rule::Pretend => vec![ret(verdict::PRETEND)],
        Rule::Refuse => vec![ret(verdict::EPERM)],
        Rule::NoAccess => vec![ret(verdict::EACCES)],
        Rule::Unsupported => vec![ret(verdict::EOPNOTSUPP)],
        Rule::Check(check) => checks::block(check),
    }
}
