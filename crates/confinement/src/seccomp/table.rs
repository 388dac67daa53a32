//! Which syscalls there are, their numbers on both architectures, and what becomes of each.
//!
//! Numbers: `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h` (aarch64).
//! `-` means that the architecture has no such call. What is not listed gets ENOSYS: `clone3` on purpose (glibc
//! falls back to `clone`, whose flags a filter can see) and `openat2`, as every call that is invented later.

use super::Arch;

/// What becomes of a syscall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Goes through.
    Allow,
    /// Not done, success is answered.
    Pretend,
    /// `EPERM`.
    Refuse,
    /// `EACCES`.
    NoAccess,
    /// `EOPNOTSUPP`.
    Unsupported,
    /// Decided by an argument.
    Check(Check),
}

/// A decision by an argument; what each asks is written in `checks.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Clone,
    SignalTarget,
    OwnProcess,
    Fcntl,
    Ioctl,
    Prctl,
    Seccomp,
    SocketPair,
    SendTo,
    SetSockOpt,
}

/// A syscall: its name, its numbers, its rule.
pub(super) struct Call {
    pub name: &'static str,
    x86_64: Option<u32>,
    aarch64: Option<u32>,
    pub rule: Rule,
}

impl Call {
    pub(super) fn number(&self, arch: Arch) -> Option<u32> {
        match arch {
            Arch::X86_64 => self.x86_64,
            Arch::Aarch64 => self.aarch64,
        }
    }
}

macro_rules! number {
    (-) => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}

macro_rules! rule {
    (allow) => {
        Rule::Allow
    };
    (pretend) => {
        Rule::Pretend
    };
    (refuse) => {
        Rule::Refuse
    };
    (no_access) => {
        Rule::NoAccess
    };
    (unsupported) => {
        Rule::Unsupported
    };
    ($check:ident) => {
        Rule::Check(Check::$check)
    };
}

macro_rules! calls {
    ($($rule:ident: $($name:ident $x86_64:tt $aarch64:tt),+;)+) => {
        &[$($(Call {
            name: stringify!($name),
            x86_64: number!($x86_64),
            aarch64: number!($aarch64),
            rule: rule!($rule),
        }),+),+]
    };
}

/// The table. A base filter holds all of it.
pub(super) const CALLS: &[Call] = calls! {
    // Memory
    allow: mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, brk 12 214,
        msync 26 227, mincore 27 232, membarrier 324 283;
    // Reading and writing through descriptors
    allow: read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68,
        preadv 295 69, pwritev 296 70, preadv2 327 286, pwritev2 328 287, lseek 8 62, close 3 57,
        close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, eventfd 284 -,
        eventfd2 290 19, fsync 74 82, fdatasync 75 83, ftruncate 77 46, fallocate 285 47,
        fadvise64 221 223, flock 73 32;
    // Paths: Landlock decides which
    allow: open 2 -, openat 257 56, creat 85 -, stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79,
        statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -, faccessat 269 48, faccessat2 439 439,
        getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49, fchdir 81 50, rename 82 -,
        renameat 264 38, renameat2 316 276, mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -,
        unlinkat 263 35, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, readlink 89 -,
        readlinkat 267 78, truncate 76 45, umask 95 166;
    // Waiting
    allow: poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -,
        epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22,
        epoll_pwait2 441 441, timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87,
        signalfd 282 -, signalfd4 289 74;
    // Channels that are already there (none can be named)
    allow: recvfrom 45 207, recvmsg 47 212, sendmsg 46 211, shutdown 48 210, getsockopt 55 209,
        getsockname 51 204, getpeername 52 205;
    // Time
    allow: clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, gettimeofday 96 169,
        time 201 -, nanosleep 35 101, times 100 153, alarm 37 -, setitimer 38 103, getitimer 36 102;
    // Threads
    allow: futex 202 98, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455,
        futex_requeue 456 456, set_robust_list 273 99, set_tid_address 218 96, rseq 334 293,
        sched_yield 24 124, sched_getaffinity 204 123, sched_getparam 143 121,
        sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126,
        getcpu 309 168, gettid 186 178;
    // Signals to oneself
    allow: rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136,
        rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132, restart_syscall 219 128,
        pause 34 -;
    // The process itself
    allow: exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95, getpid 39 172, getppid 110 173,
        getpgid 121 155, getpgrp 111 -, getsid 124 156, getuid 102 174, geteuid 107 175, getgid 104 176,
        getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, capget 125 90,
        getrlimit 97 163, setrlimit 160 164, getrusage 98 165, getpriority 140 141, getrandom 318 278,
        uname 63 160, sysinfo 99 179;
    // A zygote forks, holds its children by pidfd, and confines them; the child filter takes these away
    allow: pidfd_open 434 434, landlock_create_ruleset 444 444, landlock_add_rule 445 445,
        landlock_restrict_self 446 446;
    // What depends on an argument
    Clone: clone 56 220;
    SignalTarget: kill 62 129;
    SignalTarget: tgkill 234 131, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240;
    OwnProcess: prlimit64 302 261, sched_setaffinity 203 122;
    Fcntl: fcntl 72 25;
    Ioctl: ioctl 16 29;
    Prctl: prctl 157 167;
    Seccomp: seccomp 317 277;
    SocketPair: socketpair 53 199;
    SendTo: sendto 44 206;
    SetSockOpt: setsockopt 54 208;
    // Outside Landlock's reach, so not done; libraries expect them to succeed
    pretend: chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, utime 132 -, utimes 235 -,
        futimesat 261 -, utimensat 280 88;
    // Extended attributes: copying a file must go on without them
    unsupported: getxattr 191 8, lgetxattr 192 9, fgetxattr 193 10, listxattr 194 11, llistxattr 195 12,
        flistxattr 196 13, getxattrat 464 464, listxattrat 465 465;
    // The network is the supervisor's: a clear PermissionError
    no_access: socket 41 198, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242;
    // Refused by name, so that Python raises PermissionError and not "Function not implemented"
    refuse: fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, tkill 200 130, ptrace 101 117,
        process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440,
        process_mrelease 448 448, kcmp 312 272, pidfd_send_signal 424 424, pidfd_getfd 438 438;
    refuse: chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54, setxattr 188 5, lsetxattr 189 6,
        fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16,
        setxattrat 463 463, removexattrat 466 466, file_setattr 469 469, mknod 133 -, mknodat 259 33;
    refuse: name_to_handle_at 303 264, open_by_handle_at 304 265, inotify_init 253 -,
        inotify_init1 294 26, inotify_add_watch 254 27, inotify_rm_watch 255 28, fanotify_init 300 262,
        fanotify_mark 301 263;
    refuse: memfd_create 319 279, memfd_secret 447 447, splice 275 76, tee 276 77, vmsplice 278 75,
        sendfile 40 71, copy_file_range 326 285, sendmmsg 307 269, recvmmsg 299 243;
    refuse: shmget 29 194, shmat 30 196, shmctl 31 195, shmdt 67 197, semget 64 190, semop 65 193,
        semctl 66 191, semtimedop 220 192, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187,
        mq_open 240 180, mq_unlink 241 181, mq_timedsend 242 182, mq_timedreceive 243 183,
        mq_notify 244 184, mq_getsetattr 245 185;
    refuse: io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, io_setup 206 0,
        io_destroy 207 1, io_submit 209 2, io_cancel 210 3, io_getevents 208 4, io_pgetevents 333 292;
    refuse: setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147,
        setresgid 119 149, setgroups 116 159, setfsuid 122 151, setfsgid 123 152, setsid 112 157,
        setpgid 109 154, capset 126 91, personality 135 92, setpriority 141 140, ioprio_set 251 30,
        sched_setparam 142 118, sched_setscheduler 144 119, sched_setattr 314 274;
    refuse: unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, pivot_root 155 41,
        chroot 161 51, open_tree 428 428, open_tree_attr 467 467, move_mount 429 429, fsopen 430 430,
        fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, statmount 457 457,
        listmount 458 458, swapon 167 224, swapoff 168 225, quotactl 179 60, quotactl_fd 443 443,
        sync 162 81, syncfs 306 267, acct 163 89;
    refuse: bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, keyctl 250 219, add_key 248 217,
        request_key 249 218, init_module 175 105, finit_module 313 273, delete_module 176 106,
        kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, syslog 103 116, iopl 172 -,
        ioperm 173 -, modify_ldt 154 -, lookup_dcookie 212 18, nfsservctl 180 42;
    refuse: sethostname 170 161, setdomainname 171 162, settimeofday 164 170, clock_settime 227 112,
        clock_adjtime 305 266, adjtimex 159 171, vhangup 153 58, mlock 149 228, mlock2 325 284,
        mlockall 151 230, munlock 150 229, munlockall 152 231, mbind 237 235, migrate_pages 256 238,
        move_pages 279 239, set_mempolicy 238 237;
};
