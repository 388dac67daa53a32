//! The seccomp programs, read by an interpreter: what each says to a syscall, on both architectures.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use confinement::{Arch, PID_PLACEHOLDER, base_filter_for, child_filter_for, syscalls};

const ALLOW: u32 = 0x7FFF_0000;
const KILL: u32 = 0x8000_0000;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;
const PRETEND: u32 = ERRNO;
const EPERM: u32 = ERRNO | 1;
const EACCES: u32 = ERRNO | 13;
const ENOSYS: u32 = ERRNO | 38;
const EOPNOTSUPP: u32 = ERRNO | 95;

const ARCHS: [(Arch, u32); 2] = [(Arch::X86_64, 0xC000_003E), (Arch::Aarch64, 0xC000_00B7)];

struct Program(Vec<(u16, u8, u8, u32)>);

impl Program {
    fn new(bytes: &[u8]) -> Program {
        assert!(bytes.len().is_multiple_of(8));
        let instruction = |b: &[u8]| {
            let (code, operand) = (u16::from_ne_bytes([b[0], b[1]]), [b[4], b[5], b[6], b[7]]);
            (code, b[2], b[3], u32::from_ne_bytes(operand))
        };
        Program(bytes.chunks(8).map(instruction).collect())
    }

    fn base(arch: Arch) -> Program {
        Program::new(&base_filter_for(arch))
    }

    /// As `preload` installs it in the process `pid`.
    fn child(arch: Arch, pid: u32) -> Program {
        let mut program = Program::new(&child_filter_for(arch));
        program
            .0
            .iter_mut()
            .filter(|i| i.0 == 0x15 && i.3 == PID_PLACEHOLDER)
            .for_each(|i| i.3 = pid);
        program
    }

    /// The verdict, and the number of instructions that it took.
    fn run(&self, arch: u32, number: u32, arguments: &[u64]) -> (u32, usize) {
        let mut data = [0_u8; 64];
        data[0..4].copy_from_slice(&number.to_le_bytes());
        data[4..8].copy_from_slice(&arch.to_le_bytes());
        for (at, argument) in arguments.iter().enumerate() {
            data[16 + 8 * at..][..8].copy_from_slice(&argument.to_le_bytes());
        }
        let (mut at, mut steps, mut accumulator) = (0_usize, 0, 0_u32);
        loop {
            let (code, jump_true, jump_false, operand) = self.0[at];
            (at, steps) = (at + 1, steps + 1);
            let mut jump = |taken: bool| at += usize::from(if taken { jump_true } else { jump_false });
            match code {
                0x20 => accumulator = u32::from_le_bytes(data[operand as usize..][..4].try_into().unwrap()),
                0x54 => accumulator &= operand,
                0x05 => at += operand as usize,
                0x15 => jump(accumulator == operand),
                0x25 => jump(accumulator > operand),
                0x35 => jump(accumulator >= operand),
                0x45 => jump(accumulator & operand != 0),
                0x06 => return (operand, steps),
                other => panic!("instruction {other:#x}"),
            }
        }
    }
}

fn number(arch: Arch, name: &str) -> Option<u32> {
    syscalls(arch)
        .find(|(known, _)| *known == name)
        .map(|(_, number)| number)
}

#[test]
fn numbers_agree_with_the_tables_of_seccompiler() {
    for (arch, audit) in ARCHS {
        let target = match arch {
            Arch::X86_64 => seccompiler::TargetArch::x86_64,
            Arch::Aarch64 => seccompiler::TargetArch::aarch64,
        };
        let mut checked = 0;
        for (name, number) in syscalls(arch) {
            let filter = serde_json::json!({ "main": {
                "mismatch_action": "allow", "match_action": "trap", "filter": [{ "syscall": name }],
            }});
            let compiled = seccompiler::compile_from_json(filter.to_string().as_bytes(), target);
            // Its tables end some years back.
            let Ok(compiled) = compiled else { continue };
            let program = Program(
                compiled["main"]
                    .iter()
                    .map(|i| (i.code, i.jt, i.jf, i.k))
                    .collect(),
            );
            assert_eq!(
                program.run(audit, number, &[]).0,
                TRAP,
                "{arch:?} {name} {number}"
            );
            assert_eq!(
                program.run(audit, number + 1, &[]).0,
                ALLOW,
                "{arch:?} {name} {number}"
            );
            checked += 1;
        }
        let named = syscalls(arch).count();
        println!("{arch:?}: {checked} of {named} numbers checked");
        assert!(checked * 10 >= named * 9, "{arch:?}: {checked} of {named}");
    }
}

#[test]
fn what_the_table_does_not_name_does_not_exist() {
    for (arch, audit) in ARCHS {
        let base = Program::base(arch);
        let named: Vec<u32> = syscalls(arch).map(|(_, number)| number).collect();
        for number in (0..1000).chain([0x3FFF_FFFF]) {
            let (verdict, steps) = base.run(audit, number, &[]);
            assert_eq!(
                verdict == ENOSYS,
                !named.contains(&number),
                "{arch:?} {number}: {verdict:#x}"
            );
            assert!(steps < 40, "{arch:?} {number}: {steps} instructions");
        }
        for absent in ["clone3", "openat2"] {
            assert_eq!(number(arch, absent), None);
        }
        // Any other architecture's numbers mean other things: int 0x80, x32, compat calls.
        for foreign in [0x4000_0003, 0x4000_0028, 0, audit ^ 1] {
            assert_eq!(base.run(foreign, 0, &[]).0, KILL, "{arch:?}");
        }
    }
    assert_eq!(
        Program::base(Arch::X86_64)
            .run(0xC000_003E, 0x4000_0000 | 39, &[])
            .0,
        KILL,
        "x32"
    );
}

/// Names, arguments, verdict. A name that an architecture does not have is passed over there.
type Case<'a> = (&'a str, &'a [u64], u32);

fn assert_verdicts(program: impl Fn(Arch) -> Program, cases: &[Case<'_>]) {
    for (arch, audit) in ARCHS {
        let program = program(arch);
        for (names, arguments, verdict) in cases {
            for name in names.split_whitespace() {
                if let Some(number) = number(arch, name) {
                    let (actual, _) = program.run(audit, number, arguments);
                    assert_eq!(actual, *verdict, "{arch:?} {name}{arguments:x?}: {actual:#x}");
                } else {
                    assert_eq!(arch, Arch::Aarch64, "x86_64 has no {name}");
                }
            }
        }
    }
}

const HIGH: u64 = 1 << 32;

#[test]
fn the_base_filter_decides_by_name() {
    let cases: &[Case<'_>] = &[
        (
            "read openat mmap futex exit_group wait4 pidfd_open close_range",
            &[],
            ALLOW,
        ),
        ("chmod fchmod fchmodat fchmodat2 utimensat utime", &[], PRETEND),
        (
            "chown fchownat setxattr mknod mknodat name_to_handle_at",
            &[],
            EPERM,
        ),
        ("getxattr flistxattr", &[], EOPNOTSUPP),
        ("socket connect bind listen accept accept4", &[], EACCES),
        (
            "execve execveat fork vfork ptrace process_vm_readv pidfd_getfd",
            &[],
            EPERM,
        ),
        (
            "pidfd_send_signal tkill memfd_create splice inotify_init1 fanotify_init",
            &[],
            EPERM,
        ),
        (
            "shmget semop msgsnd mq_open io_uring_setup io_setup userfaultfd",
            &[],
            EPERM,
        ),
        (
            "unshare setns mount chroot bpf keyctl perf_event_open setuid",
            &[],
            EPERM,
        ),
    ];
    assert_verdicts(Program::base, cases);
}

#[test]
fn the_base_filter_decides_by_argument() {
    let cases: &[Case<'_>] = &[
        // Threads of glibc and musl, forks of glibc and musl.
        ("clone", &[0x003D_0F00], ALLOW),
        ("clone", &[0x007D_0F00], ALLOW),
        ("clone", &[0x0120_0011], ALLOW),
        ("clone", &[0x11], ALLOW),
        // vfork, NEWUSER, NEWNS, NEWPID (with THREAD), PARENT, PTRACE, PIDFD, shared memory without a thread.
        ("clone", &[0x4111], EPERM),
        ("clone", &[0x1000_0011], EPERM),
        ("clone", &[0x0002_0011], EPERM),
        ("clone", &[0x203D_0F00], EPERM),
        ("clone", &[0x8011], EPERM),
        ("clone", &[0x2011], EPERM),
        ("clone", &[0x1011], EPERM),
        ("clone", &[0x0111], EPERM),
        ("kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo", &[4711, 9], ALLOW),
        ("kill tgkill", &[0, 9], EPERM),
        ("kill tgkill", &[u64::MAX, 9], EPERM),
        ("kill", &[0xFFFF_FFFF, 9], EPERM),
        ("kill", &[HIGH, 9], EPERM),
        ("prlimit64 sched_setaffinity", &[0, 7], ALLOW),
        ("prlimit64 sched_setaffinity", &[1, 7], EPERM),
        ("fcntl", &[3, 1030, 4], ALLOW),
        ("fcntl", &[3, 4, 0x800], ALLOW),
        ("fcntl", &[3, 4, 0x2800], EPERM),
        ("fcntl", &[3, 8, 1], EPERM),
        ("fcntl", &[3, 10, 1], EPERM),
        ("fcntl", &[3, 15, 1], EPERM),
        ("fcntl", &[3, 1024, 1], EPERM),
        ("fcntl", &[3, 1026, 1], EPERM),
        ("ioctl", &[0, 0x5401], ALLOW),
        ("ioctl", &[0, 0x5421], ALLOW),
        ("ioctl", &[0, 0x5452], EPERM),
        ("ioctl", &[0, 0x8901], EPERM),
        ("ioctl", &[0, 0x5412], EPERM),
        ("prctl", &[1, 9], ALLOW),
        ("prctl", &[15], ALLOW),
        ("prctl", &[4, 0], ALLOW),
        ("prctl", &[4, 1], EPERM),
        ("prctl", &[22, 1], EPERM),
        ("prctl", &[36, 1], EPERM),
        ("seccomp", &[1, 0], ALLOW),
        ("seccomp", &[1, 8], EPERM),
        ("seccomp", &[0, 0], EPERM),
        ("socketpair", &[1, 1], ALLOW),
        ("socketpair", &[1, 0x8_0801], ALLOW),
        ("socketpair", &[1, 2], EACCES),
        ("socketpair", &[1, 5], EACCES),
        ("socketpair", &[2, 1], EACCES),
        ("sendto", &[3, 1, 1, 0, 0, 0], ALLOW),
        ("sendto", &[3, 1, 1, 0, 1, 16], EACCES),
        ("sendto", &[3, 1, 1, 0, HIGH, 16], EACCES),
        ("setsockopt", &[3, 1, 20], ALLOW),
        ("setsockopt", &[3, 1, 26], EPERM),
        ("setsockopt", &[3, 0, 20], EPERM),
    ];
    assert_verdicts(Program::base, cases);
}

#[test]
fn a_child_makes_threads_only_and_signals_only_itself() {
    const OWN: u64 = 4711;
    let cases: &[Case<'_>] = &[
        ("read openat execve socket wait4 close_range", &[1, 1], ALLOW),
        ("clone", &[0x003D_0F00], ALLOW),
        ("clone", &[0x0120_0011], EPERM),
        ("clone", &[0x11], EPERM),
        (
            "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo",
            &[OWN, OWN, 6],
            ALLOW,
        ),
        (
            "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo",
            &[OWN - 1, OWN, 6],
            EPERM,
        ),
        ("kill", &[u64::MAX, 9], EPERM),
        ("kill", &[0, 9], EPERM),
        ("kill", &[OWN.wrapping_neg(), 9], EPERM),
        ("prctl", &[1, 0], EPERM),
        ("prctl", &[15, 0], ALLOW),
        ("pidfd_open", &[OWN], EPERM),
    ];
    assert_verdicts(|arch| Program::child(arch, OWN as u32), cases);
    // Without its own id put in, it lets no signal through.
    let forgotten: &[Case<'_>] = &[("kill tgkill", &[OWN, OWN, 6], EPERM)];
    assert_verdicts(|arch| Program::new(&child_filter_for(arch)), forgotten);
}

#[test]
fn programs_are_small() {
    for (arch, _) in ARCHS {
        let (base, child) = (Program::base(arch).0.len(), Program::child(arch, 1).0.len());
        println!("{arch:?}: base {base}, child {child} instructions");
        assert!(base <= 4096, "the kernel's limit: {base}");
        assert!(child <= 64, "every attempt installs it: {child}");
    }
}
