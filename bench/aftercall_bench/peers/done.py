"""What the programs of a peer are told, and the file in which its jobs say that they are done."""

from __future__ import annotations

from dataclasses import dataclass

#: Variables of the environment: where Redis is, the project, the file, whether the settings are the safe ones (`1`).
REDIS, PROJECT, DONE, SAFE = "BENCH_REDIS", "BENCH_PROJECT", "BENCH_DONE", "BENCH_SAFE"


@dataclass(frozen=True)
class Done:
    """One line of the file."""

    name: str
    handed_in_at: float
    began_at: float
    ended_at: float

    @classmethod
    def read(cls, path: str) -> list[Done]:
        """All, oldest first."""
        try:
            with open(path) as file:
                lines = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [cls(name, float(handed_in), float(began), float(ended)) for name, handed_in, began, ended in lines]
