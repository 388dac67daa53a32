"""The fork server in plain Python, for where the `preload` library is not."""

from __future__ import annotations

import array
import os
import select
import signal
import sys
from _socket import CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, socket
from struct import pack

from aftercall._runtime.limits import MAX_PACKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from aftercall._runtime.native import Limits

_FD_SIZE = array.array("i").itemsize
_PR_SET_PDEATHSIG = 1


class PlainServer:
    """Waits for fork requests, and reports exits meanwhile."""

    def __init__(self) -> None:
        self.tmp_root = ""
        self.limits: Limits = {}
        self._children: dict[int, int] = {}  # pid → token
        self._token = 0
        self._name = ""
        self._fds: list[int] = []
        self._parent = os.getpid()
        self._prctl = _prctl()

    def serve(self, control: int) -> None:
        """Takes over the control socket. SIGCHLD wakes the wait through a pipe."""
        self._control = socket(fileno=control)
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._control.fileno(), select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def next(self) -> bool:
        """True when a fork is asked for, False when the control socket has closed."""
        while True:
            ready = {fd for fd, _ in self._poll.poll()}
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                return self._request()

    def _request(self) -> bool:
        data, ancillary, _flags, _address = self._control.recvmsg(MAX_PACKET, CMSG_SPACE(2 * _FD_SIZE))
        if not data:
            self._end_children()
            return False
        fds = array.array("i")
        for level, kind, content in ancillary:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % _FD_SIZE])
        if data[:1] != b"F" or len(fds) != 2:
            raise ValueError("expected a fork request with two descriptors")
        self._token = int.from_bytes(data[1:9], sys.byteorder)
        self._name = data[9:].decode()
        self._fds = list(fds)
        return True

    def fork(self) -> int:
        """0 in the child, `-errno` when it failed."""
        try:
            return os.fork()
        except OSError as error:
            return -(error.errno or 1)

    def forked(self, pid: int) -> None:
        """Tells the supervisor, and lets go of the child's descriptors. Its own id: it serves the request itself."""
        if pid != self._parent:
            for fd in self._fds:
                os.close(fd)
        if pid < 0:
            self._control.send(b"N" + pack("=Qi", self._token, -pid))
            return
        if pid != self._parent:
            self._children[pid] = self._token
        handle = _pidfd(pid)
        rights = [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [handle]).tobytes())] if handle is not None else []
        self._control.sendmsg([b"P" + pack("=Qi", self._token, pid)], rights)
        if handle is not None:
            os.close(handle)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            token = self._children.pop(pid, None)
            if token is None:
                continue  # a process that the project started while it was imported
            user, system = int(usage.ru_utime * 1e6), int(usage.ru_stime * 1e6)
            packet = pack("=QiQQQQ", token, status, user, system, usage.ru_maxrss, usage.ru_minflt)
            self._control.send(b"X" + packet)

    def _end_children(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def enter(self) -> None:
        """In the child: its descriptors, folder and limits. Confines nothing."""
        if self._prctl is not None:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._parent and os.getpid() != self._parent:
                os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        channel, output = (os.dup(fd) for fd in self._fds)
        null = os.open(os.devnull, os.O_RDONLY)
        for fd, place in ((null, 0), (output, 1), (output, 2), (channel, 3)):
            os.dup2(fd, place)
        os.closerange(4, os.sysconf("SC_OPEN_MAX") if sys.platform != "linux" else 4096)
        folder = os.path.join(self.tmp_root, self._name)
        os.mkdir(folder, mode=0o700)
        os.chdir(folder)
        self._limit()

    def _limit(self) -> None:
        import resource

        wanted = {
            resource.RLIMIT_CPU: self.limits.get("cpu_s"),
            resource.RLIMIT_AS: self.limits.get("address_space"),
            resource.RLIMIT_FSIZE: self.limits.get("file_size"),
            resource.RLIMIT_NOFILE: self.limits.get("open_files"),
        }
        for kind, limit in wanted.items():
            if limit:
                hard = resource.getrlimit(kind)[1]
                ceiling = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                resource.setrlimit(kind, (ceiling, ceiling))


def _pidfd(pid: int) -> int | None:
    """A descriptor of the process, where the kernel has such a thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _prctl() -> Callable[[int, int], int] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    function: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    return function
