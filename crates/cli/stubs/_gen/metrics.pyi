# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Metrics: those of the call, and those that the run queues."""

from typing import TypeAlias

from _gen.record import Record

MetricValue: TypeAlias = str | int | float | bool | None

class MetricEvent(Record):
    """A metric that has been written: `name` and `value`."""

    name: str
    value: MetricValue

    def __init__(self, name: str, value: MetricValue = None) -> None: ...
