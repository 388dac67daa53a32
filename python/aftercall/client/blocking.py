"""`aftercall.Client`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from aftercall.client import address as addresses
from aftercall.client.answers import Accepted, Run
from aftercall.client.document import Sendable
from aftercall.client.errors import AftercallError
from aftercall.client.exchange import Answer, Asking, Broken, Steps, Wait
from aftercall.client.retry import Retry
from aftercall.client.transport import Transport

#: Seconds that each step of a request may take: to connect, to send a part, to be answered.
TIMEOUT_S = 30.0
T = TypeVar("T")


def settings(
    url: str | None,
    key: str | None,
    project: str | None,
    environment: str | None,
    retry: Retry | None,
    timeout_s: float,
) -> tuple[Asking, Transport]:
    """What both clients are made of; what is not said is taken from the command's environment variables."""
    address = addresses.find(url)
    asking = Asking(
        str(address),
        project or os.environ.get("AFTERCALL_PROJECT") or None,
        environment or os.environ.get("AFTERCALL_ENVIRONMENT") or None,
        retry or Retry(),
    )
    return asking, Transport(address, key or os.environ.get("AFTERCALL_KEY") or None, timeout_s)


class Client:
    """Hands finished conversations to a server.

    Without arguments it finds the server as the command does: AFTERCALL_SERVER and AFTERCALL_KEY, else the socket in
    the data folder of this user's own server. One client may be used by many threads. It tries again by itself
    (`retry`): the same conversation under the same id is one run, however often it arrives.
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
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._asking, self._transport = settings(url, key, project, environment, retry, timeout_s)
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._asking.address!r})"

    def send(self, conversation: Sendable) -> Accepted:
        """Hands in one finished conversation; returns once it is durably the server's.

        `conversation` is a dict of Python values (`state` is encoded, datetimes are written), or JSON as text.
        Raises `ConversationConflict` where its id is known with other content, `InvalidConversation`,
        `UnwritableConversation`, `NotAllowed`, `NotFound` (the project), `ServerBusy`, or `ServerUnreachable`.
        """
        return self._drive(self._asking.send(conversation))

    def send_many(self, conversations: Iterable[Sendable]) -> list[Accepted | AftercallError]:
        """Hands in many. Each has its own answer, in order: accepted, or the error that `send` would have raised.

        Raises only what concerns them all: `NotAllowed`, `NotFound`, `ServerBusy`, `ServerUnreachable`. Sending all of
        them again then is safe.
        """
        return self._drive(self._asking.send_many(conversations))

    def run(self, run_id: str) -> Run:
        """Everything about a run. `NotFound` where there is none of that number."""
        return self._drive(self._asking.run(run_id))

    def close(self) -> None:
        """Closes idle connections; the client may be used again."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _drive(self, steps: Steps[T]) -> T:
        told: Answer | Broken | None = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            if isinstance(step, Wait):
                self._sleep(step.seconds)
                told = None
            else:
                told = self._transport.exchange(step)
