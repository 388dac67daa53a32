//! Classic BPF, as much of it as a seccomp filter needs: instructions, and a decision tree over syscall numbers.
//!
//! Written here and not taken from `seccompiler`, which chains one comparison per syscall: with some 330 rules
//! the last one would cost 330 comparisons at every call. The tree needs nine.

/// One instruction, the kernel's `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insn {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

/// A piece of program that returns on every way through it.
pub(super) type Block = Vec<Insn>;

// linux/bpf_common.h
const LD_W_ABS: u16 = 0x20;
const AND_K: u16 = 0x54;
const JA: u16 = 0x05;
const JEQ_K: u16 = 0x15;
const JGE_K: u16 = 0x35;
const JSET_K: u16 = 0x45;
const RET_K: u16 = 0x06;

// linux/seccomp.h: struct seccomp_data { int nr; u32 arch; u64 instruction_pointer; u64 args[6]; }
const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;
const OFFSET_ARGS: u32 = 16;

const fn insn(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> Insn {
    Insn {
        code,
        jump_true,
        jump_false,
        operand,
    }
}

pub(super) const fn load_nr() -> Insn {
    insn(LD_W_ABS, 0, 0, OFFSET_NR)
}

pub(super) const fn load_arch() -> Insn {
    insn(LD_W_ABS, 0, 0, OFFSET_ARCH)
}

/// The low half of an argument. Both architectures are little-endian.
pub(super) const fn load_low(argument: u32) -> Insn {
    insn(LD_W_ABS, 0, 0, OFFSET_ARGS + 8 * argument)
}

/// The high half of an argument.
pub(super) const fn load_high(argument: u32) -> Insn {
    insn(LD_W_ABS, 0, 0, OFFSET_ARGS + 8 * argument + 4)
}

pub(super) const fn and(mask: u32) -> Insn {
    insn(AND_K, 0, 0, mask)
}

/// Skips `then` instructions when equal, else `otherwise`.
pub(super) const fn if_equal(value: u32, then: u8, otherwise: u8) -> Insn {
    insn(JEQ_K, then, otherwise, value)
}

/// Skips `then` instructions when at least `value`, else `otherwise`.
pub(super) const fn if_at_least(value: u32, then: u8, otherwise: u8) -> Insn {
    insn(JGE_K, then, otherwise, value)
}

/// Skips `then` instructions when any bit of `mask` is set, else `otherwise`.
pub(super) const fn if_any_bit(mask: u32, then: u8, otherwise: u8) -> Insn {
    insn(JSET_K, then, otherwise, mask)
}

pub(super) const fn ret(verdict: u32) -> Insn {
    insn(RET_K, 0, 0, verdict)
}

/// `verdict` when the loaded word is one of `values`, else `otherwise`.
pub(super) fn one_of(values: &[u32], verdict: u32, otherwise: u32) -> Block {
    // Every comparison jumps to the last instruction; a jump reaches 255, the lists here stay below 20.
    let mut block: Block = (values.iter().enumerate())
        .map(|(index, &value)| if_equal(value, (values.len() - index) as u8, 0))
        .collect();
    block.extend([ret(otherwise), ret(verdict)]);
    block
}

/// A decision tree over the loaded syscall number: `cases` maps single numbers to blocks, every other gets
/// `otherwise`.
///
/// Neighbours with the same block become one range, so that few leaves are left.
pub(super) fn decide(mut cases: Vec<(u32, Block)>, otherwise: Block) -> Block {
    cases.sort_by_key(|(number, _)| *number);
    let mut ranges: Vec<(u32, Block)> = Vec::with_capacity(2 * cases.len() + 1);
    let mut push = |start: u32, block: &Block| {
        if ranges.last().is_none_or(|(_, last)| last != block) {
            ranges.push((start, block.clone()));
        }
    };
    let mut next = 0;
    for (number, block) in &cases {
        if *number > next {
            push(next, &otherwise);
        }
        push(*number, block);
        next = number + 1;
    }
    push(next, &otherwise);
    tree(&ranges)
}

fn tree(ranges: &[(u32, Block)]) -> Block {
    if let [(_, block)] = ranges {
        return block.clone();
    }
    let (left, right) = ranges.split_at(ranges.len() / 2);
    let (start, left, right) = (right[0].0, tree(left), tree(right));
    let mut block = match u8::try_from(left.len()) {
        Ok(skip) => vec![if_at_least(start, skip, 0)],
        // Conditional jumps reach 255 instructions, the unconditional one reaches everywhere.
        Err(_) => vec![if_at_least(start, 0, 1), insn(JA, 0, 0, left.len() as u32)],
    };
    block.extend(left);
    block.extend(right);
    block
}

/// The program as the kernel takes it: an array of `struct sock_filter` in native byte order.
pub(super) fn to_bytes(program: &[Insn]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for insn in program {
        bytes.extend(insn.code.to_ne_bytes());
        bytes.extend([insn.jump_true, insn.jump_false]);
        bytes.extend(insn.operand.to_ne_bytes());
    }
    bytes
}
