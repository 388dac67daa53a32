"""Waiting for frames in an event loop of asyncio: it watches the channel while it is owed one."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, get_running_loop
from asyncio.events import _get_running_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall._runtime.exchange import Answer, Chunk, Exchange
    from aftercall._runtime.http.effects import Reply

    Waiting = set[Future[None]]

#: What each loop waits for. A loop is in here, and watches, only while it does.
_watching: dict[AbstractEventLoop, Waiting] = {}


def poll(loop: AbstractEventLoop, reply: Reply) -> Answer | Chunk | Future[None]:
    """The next frame of `reply`, or what is done when to ask again. To be called in the loop's own thread."""
    future: Future[None] = loop.create_future()
    frame = reply.exchange.poll(reply.number, lambda: _wake(loop, future))
    if frame is not None:
        return frame
    waiting = _watching.get(loop)
    if waiting is None:
        waiting = _watching[loop] = set()
        loop.add_reader(reply.exchange.channel.fileno(), _read, loop, reply.exchange)
    waiting.add(future)
    future.add_done_callback(lambda done: _forget(loop, reply.exchange, done))
    return future


async def wait(reply: Reply) -> bytes:
    """The bytes of the next frame of `reply`: as `Reply.wait`, for a task."""
    loop = get_running_loop()
    try:
        while isinstance(found := poll(loop, reply), Future):
            await found
        return reply.response.take(found)
    except BaseException:  # cancelled, most often
        reply.close()
        raise


def _wake(loop: AbstractEventLoop, future: Future[None]) -> None:
    """In any thread."""
    if _get_running_loop() is loop:
        _set(future)
        return
    try:
        loop.call_soon_threadsafe(_set, future)
    except RuntimeError:  # the loop has been closed: nobody waits in it any more
        return


def _set(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _read(loop: AbstractEventLoop, exchange: Exchange) -> None:
    try:
        exchange.read_ready()
    except Exception as error:  # the channel has ended: everybody is to know, not only the loop's log
        for future in list(_watching.get(loop, ())):
            if not future.done():
                future.set_exception(error)


def _forget(loop: AbstractEventLoop, exchange: Exchange, future: Future[None]) -> None:
    waiting = _watching.get(loop)
    if waiting is None:
        return
    waiting.discard(future)
    if not waiting:
        del _watching[loop]
        if not loop.is_closed():
            loop.remove_reader(exchange.channel.fileno())
