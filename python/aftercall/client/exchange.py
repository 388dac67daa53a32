"""What is asked of a server, step by step, without any input or output: the same steps serve both clients.

A plan is a generator. It yields a `Request` and is sent what came of it, an `Answer` or a `Broken`; or it yields a
`Wait` and is sent None once that is over. What it returns is the result.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from aftercall.client.answers import Accepted, Run
from aftercall.client.document import Sendable, document_text
from aftercall.client.errors import (
    AftercallError,
    ServerUnreachable,
    UnexpectedAnswer,
    UnwritableConversation,
    problem,
)
from aftercall.client.retry import PASSING, Retry

#: Conversations and bytes of one request of `send_many`: enough that the server commits many at once, few enough that
#: little has to be sent again. One document may be larger and then goes alone.
BATCH_LINES = 256
BATCH_BYTES = 4 * 1024 * 1024
_JSON, _NDJSON = "application/json", "application/x-ndjson"
_OK = range(200, 300)

T = TypeVar("T")
logger = logging.getLogger("aftercall.client")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. The path comes without the address's prefix."""

    method: str
    path: str
    body: bytes = b""
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `whole` is False where the body broke off."""

    status: int
    body: bytes
    #: Seconds of `Retry-After`, if it gives any.
    retry_after_s: float | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer came. `passing` is False where trying again is of no use."""

    error: Exception
    fix: str
    passing: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause."""

    seconds: float


Steps = Generator[Request | Wait, Answer | Broken | None, T]


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, about which project, and how patiently."""

    address: str
    project: str | None
    environment: str | None
    retry: Retry

    def send(self, conversation: Sendable) -> Steps[Accepted]:
        """Hands in one conversation."""
        request = Request("POST", self._path(), document_text(conversation), _JSON)
        answer = yield from self._patiently(request)
        return Accepted.read(self._document(answer))

    def run(self, run_id: str) -> Steps[Run]:
        """Asks for a run."""
        answer = yield from self._patiently(Request("GET", f"/v1/runs/{quote(str(run_id), safe='')}"))
        return Run.read(self._document(answer))

    def send_many(self, conversations: Iterable[Sendable]) -> Steps[list[Accepted | AftercallError]]:
        """Hands in many, a batch after the other; each has its own answer, in order."""
        answers: list[Accepted | AftercallError] = []
        for batch in _batches(conversations):
            answers += yield from self._batch(batch)
        return answers

    def _path(self) -> str:
        said = {"project": self.project, "environment": self.environment}
        query = urlencode({name: value for name, value in said.items() if value is not None})
        return f"/v1/conversations?{query}" if query else "/v1/conversations"

    def _patiently(self, request: Request) -> Steps[Answer]:
        """The first answer that stands."""
        patience = _Patience(self)
        while True:
            told = yield request
            if isinstance(told, Answer) and told.whole and told.status not in PASSING:
                return told
            yield Wait(patience.wait_s(told))

    def _batch(self, texts: list[bytes | UnwritableConversation]) -> Steps[list[Accepted | AftercallError]]:
        """Sends a batch, and again those of it that had no answer that stands."""
        answers: dict[int, Accepted | AftercallError] = {}
        open_: dict[int, bytes] = {}
        for position, text in enumerate(texts):
            if isinstance(text, bytes):
                open_[position] = text
            else:
                answers[position] = text
        patience = _Patience(self)
        while open_:
            told = yield Request("POST", self._path(), b"".join(text + b"\n" for text in open_.values()), _NDJSON)
            stood: dict[int, Accepted | AftercallError] = {}
            if isinstance(told, Answer) and told.status in _OK:
                stood, told = self._lines(told, list(open_))
            elif isinstance(told, Answer) and told.status not in PASSING:
                raise self._refusal(told)
            answers |= stood
            for position in stood:
                del open_[position]
            if stood:
                patience = _Patience(self)
            if open_:
                yield Wait(patience.wait_s(told))
        return [answers[position] for position in range(len(texts))]

    def _lines(self, answer: Answer, positions: list[int]) -> tuple[dict[int, Accepted | AftercallError], Answer]:
        """The answers of a batch that stand, by position, and why there are others.

        The stream may have broken off in the middle of a line.
        """
        stood: dict[int, Accepted | AftercallError] = {}
        trouble = Answer(answer.status, b"", answer.retry_after_s, whole=False)
        whole, _, _rest = answer.body.rpartition(b"\n")
        for text in whole.split(b"\n"):
            if not text.strip():
                continue
            line = self._object(text, answer.status)
            number, status = line.get("line"), line.get("status")
            if not isinstance(number, int) or not isinstance(status, int) or not 1 <= number <= len(positions):
                raise UnexpectedAnswer(self.address, answer.status, text)
            told = line.get("problem")
            if status in PASSING:
                wait = told.get("retry_after_s") if isinstance(told, dict) else None
                trouble = Answer(status, json.dumps(told).encode(), wait if isinstance(wait, int) else None)
            elif isinstance(told, dict):
                stood[positions[number - 1]] = problem(told, status)
            else:
                stood[positions[number - 1]] = Accepted.read(line["accepted"])
        return stood, trouble

    def _document(self, answer: Answer) -> dict[str, Any]:
        if answer.status not in _OK:
            raise self._refusal(answer)
        return self._object(answer.body, answer.status)

    def _refusal(self, answer: Answer) -> AftercallError:
        try:
            document = self._object(answer.body, answer.status)
        except UnexpectedAnswer as unexpected:
            return unexpected
        if not isinstance(document.get("code"), str):
            return UnexpectedAnswer(self.address, answer.status, answer.body)
        return problem(document, answer.status)

    def _object(self, text: bytes, status: int) -> dict[str, Any]:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise UnexpectedAnswer(self.address, status, text)
        return document


class _Patience:
    """How long one request has been tried."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._began = asking.retry.clock()
        self._tries = 0

    def wait_s(self, told: Answer | Broken | None) -> float:
        """Seconds until the next try. Raises what the last try came to when there is none."""
        self._tries += 1
        retry = self._asking.retry
        wait = retry.wait_s(self._tries, told.retry_after_s if isinstance(told, Answer) else None)
        over = retry.clock() - self._began + wait > retry.patience_s
        if over or (isinstance(told, Broken) and not told.passing):
            self._give_up(told)
        logger.info("%s: %s; trying again in %.2f s", self._asking.address, _reason(told), wait)
        return wait

    def _give_up(self, told: Answer | Broken | None) -> None:
        if isinstance(told, Answer) and told.whole and told.status not in _OK:
            raise self._asking._refusal(told)
        address, reason = self._asking.address, _reason(told)
        if isinstance(told, Broken):
            raise ServerUnreachable(address, self._tries, reason, told.fix) from told.error
        raise ServerUnreachable(address, self._tries, reason, "Send again: what was accepted is not run twice")


def _reason(told: Answer | Broken | None) -> str:
    if isinstance(told, Broken):
        return f"{type(told.error).__name__}: {told.error}" if str(told.error) else type(told.error).__name__
    if isinstance(told, Answer) and told.status not in _OK:
        return f"it answered {told.status}"
    return "its answer broke off"


def _batches(conversations: Iterable[Sendable]) -> Iterator[list[bytes | UnwritableConversation]]:
    batch: list[bytes | UnwritableConversation] = []
    size = 0
    for conversation in conversations:
        text = _text(conversation)
        length = len(text) if isinstance(text, bytes) else 0
        if batch and (len(batch) >= BATCH_LINES or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch


def _text(conversation: Sendable) -> bytes | UnwritableConversation:
    try:
        text = document_text(conversation)
    except UnwritableConversation as error:
        return error
    if not text.strip():  # a blank line would have no answer
        return UnwritableConversation("", "it is empty text", "Give a dict, or JSON as text")
    return text


def retry_after_s(header: str | None) -> float | None:
    """The seconds of a `Retry-After`. A date is passed over: the clocks of two machines differ."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
