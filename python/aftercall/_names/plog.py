"""`plog`: writes to the run's log, with fields that can be bound for a while.

plog.info("booked", booking=reference)
with plog.tmp_bind(caller=number): …
@plog.tmp_bind(step="crm")
"""

from __future__ import annotations

from collections.abc import Callable

from aftercall.conv.log import write
from aftercall.texts import kind_name, safe_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., object])

_bound: list[dict[str, object]] = []


def _write(level: str, content: object, is_pii: bool, fields: dict[str, object]) -> None:
    merged: dict[str, object] = {}
    for layer in _bound:
        merged.update(layer)
    merged.update(fields)
    write(level, content, is_pii, "plog", merged)


def debug(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level debug."""
    _write("debug", msg, is_pii, fields)


def info(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level info."""
    _write("info", msg, is_pii, fields)


def warning(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level warning."""
    _write("warning", msg, is_pii, fields)


warn = warning


def error(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level error."""
    _write("error", msg, is_pii, fields)


def exception(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level error with the exception that is being handled."""
    import sys

    handled = sys.exc_info()[1]
    if handled is not None:
        fields = {"exception": f"{kind_name(handled)}: {safe_str(handled)}", **fields}
    _write("error", msg, is_pii, fields)


class tmp_bind:  # noqa: N801 - the vendor's name
    """Adds fields to every entry inside: a context manager and a decorator."""

    def __init__(self, **fields: object) -> None:
        self._fields = fields

    def __enter__(self) -> tmp_bind:
        _bound.append(self._fields)
        return self

    def __exit__(self, *_exception: object) -> None:
        # By identity, from the end: threads may leave in another order than they came.
        for index in range(len(_bound) - 1, -1, -1):
            if _bound[index] is self._fields:
                del _bound[index]
                return

    def __call__(self, function: F) -> F:
        from functools import wraps

        @wraps(function)
        def bound(*args: object, **kwargs: object) -> object:
            with tmp_bind(**self._fields):
                return function(*args, **kwargs)

        return bound  # type: ignore[return-value]
