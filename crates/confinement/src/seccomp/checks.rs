//! Decisions by an argument. Each block is entered with the syscall's number loaded, and returns on every way.

use super::bpf::{Block, Insn, and, if_any_bit, if_equal, load_high, load_low, one_of, ret};
use super::table::Check;
use super::verdict::{ALLOW, EACCES, EPERM};

// linux/sched.h
pub(super) const CLONE_THREAD: u32 = 0x0001_0000;
const CLONE_VM: u32 = 0x0000_0100;
/// What neither a thread nor a plain fork asks for: new namespaces, another parent, tracing, a pidfd, vfork.
const CLONE_FORBIDDEN: u32 =
    CLONE_NAMESPACES | CLONE_PTRACE | CLONE_PARENT | CLONE_PIDFD | CLONE_VFORK | CLONE_IO;
const CLONE_NAMESPACES: u32 =
    0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
const CLONE_PIDFD: u32 = 0x0000_1000;
const CLONE_PTRACE: u32 = 0x0000_2000;
const CLONE_VFORK: u32 = 0x0000_4000;
const CLONE_PARENT: u32 = 0x0000_8000;
const CLONE_IO: u32 = 0x8000_0000;

// asm-generic/fcntl.h; the same on both architectures.
const F_SETFL: u32 = 4;
const O_ASYNC: u32 = 0x2000;
/// dup, flags of the descriptor, get status flags, record locks (POSIX and open file description), duplicate with
/// close-on-exec, size of a pipe. Not here: F_SETOWN, F_SETSIG, F_SETLEASE and F_NOTIFY, which send signals.
const FCNTL_ALLOWED: [u32; 12] = [0, 1, 2, 3, 5, 6, 7, 36, 37, 38, 1030, 1032];

/// TCGETS and TCGETS2 (is it a terminal?), TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX. Not here: FIOASYNC
/// and FIOSETOWN, which send signals, and TIOCSTI, which types for another.
const IOCTL_ALLOWED: [u32; 7] = [0x5401, 0x802C_542A, 0x5413, 0x541B, 0x5421, 0x5451, 0x5450];

// linux/prctl.h
pub(super) const PR_SET_PDEATHSIG: u32 = 1;
const PR_SET_DUMPABLE: u32 = 4;
/// PDEATHSIG, GET_PDEATHSIG, GET_DUMPABLE, SET_NAME, GET_NAME, GET_SECCOMP, CAPBSET_READ, SET and
/// GET_NO_NEW_PRIVS, SET_VMA (names of memory areas, which malloc sets).
const PRCTL_ALLOWED: [u32; 10] = [PR_SET_PDEATHSIG, 2, 3, 15, 16, 21, 23, 38, 39, 0x5356_4D41];

const SECCOMP_SET_MODE_FILTER: u32 = 1;

const AF_UNIX: u32 = 1;
const SOCK_STREAM: u32 = 1;
/// SOCK_CLOEXEC and SOCK_NONBLOCK.
const SOCK_FLAGS: u32 = 0x8_0000 | 0x800;
const SOL_SOCKET: u32 = 1;
/// SO_REUSEADDR, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_RCVTIMEO, SO_SNDTIMEO, and the two timeouts' new numbers.
const SETSOCKOPT_ALLOWED: [u32; 8] = [2, 7, 8, 9, 20, 21, 66, 67];
/// SECCOMP_FILTER_FLAG_TSYNC: for all threads. Not here: the flag that gives a listener.
const SECCOMP_FLAGS: u32 = 1;

pub(super) fn block(check: Check) -> Block {
    match check {
        Check::Clone => clone(),
        Check::SignalTarget => signal_target(),
        Check::OwnProcess => then(&[load_low(0)], zero_or(EPERM)),
        Check::Fcntl => fcntl(),
        Check::Ioctl => then(&[load_low(1)], one_of(&IOCTL_ALLOWED, ALLOW, EPERM)),
        Check::Prctl => prctl(),
        Check::Seccomp => seccomp(),
        Check::SocketPair => socket_pair(),
        Check::SendTo => send_to(),
        Check::SetSockOpt => set_socket_option(),
    }
}

fn then(first: &[Insn], rest: Block) -> Block {
    [first, &rest].concat()
}

/// What follows a decision: refused where it ends with skipping nothing, allowed where it skips one.
fn refused_or_allowed(decision: &[Insn]) -> Block {
    then(decision, vec![ret(EPERM), ret(ALLOW)])
}

/// Allows when what is loaded is zero.
fn zero_or(verdict: u32) -> Block {
    vec![if_equal(0, 1, 0), ret(verdict), ret(ALLOW)]
}

/// Threads, and forks that share no memory. The kernel reads flags from the low half only.
fn clone() -> Block {
    refused_or_allowed(&[
        load_low(0),
        if_any_bit(CLONE_FORBIDDEN, 2, 0),
        if_any_bit(CLONE_THREAD, 2, 0),
        if_any_bit(CLONE_VM, 0, 1),
    ])
}

/// Groups (0, negative) and everybody (-1) are never meant. Which process may be meant is the child filter's
/// matter, and that of Landlock's signal scope.
fn signal_target() -> Block {
    refused_or_allowed(&[load_low(0), if_equal(0, 1, 0), if_any_bit(1 << 31, 0, 1)])
}

fn fcntl() -> Block {
    let set_flags = refused_or_allowed(&[
        load_low(1),
        if_equal(F_SETFL, 0, 4),
        load_low(2),
        if_any_bit(O_ASYNC, 0, 1),
    ]);
    then(&set_flags, one_of(&FCNTL_ALLOWED, ALLOW, EPERM))
}

/// A process may make itself undumpable, and not the reverse.
fn prctl() -> Block {
    let set_dumpable = then(
        &[load_low(0), if_equal(PR_SET_DUMPABLE, 0, 4), load_low(1)],
        zero_or(EPERM),
    );
    then(&set_dumpable, one_of(&PRCTL_ALLOWED, ALLOW, EPERM))
}

fn seccomp() -> Block {
    refused_or_allowed(&[
        load_low(0),
        if_equal(SECCOMP_SET_MODE_FILTER, 0, 2),
        load_low(1),
        if_any_bit(!SECCOMP_FLAGS, 0, 1),
    ])
}

/// A datagram pair could `sendto` any named socket.
fn socket_pair() -> Block {
    vec![
        load_low(0),
        if_equal(AF_UNIX, 0, 3),
        load_low(1),
        and(!SOCK_FLAGS),
        if_equal(SOCK_STREAM, 1, 0),
        ret(EACCES),
        ret(ALLOW),
    ]
}

/// Only along a connection: the address must be NULL, in both its halves.
fn send_to() -> Block {
    then(&[load_low(4), if_equal(0, 0, 1), load_high(4)], zero_or(EACCES))
}

fn set_socket_option() -> Block {
    let level = [load_low(1), if_equal(SOL_SOCKET, 1, 0), ret(EPERM), load_low(2)];
    then(&level, one_of(&SETSOCKOPT_ALLOWED, ALLOW, EPERM))
}
