"""Metrics: those of the call, and those that the run queues."""

from __future__ import annotations

from aftercall.conv.host import current
from aftercall.conv.jsonable import Limits, json_text, jsonable
from aftercall.conv.record import Record
from aftercall.texts import MAX_INT_BITS, escaped, integer_text, kind_name, safe_str, shortened

#: What a metric may hold.
MetricValue = str | int | float | bool | None
#: Bytes of a metric's name, in UTF-8.
MAX_NAME_BYTES = 512
#: Characters of a text as its value.
MAX_TEXT = 64 * 1024
#: The end of a name that was cut.
_CUT = "…"
#: Metrics of one attempt.
MAX_METRICS = 10_000
#: Values of one structure that is kept as JSON text.
_LIMITS = Limits(values=5_000, text=MAX_TEXT)


class MetricEvent(Record):
    """A metric that has been written: `name` and `value`."""

    def __init__(self, name: str, value: MetricValue = None) -> None:
        self.name = name
        self.value = value


def metric_name(name: object) -> str:
    """`name` as a metric keeps it; `""` stands for one that is not kept. Both leave a warning.

    A member of an enum that is a `str` is its value, as it is in JSON.
    """
    text = _own_text(name) if issubclass(type(name), str) else safe_str(name)
    text = escaped(text[: MAX_NAME_BYTES + 1])
    if not text or text.isspace():
        _warn(text, "a metric has a name: this one is not kept")
        return ""
    if len(text) * 4 <= MAX_NAME_BYTES or len(data := text.encode()) <= MAX_NAME_BYTES:
        return text
    kept = data[: MAX_NAME_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
    _warn(kept, f"a name has {MAX_NAME_BYTES} bytes at most: it was cut")
    return kept


def metric_value(name: str, value: object) -> MetricValue:
    """`value` as a metric keeps it: as it is, or as text with a warning on the run."""
    kind = type(value)
    if value is None or kind is bool:
        return value  # type: ignore[return-value]
    if issubclass(kind, str):
        text = _own_text(value)
        if len(text) > MAX_TEXT:
            _warn(name, f"{len(text):,} characters: the first {MAX_TEXT:,} were kept")
        return escaped(shortened(text, MAX_TEXT))
    if issubclass(kind, int):
        integer = int.__index__(value)  # type: ignore[arg-type]
        if integer.bit_length() <= MAX_INT_BITS:
            return integer
        text = integer_text(integer)
    elif issubclass(kind, float):
        number = float.__float__(value)  # type: ignore[arg-type]
        if number - number == 0.0:
            return number
        text = float.__repr__(number)
    else:
        text = shortened(json_text(jsonable(value, _LIMITS, safe_str)), MAX_TEXT)
    _warn(name, f"a value of type {kind_name(value)} was kept as text")
    return text


def warn_of_too_many() -> None:
    """Said once, when there are `MAX_METRICS`."""
    _warn("…", f"an attempt keeps {MAX_METRICS:,} metrics: later ones are not kept")


def _own_text(value: object) -> str:
    return str.__str__(value)  # past a `__str__` of the subclass


def _warn(name: str, what: str) -> None:
    current.host.log("warning", f"write_metric({name!r}): {what}", False, "runtime", None)
