"""The child's channel: frames to and from the supervisor (docs/protocol.md, section 1)."""

from __future__ import annotations

import os
from _thread import RLock, allocate_lock
from errno import EBADF, EINVAL, ENOTCONN

from aftercall._runtime import cbor
from aftercall._runtime.limits import MAX_PAYLOAD_IN, MAX_PAYLOAD_OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from typing import NoReturn

    from aftercall._runtime.cbor import Item

VERSION = 1
#: The descriptor that every child finds its channel at.
CHANNEL_FD = 3

START, EFFECT, ANSWER, LOG, RESULT = 1, 2, 3, 7, 8

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
        self._identity: tuple[int, int] | None = None

    def know(self) -> None:
        """Remembers what stands at the descriptor, before user code runs."""
        self._identity = _identity(self._out)

    def check(self) -> None:
        """Ends the process if something else stands there: frames would go to a file or a socket of the user's."""
        if self._identity is not None and _identity(self._out) != self._identity:
            _end_unheard()

    def receive(self) -> tuple[int, dict[int, Item]]:
        """The next frame: its kind and payload."""
        header = self._take(_HEADER)
        size = int.from_bytes(header[:4], "big")
        if size > MAX_PAYLOAD_IN:
            raise FrameError(f"a payload of {size:,} bytes; at most {MAX_PAYLOAD_IN:,} are taken")
        payload = cbor.decode(self._take(size))
        if type(payload) is not dict:
            raise FrameError("a payload is a map")
        return header[4], payload

    def _take(self, size: int) -> bytes:
        buffer = self._buffer
        if len(buffer) < size:
            parts = [buffer]
            missing = size - len(buffer)
            while missing > 0:
                try:
                    part = os.read(self._fd, max(missing, _READ_AT_ONCE))
                except OSError as error:
                    if error.errno in _LOST:
                        _end_unheard()
                    raise
                if not part:
                    raise ChannelClosed("the supervisor has closed the channel")
                parts.append(part)
                missing -= len(part)
            buffer = b"".join(parts)
        self._buffer = buffer[size:]
        return buffer[:size]

    def send(self, kind: int, payload: dict[int, Item]) -> None:
        """Sends one frame, whole: threads wait for each other; a signal handler's frame goes after the one it cut."""
        data = cbor.encode(payload)
        if len(data) > MAX_PAYLOAD_OUT:
            raise FrameError(f"a payload of {len(data):,} bytes; at most {MAX_PAYLOAD_OUT:,} can be sent")
        with self._sending:
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


class Answer:
    """What the supervisor said to one effect."""

    __slots__ = ("body", "code", "message", "phase", "response")

    def __init__(self, payload: dict[int, Item]) -> None:
        self.phase = _text(payload.get(1)) or "refused"
        self.code = _text(payload.get(2))
        self.message = _text(payload.get(3))
        response, body = payload.get(4), payload.get(5)
        self.response = response if isinstance(response, bytes) else None
        self.body = body if isinstance(body, bytes) else None


def _text(item: Item) -> str | None:
    return item if isinstance(item, str) else None


class Exchange:
    """Effects and their answers, for any number of threads at once.

    Whoever waits first reads for all; when its own answer is there, it hands the reading on.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = allocate_lock()
        self._last = 0
        self._reading = False
        self._waiting: dict[int, LockType] = {}
        self._answers: dict[int, Answer] = {}

    def ask(self, lane: str, kind: str, request: bytes, body: bytes) -> Answer:
        """Sends one effect and waits for its answer."""
        turn = allocate_lock()
        turn.acquire()
        with self._lock:
            self._last += 1
            number = self._last
            self._waiting[number] = turn
            reader = not self._reading
            self._reading = True
        try:
            self._channel.send(EFFECT, {0: number, 1: lane, 2: kind, 3: request, 4: body})
            if not reader:
                turn.acquire()  # released when the answer is there, or when the reading falls to this thread
                reader = number not in self._answers
            while number not in self._answers:
                self._read_one()
        except BaseException:
            self._leave(number, reader)
            raise
        answer = self._leave(number, reader)
        assert answer is not None
        return answer

    def _read_one(self) -> None:
        kind, payload = self._channel.receive()
        number = payload.get(0)
        if kind != ANSWER or not isinstance(number, int):
            raise FrameError(f"expected an answer, not a frame of kind {kind}")
        with self._lock:
            turn = self._waiting.get(number)
            if turn is None:
                raise FrameError(f"an answer to request {number}, which nobody made")
            self._answers[number] = Answer(payload)
            if turn.locked():
                turn.release()

    def _leave(self, number: int, reader: bool) -> Answer | None:
        with self._lock:
            del self._waiting[number]
            answer = self._answers.pop(number, None)
            if reader:
                self._reading = False
                for other, turn in self._waiting.items():
                    if other not in self._answers and turn.locked():
                        self._reading = True
                        turn.release()  # it finds no answer and reads on
                        break
            return answer
