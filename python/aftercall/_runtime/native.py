"""Forking and confining: by the `preload` library, or in plain Python where there is none.

Both serve the same packets (docs/protocol.md, section 2). The plain one confines nothing: it is for machines that
cannot, and for tests.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Limits = dict[str, int]


class NativeError(OSError):
    """A step of `preload` that failed."""


class Preload:
    """The library. Every call keeps the interpreter's lock: nothing else may run in a zygote."""

    def __init__(self, path: str) -> None:
        import ctypes

        self._library = ctypes.PyDLL(path)
        for name in ("ac_install_filter", "ac_child_filter"):
            getattr(self._library, name).argtypes = (ctypes.c_char_p, ctypes.c_size_t)
        for name in ("ac_child_read", "ac_child_tmp_root"):
            getattr(self._library, name).argtypes = (ctypes.c_char_p,)
        self._library.ac_child_limits.argtypes = (ctypes.c_uint64,) * 4
        self._library.ac_put_off.argtypes, self._library.ac_put_off.restype = (ctypes.c_uint32, ctypes.c_int64), None
        self._library.ac_use_clock.argtypes, self._library.ac_use_clock.restype = (ctypes.c_uint32,), None
        #: Puts a clock off, by nanoseconds; and gives the calling thread one.
        self.put_off: Callable[[int, int], None] = self._library.ac_put_off
        self.use_clock: Callable[[int], None] = self._library.ac_use_clock
        self._library.ac_serve.argtypes = (ctypes.c_int,)
        self._library.ac_forked.argtypes = (ctypes.c_int,)
        # Those of the hot path, without a lookup by name: in a child it would cost twenty page faults.
        self._next = self._library.ac_next
        self._fork = self._library.ac_fork
        self._forked = self._library.ac_forked
        self._enter = self._library.ac_enter

    def _call(self, name: str, *arguments: object) -> int:
        result: int = getattr(self._library, name)(*arguments)
        if result < 0:
            raise NativeError(-result, f"{name}: {os.strerror(-result)}")
        return result

    def install_filter(self, program: bytes) -> None:
        """Takes system calls away from this process and all that it forks."""
        self._call("ac_install_filter", program, len(program))

    def prepare_children(self, child_filter: bytes | None, read: Sequence[str], tmp_root: str, limits: Limits) -> None:
        """Keeps what each child is confined with."""
        if child_filter:
            self._call("ac_child_filter", child_filter, len(child_filter))
        for path in read:
            self._call("ac_child_read", os.fsencode(path))
        self._call("ac_child_tmp_root", os.fsencode(tmp_root))
        names = ("cpu_s", "address_space", "file_size", "open_files")
        self._call("ac_child_limits", *(limits.get(name) or 0 for name in names))

    def serve(self, control: int) -> None:
        """Takes over the control socket."""
        self._call("ac_serve", control)

    def next(self) -> bool:
        """Waits for a request; False when the control socket has closed. Reports exits meanwhile."""
        result: int = self._next()
        if result < 0:
            raise NativeError(-result, f"ac_next: {os.strerror(-result)}")
        return result == 1

    def fork(self) -> int:
        """Forks without at-fork handlers: 0 in the child, `-errno` when it failed."""
        pid: int = self._fork()
        return pid

    def forked(self, pid: int) -> None:
        """In the parent: tells the supervisor. A child that nobody is told of must not be: then this zygote ends."""
        result: int = self._forked(pid)
        if result < 0:
            raise NativeError(-result, f"ac_forked: {os.strerror(-result)}")

    def enter(self) -> None:
        """In the child: confines it. Does not return when a step fails."""
        result: int = self._enter()
        if result < 0:
            raise NativeError(-result, f"ac_enter: {os.strerror(-result)}")


class Plain:
    """The same without the library: `os.fork`, and no confinement."""

    def __init__(self) -> None:
        from aftercall._runtime.plain import PlainServer

        self._server = PlainServer()
        self.serve = self._server.serve
        self.next = self._server.next
        self.fork = self._server.fork
        self.forked = self._server.forked
        self.enter = self._server.enter

    def install_filter(self, program: bytes) -> None:
        """Cannot be done: a zygote that is to be confined must not start without it."""
        raise NativeError(0, "confinement was asked for, but there is no preload library")

    def prepare_children(self, child_filter: bytes | None, read: Sequence[str], tmp_root: str, limits: Limits) -> None:
        """Keeps the temporary folder and the limits."""
        self._server.tmp_root = tmp_root
        self._server.limits = limits


def os_fork() -> int:
    """`os.fork`, with the same result as `ac_fork`: extensions that are not known rely on their at-fork handlers."""
    try:
        return os.fork()
    except OSError as error:
        return -(error.errno or 1)
