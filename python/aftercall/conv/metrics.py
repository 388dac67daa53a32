"""Metrics: those of the call, and those that the run queues."""

from __future__ import annotations

from aftercall.conv.host import current
from aftercall.conv.log import text_of
from aftercall.conv.record import Record

#: What a metric may hold.
MetricValue = str | int | float | bool | None
#: Digits of an integer that a metric keeps as a number.
MAX_INT_BITS = 4_096


class MetricEvent(Record):
    """A metric that has been written: `name` and `value`."""

    def __init__(self, name: str, value: MetricValue = None) -> None:
        self.name = name
        self.value = value


def metric_value(name: str, value: object) -> MetricValue:
    """`value` as a metric keeps it: as it is, or as JSON text with a warning on the run."""
    if value is None or type(value) in (bool, str):
        return value  # type: ignore[return-value]
    if type(value) is int and value.bit_length() <= MAX_INT_BITS:
        return value
    if type(value) is float and value - value == 0.0:
        return value
    text = _as_text(value)
    current.host.log(
        "warning",
        f"write_metric({name!r}): a value of type {type(value).__name__} was kept as text",
        False,
        "runtime",
        None,
    )
    return text


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    from json import dumps

    try:
        return dumps(value, default=text_of, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return text_of(value)
