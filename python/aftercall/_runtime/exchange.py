"""Effects and their answers, for any number of threads and event loops at once, over the one channel.

No thread is started for it: one would cost each child its pages. Whoever waits first reads for all, and hands the
reading on when its own frame is there. Event loops watch the channel while they wait, and read when nobody else does.
"""

from __future__ import annotations

from _thread import RLock, allocate_lock
from itertools import count

from aftercall._runtime.clock import go_on
from aftercall._runtime.frames import ANSWER, CHUNK, CLOSE, EFFECT, Channel, FrameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable

    from aftercall._runtime.cbor import Item


class Answer:
    """What the supervisor said to one effect. docs/protocol.md has the words of `phase` and `trouble`."""

    __slots__ = ("body", "clock_ns", "code", "last", "message", "phase", "real_lanes", "response", "trouble")

    def __init__(self, payload: dict[int, Item]) -> None:
        self.phase = _text(payload.get(1)) or "refused"
        self.code = _text(payload.get(2))
        self.message = _text(payload.get(3))
        #: JSON: status, reason, version, headers. None where nothing was answered: `trouble` says why.
        self.response = _bytes(payload.get(4))
        self.body = _bytes(payload.get(5)) or b""
        self.trouble = _text(payload.get(6))
        self.last = payload.get(7) is not True
        clock_ns = payload.get(8)
        #: What time it is for the code from here on; None: the time it is.
        self.clock_ns = clock_ns if isinstance(clock_ns, int) else None
        #: Lanes for which it is the time it is from here on, beside that of whoever asked.
        self.real_lanes = [lane for lane in _list(payload.get(9)) if isinstance(lane, str)]


class Chunk:
    """More of an answer's body."""

    __slots__ = ("body", "last", "trouble")

    def __init__(self, payload: dict[int, Item]) -> None:
        self.body = _bytes(payload.get(1)) or b""
        self.trouble = _text(payload.get(3))
        self.last = payload.get(2) is True or self.trouble is not None


class _Waiter:
    """An effect that is owed frames."""

    __slots__ = ("frames", "notify", "reads", "turn")

    def __init__(self) -> None:
        self.frames: list[Answer | Chunk] = []
        #: Locked while a thread waits with it.
        self.turn: LockType | None = None
        #: The reading has fallen to the thread that waits.
        self.reads = False
        #: Called, once, by whichever thread reads, when a frame is there or none will come any more.
        self.notify: Callable[[], None] | None = None


class Exchange:
    """The effects of this process. Every method may be called from any thread."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        # Reentrant: a collection may strike anywhere, and with it the end of a response that nobody has read.
        self._lock = RLock()
        self._numbers = count(1)
        self._reading = False
        self._waiting: dict[int, _Waiter] = {}
        #: Effects that nobody waits for any more, whose frames may still come.
        self._closed: set[int] = set()

    def begin(self, lane: str, kind: str, request: bytes, body: bytes) -> int:
        """Sends one effect; gives its number. Its frames are then had with `next`, one at a time, to the last."""
        number = next(self._numbers)
        self._waiting[number] = _Waiter()
        try:
            self.channel.send(EFFECT, {0: number, 1: lane, 2: kind, 3: request, 4: body})
        except BaseException:
            del self._waiting[number]
            raise
        return number

    def next(self, number: int) -> Answer | Chunk:
        """Waits for the next frame to an effect: an `Answer`, then `Chunk`s until the last."""
        waiter = self._waiting[number]
        with self._lock:
            if waiter.frames:
                return self._pop(number, waiter)
            waiter.turn = turn = allocate_lock()
            turn.acquire()
            waiter.reads = not self._reading
            self._reading = True
        try:
            if not waiter.reads:
                turn.acquire()  # released when a frame is there, or when the reading falls to this thread
            while not waiter.frames:
                self._read()
        finally:
            with self._lock:
                waiter.turn = None
                if waiter.reads:
                    waiter.reads = False
                    self._hand_on()
        with self._lock:
            return self._pop(number, waiter)

    def poll(self, number: int, notify: Callable[[], None]) -> Answer | Chunk | None:
        """The next frame to an effect if it is there; else None, and `notify` is called once when to ask again."""
        with self._lock:
            waiter = self._waiting[number]
            if waiter.frames:
                return self._pop(number, waiter)
            waiter.notify = notify
            return None

    def close(self, number: int) -> None:
        """Nobody waits any more for what an effect is still owed."""
        with self._lock:
            waiter = self._waiting.pop(number, None)
            if waiter is None or (waiter.frames and waiter.frames[-1].last):
                return
            self._closed.add(number)
        try:
            self.channel.send(CLOSE, {0: number})
        except BrokenPipeError:  # the supervisor has gone: whoever waits hears of it, who gives up need not
            return

    def read_ready(self) -> None:
        """Called where the channel can be read without waiting, by an event loop: reads unless a thread does."""
        with self._lock:
            if self._reading:
                return
            self._reading = True
        try:
            if _readable(self.channel.fileno()):  # still: a thread may have read meanwhile
                self._read()
        finally:
            with self._lock:
                self._hand_on()

    def _read(self) -> None:
        """Waits for frames and gives each to whoever it is for. Leaves no whole frame behind unseen."""
        frame = self.channel.take()
        if frame is None:
            self.channel.fill()
            frame = self.channel.take()
        while frame is not None:
            self._give(*frame)
            frame = self.channel.take()

    def _give(self, kind: int, payload: dict[int, Item]) -> None:
        number = payload.get(0)
        if kind not in (ANSWER, CHUNK) or not isinstance(number, int):
            raise FrameError(f"expected an answer, not a frame of kind {kind}")
        frame: Answer | Chunk = Answer(payload) if kind == ANSWER else Chunk(payload)
        with self._lock:
            waiter = self._waiting.get(number)
            if waiter is None:
                if number not in self._closed:
                    raise FrameError(f"an answer to request {number}, which nobody made")
                if frame.last:
                    self._closed.discard(number)
                return
            waiter.frames.append(frame)
            notify, waiter.notify = waiter.notify, None
            if waiter.turn is not None and not waiter.reads and waiter.turn.locked():
                waiter.turn.release()
        if notify is not None:
            notify()

    def _pop(self, number: int, waiter: _Waiter) -> Answer | Chunk:
        frame = waiter.frames.pop(0)
        if frame.last:
            self._waiting.pop(number, None)
        if isinstance(frame, Answer):  # by the thread that asked
            go_on(frame.clock_ns, frame.real_lanes)
        return frame

    def _hand_on(self) -> None:
        """Lets another thread read that waits. Event loops need no word: they watch the channel themselves."""
        for waiter in list(self._waiting.values()):
            turn = waiter.turn
            if turn is not None and not waiter.frames and not waiter.reads and turn.locked():
                waiter.reads = True
                turn.release()
                return
        self._reading = False


def _readable(fd: int) -> bool:
    from select import POLLIN, poll  # an event loop has it

    watch = poll()
    watch.register(fd, POLLIN)
    return bool(watch.poll(0))


def _list(item: Item) -> list[Item]:
    return item if isinstance(item, list) else []


def _text(item: Item) -> str | None:
    return item if isinstance(item, str) else None


def _bytes(item: Item) -> bytes | None:
    return item if isinstance(item, bytes) else None
