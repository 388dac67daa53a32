"""`aftercall.AsyncClient`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aftercall.client.answers import Accepted, Run
from aftercall.client.blocking import TIMEOUT_S, settings
from aftercall.client.document import Sendable
from aftercall.client.errors import AftercallError
from aftercall.client.exchange import Answer, Broken, Steps, Wait
from aftercall.client.retry import Retry
from aftercall.client.transport import MAX_IDLE

T = TypeVar("T")


class AsyncClient:
    """`Client` for asyncio: the same arguments, the same methods to await.

    Exchanges run in a few threads of its own, and waits in the event loop. A `send` that is cancelled may still
    arrive: sending it again later is safe. Close it with `await client.close()`, or use it as `async with`.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        project: str | None = None,
        environment: str | None = None,
        *,
        retry: Retry | None = None,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._asking, self._transport = settings(url, key, project, environment, retry, timeout_s)
        self._sleep = sleep
        self._threads: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._asking.address!r})"

    async def send(self, conversation: Sendable) -> Accepted:
        """As `Client.send`."""
        return await self._drive(self._asking.send(conversation))

    async def send_many(self, conversations: Iterable[Sendable]) -> list[Accepted | AftercallError]:
        """As `Client.send_many`."""
        return await self._drive(self._asking.send_many(conversations))

    async def run(self, run_id: str) -> Run:
        """As `Client.run`."""
        return await self._drive(self._asking.run(run_id))

    async def close(self) -> None:
        """Ends its threads and closes idle connections; the client may be used again."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
        self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def _drive(self, steps: Steps[T]) -> T:
        loop = asyncio.get_running_loop()
        told: Answer | Broken | None = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            if isinstance(step, Wait):
                await self._sleep(step.seconds)
                told = None
            else:
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(MAX_IDLE, "aftercall")
                told = await loop.run_in_executor(self._threads, self._transport.exchange, step)
