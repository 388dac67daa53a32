"""What a conversation needs from whoever runs it."""

from __future__ import annotations

from collections.abc import Callable

from aftercall.conv.jsonable import Limits, jsonable

_FIELDS = Limits(values=1_000, text=10_000)


class Host:
    """The surroundings of one run. This one serves outside of a run: entries go to standard error."""

    #: What `conv.functions.<name>` resolves to: name → callable taking `(conv, …)`, or None.
    find_function: Callable[[str], Callable[..., object] | None] | None = None
    #: Whether the run has been told once that `log.info("%s", value)` takes no arguments.
    warned_of_arguments = False

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        """Keeps one entry. `level` is info, warning, error, debug, stdout or stderr."""
        import sys

        extra = f" {jsonable(fields, _FIELDS)}" if fields else ""
        print(f"[{level}] {content}{extra}", file=sys.__stderr__)

    def effects_refused(self) -> str | None:
        """Why nothing can be sent to the outside at this moment, or None."""
        return None


class _Current:
    """One process serves one conversation, so the host at hand is a property of the process."""

    __slots__ = ("host",)

    def __init__(self) -> None:
        self.host = Host()


current = _Current()
