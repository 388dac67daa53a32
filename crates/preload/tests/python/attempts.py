"""What a child must not be able to do. Imported by the zygote of `attempts.rs`, each attempt run in a child of its own.

An attempt succeeds as a test when it raises an error of the kind that it names, or ends the child by the signal that
it names.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading

ATTEMPTS = {}
DENIED = (errno.EACCES, errno.EPERM)
X86_64 = platform.machine() == "x86_64"
context = {}

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

# Calls that Python has no function for. Numbers from 424 on are the same everywhere.
NUMBERS = {
    # name: (x86_64, aarch64)
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220), "kill": (62, 129), "tkill": (200, 130),
    "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "execveat": (322, 281),
    "memfd_create": (319, 279), "prlimit64": (302, 261), "setuid": (105, 146), "unshare": (272, 97),
    "mount": (165, 40), "chroot": (161, 51), "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "seccomp": (317, 277), "prctl": (157, 167),
    "io_setup": (206, 0), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "socket": (41, 198),
    "socketpair": (53, 199), "sendto": (44, 206), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "splice": (275, 76), "ioctl": (16, 29), "setns": (308, 268),
    "sched_setaffinity": (203, 122), "setpriority": (141, 140), "personality": (135, 92), "kcmp": (312, 272),
    "process_madvise": (440, 440), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "io_uring_setup": (425, 425), "clone3": (435, 435), "openat2": (437, 437),
    "open_tree": (428, 428), "fsopen": (430, 430),
}


def call(name, *arguments):
    number = NUMBERS[name][0 if X86_64 else 1]
    if number is None:
        raise OSError(errno.EPERM, f"{name} does not exist on this machine")
    return raw(number, *arguments)


def raw(number, *arguments):
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def refused(*errnos, error=OSError, by=None):
    def attempt(function):
        ATTEMPTS[function.__name__] = (function, errnos or DENIED, error, by)
        return function
    return attempt


def many(name, cases, *errnos):
    """One attempt per case, named by it."""
    def attempts(function):
        for key, case in cases.items():
            ATTEMPTS[f"{name}_{key}"] = (lambda case=case: function(case), errnos or DENIED, OSError, None)
        return function
    return attempts


def describe():
    """Name of each attempt: the signal that is to end the child, or null."""
    return {name: by and by.value for name, (_, _, _, by) in ATTEMPTS.items()}


def run(name, settings):
    """None when the attempt was refused as it should be, else what happened."""
    context.update(settings)
    function, errnos, error, _ = ATTEMPTS[name]
    try:
        got = function()
    except error as caught:
        if isinstance(caught, OSError) and caught.errno not in errnos:
            return f"{caught!r}"
        return None
    except BaseException as caught:
        return f"{caught!r}"
    return f"it was done: {got!r}"


# Files

PROCESSES = ("supervisor", "zygote", "sibling")
READS = {
    "passwd": lambda: "/etc/passwd",
    "shadow": lambda: "/etc/shadow",
    "hosts": lambda: "/etc/hosts",
    "beside_the_project": lambda: context["outside"],
    "through_a_link": lambda: link(context["outside"]),
    "through_dots": lambda: os.path.join(os.getcwd(), "../../outside"),
    "own_environ": lambda: "/proc/self/environ",
    "own_root": lambda: "/proc/self/root/etc/passwd",
    "own_memory": lambda: "/proc/self/mem",
    "own_maps": lambda: "/proc/self/maps",
    "sys": lambda: "/sys/kernel/mm/transparent_hugepage/enabled",
    "sibling_file": lambda: os.path.join(context["sibling_folder"], "secret"),
    "sysctl": lambda: "/proc/sys/kernel/random/boot_id",
    "kernel_memory": lambda: "/dev/kmsg",
} | {
    f"{whose}_{what}": (lambda whose=whose, what=what: f"/proc/{context[whose]}/{what}")
    for whose in PROCESSES for what in ("environ", "mem", "maps", "cmdline", "fd/0", "root/etc/passwd")
}


def link(target):
    os.symlink(target, "link")
    return "link"


@many("read", READS)
def read(path):
    with open(path(), "rb") as file:
        return file.read(1)


@many("list", {
    "root": "/", "proc": "/proc", "etc": "/etc", "tmp": "/tmp", "own_task": "/proc/self/task",
    "siblings": "tmp_root", "sibling": "sibling_folder",
})
def list_folder(path):
    return os.listdir(context.get(path, path))


@many("write", {
    "library": lambda: os.path.join(sysconfig.get_path("stdlib"), "planted.py"),
    "project": lambda: os.path.join(context["project"], "planted.py"),
    "tmp": lambda: "/tmp/planted", "shared_memory": lambda: "/dev/shm/planted",
    "beside_own_folder": lambda: os.path.join(context["tmp_root"], "planted"),
    "sibling": lambda: os.path.join(context["sibling_folder"], "planted"),
    "outside": lambda: context["outside"],
    "over_the_project": lambda: os.path.join(context["project"], "zygote.py"),
    "own_oom_score": lambda: "/proc/self/oom_score_adj",
})
def write(path):
    with open(path(), "ab") as file:
        return file.write(b"planted")


@refused()
def truncate_the_project():
    os.truncate(os.path.join(context["project"], "zygote.py"), 0)


@refused()
def unlink_the_project():
    os.unlink(os.path.join(context["project"], "zygote.py"))


@refused(*DENIED, errno.EXDEV)
def rename_into_the_library():
    with open("mine", "w"):
        pass
    os.rename("mine", os.path.join(sysconfig.get_path("stdlib"), "planted.py"))


@refused(*DENIED, errno.EXDEV)
def hardlink_into_own_folder():
    os.link(context["outside"], "mine")


@refused()
def remove_own_folder():
    os.rmdir(os.getcwd())


@refused()
def make_folder_beside():
    os.mkdir("../planted")


@refused()
def mknod():
    os.mknod("device", 0o600 | 0o020000, os.makedev(1, 1))


@refused()
def mkfifo():
    os.mkfifo("pipe")


@refused()
def xattr():
    with open("mine", "w"):
        pass
    os.setxattr("mine", "user.planted", b"1")


@refused()
def chown():
    os.chown(".", 65534, 65534)


@refused(errno.ENOSYS)
def openat2():
    how = (ctypes.c_uint64 * 3)(0, 0, 0)
    call("openat2", -100, ctypes.c_char_p(b"/etc/passwd"), how, 24)


@refused()
def open_by_handle():
    call("open_by_handle_at", -100, ctypes.create_string_buffer(128), 0)


@refused()
def name_to_handle():
    call("name_to_handle_at", -100, ctypes.c_char_p(b"/etc"), ctypes.create_string_buffer(128),
         ctypes.byref(ctypes.c_int()), 0)


@refused()
def inotify():
    call("inotify_init1", 0)


@refused()
def fanotify():
    call("fanotify_init", 0, 0)


# Processes

def own(field):
    return lambda: context[field]


@many("kill", {
    "supervisor": own("supervisor"), "zygote": own("zygote"), "sibling": own("sibling"), "everybody": lambda: -1,
    "own_group": lambda: 0, "group_of_zygote": lambda: -os.getpgid(0), "init": lambda: 1,
})
def kill(target):
    os.kill(target(), 0)
    os.kill(target(), signal.SIGTERM)


@many("signal", {f"{whose}_{how}": (whose, how) for whose in PROCESSES
                 for how in ("tgkill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd")})
def other_signals(case):
    whose, how = case
    pid, info = context[whose], (ctypes.c_int * 32)(15, 0, -1)
    if how == "tgkill":
        call("tgkill", pid, pid, 15)
    elif how == "tkill":
        call("tkill", pid, 15)
    elif how == "rt_sigqueueinfo":
        call("rt_sigqueueinfo", pid, 15, info)
    elif how == "rt_tgsigqueueinfo":
        call("rt_tgsigqueueinfo", pid, pid, 15, info)
    else:
        call("pidfd_send_signal", call("pidfd_open", pid, 0), 15, None, 0)


@many("owner", {whose: whose for whose in PROCESSES})
def send_signals_through_a_descriptor(whose):
    reader, _ = os.pipe()
    fcntl.fcntl(reader, 8, context[whose])  # F_SETOWN


@many("descriptor", {"signal": (10, 15), "async": (4, 0x2000), "lease": (1024, 0), "notify": (1026, 1)})
def descriptor_signals(case):
    reader, _ = os.pipe()
    fcntl.fcntl(reader, *case)


@many("ioctl", {"async": 0x5452, "own": 0x8901, "type_ahead": 0x5412})
def ioctl(request):
    call("ioctl", 0, request, ctypes.byref(ctypes.c_int(1)))


@many("ptrace", {"supervisor": "supervisor", "zygote": "zygote", "sibling": "sibling"})
def ptrace(whose):
    call("ptrace", 16, context[whose], 0, 0)


@many("memory_of", {"zygote": "zygote", "sibling": "sibling", "supervisor": "supervisor"})
def process_vm(whose):
    call("process_vm_readv", context[whose], ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0)


@refused()
def process_vm_write():
    call("process_vm_writev", context["zygote"], ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0)


@many("take_descriptor_of", {whose: whose for whose in PROCESSES})
def pidfd_getfd(whose):
    call("pidfd_getfd", call("pidfd_open", context[whose], 0), 3, 0)


@refused()
def pidfd_getfd_blindly():
    call("pidfd_getfd", 3, 3, 0)


@refused()
def fork():
    if os.fork() == 0:
        os._exit(0)


@refused()
def raw_fork():
    call("fork")


@refused()
def raw_vfork():
    call("vfork")


@many("clone", {"as_fork": 17, "new_user": 0x10000000 | 17, "new_namespace": 0x20000 | 17, "parent": 0x8000 | 17})
def clone(flags):
    if call("clone", flags, 0, 0, 0, 0) == 0:
        os._exit(0)


@refused(errno.ENOSYS)
def clone3():
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)
    if call("clone3", arguments, 88) == 0:
        os._exit(0)


@refused()
def run_a_program():
    subprocess.run([sys.executable, "-c", "pass"], check=True)


@refused()
def run_a_shell():
    if os.system("true") != 0:
        raise PermissionError(errno.EPERM, "the shell did not start")


@refused()
def posix_spawn():
    os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})


@refused()
def execve():
    os.execv(sys.executable, [sys.executable, "-c", "pass"])


@refused()
def execveat():
    call("execveat", -100, ctypes.c_char_p(b"/bin/true"), None, None, 0)


@refused()
def memfd():
    call("memfd_create", ctypes.c_char_p(b"code"), 0)


@many("limits_of", {whose: whose for whose in PROCESSES})
def prlimit(whose):
    resource.prlimit(context[whose], resource.RLIMIT_CPU, (1, 1))


@refused(error=ValueError)
def raise_own_limit():
    # CPython's word for EPERM here: "not allowed to raise maximum limit".
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@refused()
def affinity_of_zygote():
    os.sched_setaffinity(context["zygote"], {0})


@refused()
def priority_of_zygote():
    call("setpriority", 0, context["zygote"], 19)


@refused()
def outlive_the_zygote():
    call("prctl", 1, 0, 0, 0, 0)


@refused()
def become_dumpable():
    call("prctl", 4, 1, 0, 0, 0)


@refused()
def leave_the_session():
    os.setsid()


# Kernel

@many("kernel", {
    "setuid": ("setuid", 0), "unshare_user": ("unshare", 0x10000000), "unshare_net": ("unshare", 0x40000000),
    "setns": ("setns", 3, 0), "chroot": ("chroot", b"/"), "mount": ("mount", b"none", b"/", b"tmpfs", 0, 0),
    "bpf": ("bpf", 0, 0, 0), "keyctl": ("keyctl", 0, -3, 0), "add_key": ("add_key", b"user", b"k", b"v", 1, -3),
    "perf": ("perf_event_open", 0, 0, -1, -1, 0), "userfaultfd": ("userfaultfd", 1),
    "io_uring": ("io_uring_setup", 1, 0), "aio": ("io_setup", 1, 0), "listener": ("seccomp", 1, 8, 0),
    "strict": ("seccomp", 0, 0, 0), "shared_memory": ("shmget", 1, 4096, 0o1666), "messages": ("msgget", 1, 0o1666),
    "semaphores": ("semget", 1, 1, 0o1666), "queue": ("mq_open", b"q", 0o102, 0o600, 0),
    "splice": ("splice", 3, 0, 3, 0, 1, 0), "personality": ("personality", 0x0400000),
    "kcmp": ("kcmp", 1, 1, 0, 0, 0), "madvise_other": ("process_madvise", 3, 0, 0, 0, 0),
    "open_tree": ("open_tree", -100, b"/", 1), "fsopen": ("fsopen", b"tmpfs", 0),
})
def kernel(case):
    name, *arguments = case
    call(name, *[ctypes.c_char_p(a) if isinstance(a, bytes) else a for a in arguments])


if X86_64:
    @refused(by=signal.SIGSYS)
    def int_0x80():
        # mov eax, 20 (getpid); int 0x80; ret
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()

    @refused(by=signal.SIGSYS)
    def x32():
        raw(0x40000000 | 39)


# Network: every family and type but connected unix streams

@many("socket", {str(family): family for family in range(46)})
def raw_socket(family):
    for kind in (1, 2, 3, 4, 5):
        try:
            made = call("socket", family, kind, 0)
        except OSError as error:
            if error.errno not in DENIED:
                raise
        else:
            return f"type {kind}: descriptor {made}"
    raise PermissionError(errno.EACCES, "every type was refused")


@many("pair", {f"{family}_{kind}": (family, kind) for family in (1, 2, 10, 16, 40) for kind in (1, 2, 3, 5)
               if (family, kind) != (1, 1)})
def pair(case):
    call("socketpair", *case, 0, (ctypes.c_int * 2)())


@refused()
def python_socket():
    socket.create_connection(("127.0.0.1", 80), timeout=1)


@refused()
def address_of_a_datagram():
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    address = ctypes.create_string_buffer(b"\x01\x00/tmp/socket\0")
    call("sendto", one.fileno(), ctypes.c_char_p(b"x"), 1, 0, address, 14)


@refused()
def bind():
    one, _ = socket.socketpair()
    one.bind("named")


@refused()
def attach_a_filter():
    one, _ = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, 26, b"\0" * 16)


# Limits

@refused(error=MemoryError)
def four_gigabytes():
    bytearray(4 << 30)


@refused(errno.EFBIG)
def large_file():
    with open("large", "wb") as file:
        for _ in range(200):
            file.write(bytes(1 << 20))


@refused(errno.EMFILE)
def thousand_pipes():
    return [os.pipe() for _ in range(1000)]


@refused(error=RuntimeError)
def many_threads():
    """As many as there are: the stacks' address space ends them."""
    wait = threading.Event()
    try:
        for _ in range(5000):
            threading.Thread(target=wait.wait, daemon=True).start()
    finally:
        wait.set()


@refused(by=signal.SIGKILL)
def spin_deaf():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass


@refused(by=signal.SIGXCPU)
def spin():
    while True:
        pass


@refused(by=signal.SIGSEGV)
def dump_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(1)


# What must still work

def works():
    """None, or what did not."""
    import asyncio
    import hashlib
    import json
    import shutil
    import ssl
    import zipfile
    import zoneinfo

    with open("a", "w") as file:
        file.write("text")
    os.chmod("a", 0o644)
    os.utime("a", (0, 0))
    shutil.copy2("a", "b")
    shutil.copytree(".", "copy")
    os.makedirs("x/y/z")
    os.rename("b", "x/y/z/b")
    os.symlink("a", "link")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write("a")
    with zipfile.ZipFile("a.zip") as archive:
        archive.extractall("unpacked")
    shutil.rmtree("copy")
    with tempfile.TemporaryFile(dir=".") as file:
        file.write(b"x")
    with open("/dev/null", "w") as file:
        file.write("nothing")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(1))
    thread.start()
    thread.join()
    assert seen == [1]

    async def main():
        return await asyncio.to_thread(lambda: 5)

    assert asyncio.run(main()) == 5
    one, other = socket.socketpair()
    one.sendall(b"ping")
    assert other.recv(4) == b"ping"
    assert zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(None) is None
    assert ssl.create_default_context() and hashlib.sha256(b"").digest() and json.loads("{}") == {}
    assert len(os.urandom(8)) == 8 and os.cpu_count() >= 1
    os.kill(os.getpid(), 0)
    try:
        os.write(os.pipe()[1], b"x")
        reader, writer = os.pipe()
        os.close(reader)
        os.write(writer, b"x")
        return "a broken pipe is no exception"
    except BrokenPipeError:
        pass
    assert "SECRET" not in os.environ
