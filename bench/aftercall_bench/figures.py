"""Numbers of several rounds, and their spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


@dataclass(frozen=True)
class Spread:
    """Of one figure over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """At least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass
class Figures:
    """By row (who was measured) and name: one value for each round that has one."""

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    #: By row: what must be known to read it, as the fork way that the server chose.
    notes: dict[str, str] = field(default_factory=dict)
    #: What could not be measured, and why.
    failures: list[str] = field(default_factory=list)

    def add(self, row: str, measured: dict[str, float]) -> None:
        """The figures of one round, or a part of them."""
        names = self.rounds.setdefault(row, {})
        for name, value in measured.items():
            names.setdefault(name, []).append(value)

    def spread(self, row: str, name: str) -> Spread | None:
        """None if it was not measured."""
        values = self.rounds.get(row, {}).get(name)
        return Spread.of(values) if values else None
