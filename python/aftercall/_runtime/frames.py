"""The child's channel: frames to and from the supervisor (docs/protocol.md, section 1)."""

from __future__ import annotations

import os
from _thread import RLock
from errno import EBADF, EINVAL, ENOTCONN

from aftercall._runtime import cbor
from aftercall._runtime.limits import MAX_PAYLOAD_IN, MAX_PAYLOAD_OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from aftercall._runtime.cbor import Item

VERSION = 1
#: The descriptor that every child finds its channel at.
CHANNEL_FD = 3

START, EFFECT, ANSWER, CHUNK, LANE, LOG, RESULT, CLOSE, DROPPED = 1, 2, 3, 4, 6, 7, 8, 9, 10

#: What writing says where the channel is no more: closed, or something that cannot be written to.
_LOST = frozenset({EBADF, EINVAL, ENOTCONN})

#: Exit statuses of a child that could not say how it ended: by a fault of the runtime; since user code has closed
#: the channel. Just below those of the steps into the confinement (docs/protocol.md).
EXIT_FAULT = 118
EXIT_CHANNEL_LOST = 119

_HEADER = 5
#: Bytes asked for at once: an ordinary start frame comes whole.
_READ_AT_ONCE = 64 * 1024


class ChannelClosed(ConnectionError):
    """The supervisor has gone, or has closed the channel."""


class FrameError(ValueError):
    """Bytes that are not a frame of this protocol."""


class Channel:
    """Both directions of one descriptor. Frames may be sent by any thread, and by code that a frame interrupts."""

    def __init__(self, fd: int = CHANNEL_FD, out: int | None = None) -> None:
        self._fd = fd
        self._out = fd if out is None else out
        self._buffer = b""
        self._sending = RLock()
        self._unsent: list[bytes] = []
        self._busy = False
        self._over = False
        self._identity: tuple[int, int] | None = None

    def fileno(self) -> int:
        """What to wait at for frames."""
        return self._fd

    def know(self) -> None:
        """Remembers what stands at the descriptor, before user code runs."""
        self._identity = _identity(self._out)

    def check(self) -> None:
        """Ends the process if something else stands there: frames would go to a file or a socket of the user's."""
        if self._identity is not None and _identity(self._out) != self._identity:
            _end_unheard()

    def receive(self) -> tuple[int, dict[int, Item]]:
        """The next frame, waited for: its kind and payload."""
        while (frame := self.take()) is None:
            self.fill()
        return frame

    def take(self) -> tuple[int, dict[int, Item]] | None:
        """The next frame, if it has come whole. One thread at a time reads: who it is, the callers agree upon."""
        buffer = self._buffer
        end = self._end()
        if len(buffer) < end:
            return None
        kind, data = buffer[4], buffer[_HEADER:end]
        self._buffer = buffer[end:]
        payload = cbor.decode(data)
        if type(payload) is not dict:
            raise FrameError("a payload is a map")
        return kind, payload

    def _end(self) -> int:
        """How many bytes the next frame takes, or its header if that is not there yet."""
        if len(self._buffer) < _HEADER:
            return _HEADER
        size = int.from_bytes(self._buffer[:4], "big")
        if size > MAX_PAYLOAD_IN:
            raise FrameError(f"a payload of {size:,} bytes; at most {MAX_PAYLOAD_IN:,} are taken")
        return _HEADER + size

    def fill(self) -> None:
        """Waits for bytes. A large frame is read to its end: its rest is under way."""
        missing = self._end() - len(self._buffer)
        parts = [self._buffer]
        try:
            while True:
                part = os.read(self._fd, max(missing, _READ_AT_ONCE))
                if not part:
                    raise ChannelClosed("the supervisor has closed the channel")
                parts.append(part)
                missing -= len(part)
                if missing <= 0 or len(self._buffer) < _HEADER:
                    break
        except OSError as error:
            if error.errno in _LOST:
                _end_unheard()
            raise
        finally:  # a signal's handler may raise: what has come is kept for the next frame's reader
            self._buffer = b"".join(parts)

    def send(self, kind: int, payload: dict[int, Item]) -> None:
        """Sends one frame, whole: threads wait for each other; a signal handler's frame goes after the one it cut."""
        data = cbor.encode(payload)
        if len(data) > MAX_PAYLOAD_OUT:
            raise FrameError(f"a payload of {len(data):,} bytes; at most {MAX_PAYLOAD_OUT:,} can be sent")
        with self._sending:
            if self._over:  # threads that nobody waits for may go on for a moment
                return
            self._over = kind == RESULT
            self._unsent.append(len(data).to_bytes(4, "big") + bytes((kind,)) + data)
            if self._busy:
                return
            self._busy = True
            try:
                while self._unsent:
                    self._write(self._unsent.pop(0))
            finally:
                self._busy = False

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._out, data)
            if written < len(data):
                rest = memoryview(data)[written:]
                while rest:
                    rest = rest[os.write(self._out, rest) :]
        except OSError as error:
            if error.errno in _LOST:
                _end_unheard()
            raise


def _end_unheard() -> NoReturn:
    """User code has closed the channel or put something else in its place: nothing can be told but by this status."""
    os._exit(EXIT_CHANNEL_LOST)


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino
