"""Who is measured, and in what order: one after the other, round after round, so that noise hits all alike."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aftercall_bench.backend import Backend
from aftercall_bench.figures import Figures
from aftercall_bench.loops import Loop
from aftercall_bench.ours import Ours
from aftercall_bench.workload import EXTENSION, HANGING, LEAN, REQUESTS, THREAD, WRITING, Case

#: Requests of a run that writes.
WRITTEN_EFFECTS = 3
#: What a server's way of forking is compared with; an import in each child (`late_import`) with nothing.
_BARE_WAY = {"_fork": "_fork", "fork": "fork", "cold": "none"}


@dataclass(frozen=True)
class Contestant:
    """A row of the tables. `measure` is given the round's number, from 0, and may leave a note on the row."""

    row: str
    measure: Callable[[int, Figures], dict[str, float]]
    #: Measured in so many rounds at most: for what takes long and varies little.
    rounds: int = sys.maxsize


@dataclass
class Bench:
    """All that is measured, and what was found."""

    contestants: list[Contestant]
    figures: Figures = field(default_factory=Figures)

    def run(self, rounds: int, tell: Callable[[str], None]) -> None:
        """Every other round goes through them backwards: what changes steadily over time then cancels out."""
        for number in range(rounds):
            order = self.contestants if number % 2 == 0 else self.contestants[::-1]
            found: dict[str, dict[str, float]] = {}
            for contestant in order:
                if number >= contestant.rounds:
                    continue
                began = time.monotonic()
                try:
                    found.setdefault(contestant.row, {}).update(contestant.measure(number, self.figures))
                except (RuntimeError, OSError) as error:  # the others are measured all the same; it is told in the end
                    self.figures.failures.append(f"round {number + 1}, {contestant.row}: {error}")
                tell(f"round {number + 1} of {rounds}: {contestant.row}, {time.monotonic() - began:.1f} s")
            compare(found, self.figures.notes)
            for row, measured in found.items():
                self.figures.add(row, measured)


def loop_row(case: Case, way: str, conv: str = "aftercall") -> str:
    """What a bare loop's row is called."""
    kind = "bare worker" if way == "worker" else "bare loop"
    return f"{kind}, {case.name}{'' if way == 'worker' else f', {way}'}{', plain conv' if conv == 'plain' else ''}"


def ours_row(case: Case) -> str:
    """What the row of a project of ours is called."""
    return f"aftercall, {case.name}"


def loops(ours: Ours) -> list[Contestant]:
    """The bounds."""
    sizes = ours.sizes
    ways = (
        ("worker", "plain", sizes.worker_calls),
        ("worker", "aftercall", sizes.worker_calls),
        ("_fork", "plain", sizes.runs),
        ("_fork", "aftercall", sizes.runs),
        ("fork", "aftercall", sizes.runs),
        ("none", "aftercall", sizes.cold_runs),
    )

    def contestant(case: Case, way: str, conv: str, runs: int) -> Contestant:
        loop = Loop(ours.tools.python, case.write(ours.projects), ours.document(), conv, way)
        rounds = sizes.slow_rounds if way == "none" else sizes.rounds
        return Contestant(loop_row(case, way, conv), lambda _number, _figures: loop.measure(runs), rounds)

    return [contestant(case, way, conv, runs) for case in (LEAN, REQUESTS) for way, conv, runs in ways]


def projects(ours: Ours) -> list[Contestant]:
    """Aftercall, in each way in which a project may be forked."""

    def contestant(case: Case, runs: int, rounds: int) -> Contestant:
        def measure(number: int, figures: Figures) -> dict[str, float]:
            measured, way = ours.throughput(case, f"{case.name}-{number}", runs)
            figures.notes[ours_row(case)] = way
            return measured

        return Contestant(ours_row(case), measure, rounds)

    sizes = ours.sizes
    fast = [contestant(case, sizes.runs, sizes.rounds) for case in (LEAN, REQUESTS, EXTENSION)]
    slow = [contestant(case, sizes.cold_runs, sizes.slow_rounds) for case in (THREAD, HANGING)]
    return fast + slow


def writing(ours: Ours, backend: Backend) -> list[Contestant]:
    """Functions that write to a back end: ours, journaled, and with plain `requests` in a fresh and a warm process."""
    ours = dataclasses.replace(ours, backend=backend)
    sizes = ours.sizes

    def plain(way: str) -> Contestant:
        loop = Loop(
            ours.tools.python, WRITING.write(ours.projects), ours.document(), "aftercall", way, backend.certificate
        )
        return Contestant(loop_row(WRITING, way), lambda _number, _figures: loop.measure(sizes.writing_runs))

    def journaled(number: int, figures: Figures) -> dict[str, float]:
        measured, way = ours.throughput(WRITING, f"{WRITING.name}-{number}", sizes.writing_runs)
        figures.notes[ours_row(WRITING)] = way
        return measured

    return [
        plain("worker"),
        plain("_fork"),
        Contestant(ours_row(WRITING), journaled),
        Contestant("replaying", lambda number, _: ours.replaying(f"replaying-{number}")),
        Contestant("beside a hanging host", lambda number, _: ours.beside_a_hanging_host(f"beside-{number}")),
    ]


def others(ours: Ours) -> list[Contestant]:
    """What has no bound beside it."""

    def blocked(case: Case) -> Contestant:
        return Contestant(
            f"blocked children, {case.name}", lambda number, _: ours.blocked(case, f"blocked-{case.name}-{number}")
        )

    return [
        Contestant("accepting", lambda number, _: ours.accepting(f"accepting-{number}")),
        blocked(LEAN),
        blocked(REQUESTS),
        Contestant("start and kill -9", lambda number, _: ours.starting(f"starting-{number}")),
    ]


def compare(found: dict[str, dict[str, float]], notes: dict[str, str]) -> None:
    """Adds what follows from the figures of one round: how each project of ours compares with its bare loop, and what a
    kill of ours leaves, in the names and units of the peers' rows."""
    for case in (LEAN, REQUESTS, EXTENSION, HANGING, WRITING):
        row = ours_row(case)
        way = _BARE_WAY.get(notes.get(row, ""))
        bound = found.get(loop_row(bounding(case), way)) if way else None
        if row in found and bound:
            found[row]["ratio"] = found[row]["runs_per_s"] / bound["runs_per_s"]
    if ours_row(WRITING) in found and ours_row(REQUESTS) in found:
        more_kib = found[ours_row(WRITING)]["written_kib"] - found[ours_row(REQUESTS)]["written_kib"]
        found[ours_row(WRITING)]["effect_kib"] = more_kib / WRITTEN_EFFECTS
        more_commits = found[ours_row(WRITING)]["commits"] - found[ours_row(REQUESTS)]["commits"]
        found[ours_row(WRITING)]["effect_commits"] = more_commits / WRITTEN_EFFECTS
    killed = found.get("start and kill -9")
    if killed and ours_row(LEAN) in found:
        found[ours_row(LEAN)]["killed_not_done"] = killed["killed_lost"]
        found[ours_row(LEAN)]["killed_all_done_s"] = killed["killed_done_ms"] / 1000


def bounding(case: Case) -> Case:
    """The case whose bare loop bounds this one: the same imports."""
    return case if case in (REQUESTS, WRITING) else LEAN
