"""Tries to break out, harmlessly, and says what got through: what the supervisor shows as confinement is found here.

Runs in a forked child instead of user code. Each attempt is safe to succeed: signals are signal 0, a forked process
ends at once, what is created is removed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED, SUCCEEDED = "refused", "succeeded"

_libc = ctypes.CDLL(None, use_errno=True)

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_STREAM, _DGRAM, _RAW = 1, 2, 3
_PTRACE_SEIZE = 0x4206  # does not stop the other process, and ends with this one
_CLONE_NEWUSER = 0x10000000
_KEYCTL_GET_KEYRING_ID, _KEY_SPEC_SESSION = 0, -3

#: The answers of a kernel that has looked at the arguments: the call itself was let through.
_LOOKED_AT = (errno.EFAULT, errno.EINVAL, errno.ENOKEY)

#: System call numbers by machine: (x86_64, aarch64).
_NUMBERS = {
    "ptrace": (101, 117),
    "unshare": (272, 97),
    "memfd_create": (319, 279),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "pidfd_open": (434, 434),
    "process_vm_readv": (310, 270),
    "inotify_init1": (294, 26),
}


def _syscall(name: str, *arguments: int) -> int:
    machine = os.uname().machine
    numbers = _NUMBERS[name]
    number = numbers[0] if machine == "x86_64" else numbers[1]
    result: int = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _socket(family: int, kind: int) -> None:
    os.close(_syscall("socket", family, kind, 0))


def _datagram_pair() -> None:
    pair = (ctypes.c_int * 2)()
    _syscall("socketpair", _AF_UNIX, _DGRAM, 0, ctypes.addressof(pair))
    os.close(pair[0])
    os.close(pair[1])


def _connect_loopback() -> None:
    """A TCP connection to this machine: refused by the kernel's own answer means that it was let out."""
    from _socket import socket

    with_socket = socket(_AF_INET, _STREAM)
    try:
        with_socket.settimeout(1)
        with_socket.connect(("127.0.0.1", 9))
    except ConnectionRefusedError:
        return
    finally:
        with_socket.close()


def _read(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.read(fd, 1)
    finally:
        os.close(fd)


def _write(path: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(fd)
    os.unlink(path)


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _execve() -> None:
    """A program that cannot exist: reaching its absence means that the call itself was let through."""
    try:
        os.execve("/nonexistent/aftercall-canary", ["canary"], {})
    except FileNotFoundError:
        return


def _memfd() -> None:
    name = ctypes.create_string_buffer(b"canary")
    os.close(_syscall("memfd_create", ctypes.addressof(name), 0))


def _read_parents_memory() -> None:
    """One byte from an address that this process shares with the one that it was forked from."""
    byte = ctypes.create_string_buffer(1)
    remote = (ctypes.c_size_t * 2)(id(sys), 1)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(byte), 1)
    _syscall("process_vm_readv", os.getppid(), ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0)


def _raise_limit() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))


def _attempts() -> dict[str, Callable[[], object]]:
    parent = os.getppid()
    name = f"aftercall-canary-{os.getpid()}"
    return {
        "read_etc_passwd": lambda: _read("/etc/passwd"),
        "list_root": lambda: os.listdir("/"),
        "list_proc": lambda: os.listdir("/proc"),
        "read_parent_environ": lambda: _read(f"/proc/{parent}/environ"),
        "read_parent_memory_file": lambda: _read(f"/proc/{parent}/mem"),
        "write_tmp": lambda: _write(f"/tmp/{name}"),
        "write_dev_shm": lambda: _write(f"/dev/shm/{name}"),
        "open_runtime_for_writing": lambda: os.close(os.open(__file__, os.O_WRONLY)),
        "connect_loopback": _connect_loopback,
        "socket_inet": lambda: _socket(_AF_INET, _STREAM),
        "socket_inet6": lambda: _socket(_AF_INET6, _STREAM),
        "socket_udp": lambda: _socket(_AF_INET, _DGRAM),
        "socket_netlink": lambda: _socket(_AF_NETLINK, _RAW),
        "socket_unix": lambda: _socket(_AF_UNIX, _STREAM),
        "socketpair_datagram": _datagram_pair,
        "fork": _fork,
        "execve": _execve,
        "kill_parent": lambda: os.kill(parent, 0),
        "kill_init": lambda: os.kill(1, 0),
        "ptrace_parent": lambda: _syscall("ptrace", _PTRACE_SEIZE, parent, 0, 0),
        "read_parent_memory": _read_parents_memory,
        "pidfd_open_parent": lambda: os.close(_syscall("pidfd_open", parent, 0)),
        "memfd_create": _memfd,
        "bpf": lambda: _syscall("bpf", 0, 0, 0),
        "keyctl": lambda: _syscall("keyctl", _KEYCTL_GET_KEYRING_ID, _KEY_SPEC_SESSION, 0),
        "io_uring_setup": lambda: os.close(_syscall("io_uring_setup", 1, 0)),
        "userfaultfd": lambda: os.close(_syscall("userfaultfd", 0)),
        "perf_event_open": lambda: os.close(_syscall("perf_event_open", 0, 0, -1, -1, 0)),
        "inotify": lambda: os.close(_syscall("inotify_init1", 0)),
        "raise_limit": _raise_limit,
        "unshare_user": lambda: _syscall("unshare", _CLONE_NEWUSER),  # last: it changes who this process is
    }


def attempts() -> dict[str, dict[str, str]]:
    """Attempt → `{"outcome": "refused" | "succeeded", "errno": "EPERM"}` (`errno` only when refused)."""
    if sys.platform != "linux":
        return {}
    found: dict[str, dict[str, str]] = {}
    for name, attempt in _attempts().items():
        try:
            attempt()
        except OSError as error:
            if error.errno in _LOOKED_AT:
                found[name] = {"outcome": SUCCEEDED}
                continue
            found[name] = {"outcome": REFUSED, "errno": errno.errorcode.get(error.errno or 0, str(error))}
        except Exception as error:
            found[name] = {"outcome": REFUSED, "errno": type(error).__name__}
        else:
            found[name] = {"outcome": SUCCEEDED}
    return found
