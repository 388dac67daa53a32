"""What can go wrong when a server is asked something. Each error says what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class AftercallError(Exception):
    """The base of every error of `aftercall.Client` and `aftercall.AsyncClient`."""


class UnwritableConversation(AftercallError, ValueError):
    """A conversation holds what a document cannot hold. Nothing was sent."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(f"{path or 'the conversation'}: {reason}. {fix}")
        #: Where: a JSON pointer into the document, `""` for all of it.
        self.path = path
        self.reason = reason
        self.fix = fix


class ServerUnreachable(AftercallError):
    """No answer came, for as long as the retries' patience allowed. Sending again later is safe."""

    code = "AC0801"

    def __init__(self, address: str, tries: int, reason: str, fix: str) -> None:
        again = "" if tries == 1 else f" ({tries} tries)"
        super().__init__(f"no server answers at {address}{again}: {reason}. {fix}")
        self.address = address
        self.tries = tries
        self.fix = fix


class UnexpectedAnswer(AftercallError):
    """Something answered that does not speak Aftercall's API: another program, or a proxy in between."""

    def __init__(self, address: str, status: int, body: bytes) -> None:
        shown = body[:_SHOWN].decode("utf-8", "replace")
        super().__init__(f"{address} answered {status} with something that is no answer of Aftercall's: {shown!r}")
        self.address = address
        self.status = status


#: Bytes of a foreign answer that an error shows.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong in a document. `path` is a JSON pointer: `/turns/3/text`."""

    path: str
    found: str
    expected: str
    fix: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where what was sent differs from what is kept; None where nothing is there. Values are shortened."""

    path: str
    kept: object = None
    sent: object = None


class Problem(AftercallError):
    """The server refused, and said why (`application/problem+json`)."""

    def __init__(self, document: Mapping[str, object], status: int) -> None:
        self.status = status
        #: `AC0102` and the like; `aftercall explain AC0102` tells more.
        self.code = _text(document, "code")
        #: The code in a few words, always the same for one code.
        self.title = _text(document, "title")
        #: What happened this time, in a sentence.
        self.detail = _text(document, "detail")
        #: What to do.
        self.fix = _text(document, "fix")
        #: Field by field, where there are fields to speak of.
        self.errors = tuple(
            FieldError(*(_text(error, name) for name in ("path", "found", "expected", "fix")))
            for error in _records(document, "errors")
        )
        #: All that the server said.
        self.document = dict(document)
        # One alone is in the detail already.
        fields = self.errors if len(self.errors) > 1 else ()
        listed = "".join(f"\n  {e.path or '/'}: found {e.found}, expected {e.expected}; {e.fix}" for e in fields)
        super().__init__(f"{self.code} {self.title}: {self.detail} {self.fix}{listed}")


class InvalidConversation(Problem):
    """The document is not a conversation, or too large: the same again is refused again."""


class NotAllowed(Problem):
    """There is no API key, an unknown one, or one that may not do this."""


class NotFound(Problem):
    """There is no such project, run or conversation."""


class ConversationConflict(Problem):
    """The same id was accepted before with other content. The first is kept, and its run stands."""

    def __init__(self, document: Mapping[str, object], status: int) -> None:
        #: What differs; some of it, where it is much.
        self.differences = tuple(
            Difference(_text(item, "path"), item.get("kept"), item.get("sent"))
            for item in _records(document, "differences")
        )
        #: The run that stands for what was accepted first.
        self.kept_run_id = _text(document, "kept_run_id") or None
        super().__init__(document, status)


class ServerBusy(Problem):
    """The server takes nothing at the moment, and did not for as long as the retries' patience allowed."""

    def __init__(self, document: Mapping[str, object], status: int) -> None:
        seconds = document.get("retry_after_s")
        #: When to come back, in seconds; None where the server did not say.
        self.retry_after_s = seconds if isinstance(seconds, int) else None
        super().__init__(document, status)


_KINDS: dict[int, type[Problem]] = {
    400: InvalidConversation,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: ConversationConflict,
    413: InvalidConversation,
    429: ServerBusy,
    503: ServerBusy,
}


def problem(document: Mapping[str, object], status: int) -> Problem:
    """The error that a problem document stands for."""
    return _KINDS.get(status, Problem)(document, status)


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _records(document: Mapping[str, object], name: str) -> list[dict[str, object]]:
    value = document.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
