"""Effects and answers over one channel, for threads and event loops at once."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aftercall._runtime import cbor
from aftercall._runtime.exchange import Answer, Exchange
from aftercall._runtime.frames import ANSWER, CHUNK, CLOSE, EFFECT, Channel, ChannelClosed, FrameError
from aftercall._runtime.http import loops
from aftercall._runtime.http.effects import Reply

HEAD = b'{"status":200,"reason":"OK","version":"HTTP/1.1","headers":[["Content-Length","9"]]}'
TIMEOUT_S = 20


class Other:
    """The supervisor's end: `handle(kind, payload)` is called for each frame that comes."""

    def __init__(self) -> None:
        self.here, there = socket.socketpair()
        self.there = there
        self.exchange = Exchange(Channel(there.fileno()))
        self.handle: Callable[[int, dict[int, Any]], None] = lambda _kind, _payload: None
        self.came: list[tuple[int, dict[int, Any]]] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def close(self) -> None:
        self.there.close()
        self.reader.join(TIMEOUT_S)  # or it would read whatever gets its descriptor next
        self.here.close()

    def _read(self) -> None:
        channel = Channel(self.here.fileno())
        try:
            while True:
                kind, payload = channel.receive()
                self.came.append((kind, dict(payload)))
                self.handle(kind, dict(payload))
        except OSError:
            return

    def send(self, kind: int, payload: dict[int, Any], step: int | None = None) -> None:
        data = cbor.encode(payload)
        frame = len(data).to_bytes(4, "big") + bytes((kind,)) + data
        for at in range(0, len(frame), step or len(frame)):
            self.here.sendall(frame[at : at + (step or len(frame))])

    def answer(self, number: int, body: bytes = b"", more: bool = False, step: int | None = None) -> None:
        self.send(ANSWER, {0: number, 1: "done", 2: None, 3: None, 4: HEAD, 5: body, 6: None, 7: more}, step)

    def heard(self, count: int) -> list[tuple[int, int]]:
        """The first `count` frames that have come: kind and request number."""
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.came) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return [(kind, payload[0]) for kind, payload in self.came]

    def ask(self, body: bytes = b"") -> int:
        return self.exchange.begin("0", "http", b"{}", body)


@pytest.fixture
def other() -> Iterator[Other]:
    found = Other()
    yield found
    found.close()


def in_threads(*works: Callable[[], object]) -> None:
    failed: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive(), "a thread waits for ever"
    if failed:
        raise failed[0]


def test_a_frame_may_come_byte_by_byte_and_many_at_once(other: Other) -> None:
    other.handle = lambda _kind, payload: other.answer(payload[0], b"slow bytes", step=1)
    assert other.exchange.next(other.ask()).body == b"slow bytes"
    numbers = [other.ask() for _ in range(5)]
    assert [other.exchange.next(number).body for number in reversed(numbers)] == [b"slow bytes"] * 5


def test_a_large_answer_comes_whole(other: Other) -> None:
    large = random.Random(1).randbytes(9 << 20)
    other.handle = lambda _kind, payload: other.answer(payload[0], large)
    assert other.exchange.next(other.ask()).body == large


def test_a_stream_is_had_piece_by_piece_with_its_boundaries(other: Other) -> None:
    number = other.ask()
    other.answer(number, b"a", more=True)
    for piece, last in ((b"bc", False), (b"", False), (b"d", True)):
        other.send(CHUNK, {0: number, 1: piece, 2: last, 3: None})
    frames = [other.exchange.next(number) for _ in range(4)]
    assert [(frame.body, frame.last) for frame in frames] == [(b"a", False), (b"bc", False), (b"", False), (b"d", True)]
    assert isinstance(frames[0], Answer)


def test_what_nobody_waits_for_any_more_is_told_once_and_passed_over(other: Other) -> None:
    number, after = other.ask(), other.ask()
    other.answer(number, b"a", more=True)
    assert other.exchange.next(number).body == b"a"
    other.exchange.close(number)
    other.exchange.close(number)
    for last in (False, True):
        other.send(CHUNK, {0: number, 1: b"x", 2: last, 3: None})
    other.answer(after, b"b")
    assert other.exchange.next(after).body == b"b"
    other.exchange.close(after)  # it has ended: nothing is to be told
    assert other.heard(3) == [(EFFECT, number), (EFFECT, after), (CLOSE, number)]
    other.send(CHUNK, {0: number, 1: b"x", 2: True, 3: None})
    with pytest.raises(FrameError, match="which nobody made"):
        other.exchange.next(other.ask())


def test_threads_and_tasks_wait_at_the_same_time_and_each_hears_its_own(other: Other) -> None:
    """Threads that block, two event loops, and a loop in which a task blocks as a thread does."""
    chance = random.Random(2)

    def handle(kind: int, payload: dict[int, Any]) -> None:
        def later() -> None:
            other.answer(payload[0], payload[4])

        if kind == EFFECT:
            threading.Timer(chance.random() / 100, later).start()

    other.handle = handle
    lock = threading.Lock()
    send, other.send = other.send, lambda *frame: locked(lambda: send(*frame))  # type: ignore[method-assign]

    def locked(work: Callable[[], None]) -> None:
        with lock:
            work()

    def blocking(name: str) -> None:
        for n in range(25):
            body = f"{name} {n}".encode()
            assert other.exchange.next(other.ask(body)).body == body

    async def task(name: str) -> None:
        for n in range(10):
            body = f"{name} {n}".encode()
            reply = Reply(other.exchange, other.ask(body), "GET", "GET")
            assert (await loops.wait(reply)).endswith(body)

    async def main(name: str) -> None:
        async def rude() -> None:
            for n in range(5):
                await asyncio.sleep(0.005)
                assert other.exchange.next(other.ask(f"{name}{n}".encode())).body == f"{name}{n}".encode()

        await asyncio.gather(*(task(f"{name}{n}") for n in range(8)), rude())

    in_threads(
        *(lambda name=f"t{n}": blocking(name) for n in range(4)),  # type: ignore[misc]
        lambda: asyncio.run(main("one")),
        lambda: asyncio.run(main("two")),
    )


def test_a_loop_runs_on_while_one_of_its_tasks_waits_and_watches_no_longer_than_that(other: Other) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        reply = Reply(other.exchange, other.ask(), "GET", "GET")
        waiting = asyncio.ensure_future(loops.wait(reply))
        ticks = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 10:
                other.answer(1, b"123456789")
        await asyncio.sleep(0)
        assert not loop.remove_reader(other.there.fileno())
        return ticks

    assert 10 <= asyncio.run(main()) < 50


def test_a_task_that_is_cancelled_closes_its_request(other: Other) -> None:
    async def main() -> None:
        reply = Reply(other.exchange, other.ask(), "GET", "GET")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loops.wait(reply), 0.05)

    asyncio.run(main())
    assert other.heard(2) == [(EFFECT, 1), (CLOSE, 1)]


def test_everybody_who_waits_hears_that_the_supervisor_has_gone(other: Other) -> None:
    def blocking() -> None:
        with pytest.raises(ChannelClosed):
            other.exchange.next(other.ask())

    async def main() -> None:
        reply = Reply(other.exchange, other.ask(), "GET", "GET")
        with pytest.raises(ChannelClosed):
            await loops.wait(reply)

    threading.Timer(0.2, lambda: other.here.shutdown(socket.SHUT_RDWR)).start()
    in_threads(blocking, blocking, lambda: asyncio.run(main()))
