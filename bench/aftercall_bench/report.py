"""The figures as tables: for a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aftercall_bench.figures import Figures, Spread


@dataclass(frozen=True)
class Column:
    """One figure."""

    name: str
    title: str
    #: Digits behind the point; a share is shown in percent.
    digits: int = 0
    percent: bool = False

    def show(self, spread: Spread | None) -> str:
        """`median (least–most)`."""
        if spread is None:
            return ""
        values = (spread.median, spread.least, spread.most)
        if self.percent:
            median, least, most = (f"{value * 100:.{self.digits}f}" for value in values)
            return f"{median} % ({least}–{most})"
        median, least, most = (f"{value:,.{self.digits}f}" for value in values)
        return median if least == most else f"{median} ({least}–{most})"


@dataclass(frozen=True)
class Table:
    """Rows that share their columns. `prefixes`: the rows whose names begin so."""

    title: str
    explained: str
    prefixes: tuple[str, ...]
    columns: tuple[Column, ...]
    #: Left out where no row begins so: a table that compares needs who is compared.
    needed: str = ""

    def cells(self, figures: Figures) -> list[list[str]]:
        """Heading first; no more than that if nothing of it was measured."""
        rows = [row for row in sorted(figures.rounds, key=self._place) if row.startswith(self.prefixes)]
        columns = [column for column in self.columns if any(figures.spread(row, column.name) for row in rows)]
        if not any(row.startswith(self.needed) for row in rows):
            return []
        lines = [["", *(column.title for column in columns)]]
        for row in rows:
            note = f" [{figures.notes[row]}]" if row in figures.notes else ""
            lines.append([row + note, *(column.show(figures.spread(row, column.name)) for column in columns)])
        return lines

    def _place(self, row: str) -> int:
        return next((at for at, prefix in enumerate(self.prefixes) if row.startswith(prefix)), len(self.prefixes))


_CPU = Column("cpu_ms", "CPU ms/run", 2)
_START = (Column("start_p50_ms", "p50 ms", 1), Column("start_p99_ms", "p99 ms", 1))
_FIRST_TO_LAST = Column("end_to_end_per_s", "first to last, runs/s")

TABLES = (
    Table(
        "A fresh process per conversation",
        "`runs/s` of Aftercall while an accepted backlog drains, of the bare loop while it loops, on all cores; "
        "`of bare`: the ratio within each round to the bare loop with the same imports and the same way of forking. "
        "`first to last` has the acceptance in it. In brackets: how the server forked.",
        (
            "bare worker, lean",
            "bare loop, lean",
            "aftercall, lean",
            "aftercall, extension",
            "aftercall, thread",
            "aftercall, hanging",
            "bare worker, requests",
            "bare loop, requests",
            "aftercall, requests",
        ),
        (
            Column("runs_per_s", "runs/s"),
            Column("ratio", "of bare", 0, True),
            _FIRST_TO_LAST,
            _CPU,
            Column("cpu_child_ms", "children", 2),
            Column("cpu_zygote_ms", "zygote", 2),
            Column("cpu_supervisor_ms", "supervisor", 2),
            Column("load_cpu_ms", "(load generator)", 3),
        ),
    ),
    Table(
        "Two writes and one read over HTTPS",
        "The same function, which then reads from and writes to a back end on this machine with `requests.get` and "
        "`requests.post`. Ours keeps the connections warm and journals each request before and after; in a fresh "
        "process plain `requests` makes a connection for each. `of bare`: the ratio to that. The back end is the same "
        "for all and takes its share of the cores. `written` to the disk, and `commits`: for each run, and for each "
        "request beyond what a run without one takes; one commit is for all that wait at that moment.",
        ("bare worker, https", "bare loop, https", "aftercall, https"),
        (
            Column("runs_per_s", "runs/s"),
            Column("ratio", "of bare", 0, True),
            _CPU,
            Column("cpu_child_ms", "children", 2),
            Column("cpu_supervisor_ms", "supervisor", 2),
            Column("written_kib", "written KiB", 1),
            Column("effect_kib", "KiB a request", 1),
            Column("commits", "commits", 2),
            Column("effect_commits", "commits a request", 2),
        ),
    ),
    Table(
        "A request by itself",
        "200 writes one after the other in one run: what each takes as it is made, and as its answer is given back to "
        "the next attempt.",
        ("replaying",),
        (Column("effect_ms", "made, ms", 2), Column("replay_ms", "given back, ms", 3)),
    ),
    Table(
        "From acceptance to the function's start, at half load",
        "Conversations arrive at random moments (Poisson), at half of the rate at which the backlog drained; both "
        "times are those recorded on the run. `answer`: from the moment at which a conversation was due to be sent "
        "to the end of its answer. `beside a hanging host`: the lean project, while 64 runs of another wait for a host "
        "that never answers.",
        ("aftercall, ", "beside a hanging host"),
        (
            Column("half_load_per_s", "arrivals/s"),
            *_START,
            Column("half_accept_p50_ms", "answer p50 ms", 1),
            Column("half_accept_p99_ms", "answer p99 ms", 1),
        ),
    ),
    Table(
        "Accepting",
        "64 connections over TCP, one conversation of 6.1 KB a request, each with an API key, each answered after its "
        "durable commit; none is run meanwhile. The load generator runs on the same cores: its share of them is told.",
        ("accepting",),
        (
            Column("accepted_per_s", "accepted/s"),
            Column("accept_p50_ms", "p50 ms", 1),
            Column("accept_p99_ms", "p99 ms", 1),
            Column("accept_max_ms", "longest ms", 1),
            Column("accept_cpu_ms", "CPU ms each", 3),
            Column("load_share", "load generator", 0, True),
        ),
    ),
    Table(
        "Memory of a blocked child",
        "Children that wait inside the function: private pages, page tables, kernel stack. Beside it by how much the "
        "machine's available memory fell for each, the supervisor's part included.",
        ("blocked children",),
        (
            Column("blocked_kib", "KiB"),
            Column("blocked_available_kib", "KiB of the machine"),
            Column("blocked_in_4_gb", "in 4 GB"),
        ),
    ),
    Table(
        "Starting, and kill -9",
        "From the start of the process until it serves, and until the function of a conversation sent then begins. "
        "Then 200 runs of 50 ms, the server killed when half are done and started again: until the last interrupted "
        "one runs again, until all are done, both from that start.",
        ("start and kill -9",),
        (
            Column("ready_ms", "ready ms"),
            Column("first_run_ms", "first run ms"),
            Column("killed_lost", "lost"),
            Column("killed_again", "interrupted"),
            Column("reclaim_ms", "all resumed ms"),
            Column("killed_done_ms", "all done ms"),
        ),
    ),
    Table(
        "Peers, the same function",
        "From the first hand-in to the last end, with a warm worker and one producer; CPU of workers and Redis, the "
        "producer's not counted. Latency from hand-in to the function's start, at half of that rate. Then 200 jobs of "
        "50 ms, the workers killed (-9) when half are done and started again: how many were not done after the wait, "
        "how many were done twice, and after how long all were, if they were.",
        ("aftercall, lean", "aftercall, requests", "peer "),
        (
            _FIRST_TO_LAST,
            _CPU,
            *_START,
            Column("killed_not_done", "not done"),
            Column("killed_twice", "done twice"),
            Column("killed_all_done_s", "all done s", 1),
        ),
        needed="peer ",
    ),
)


def terminal(figures: Figures, facts: dict[str, str]) -> str:
    """Aligned."""
    parts = ["\n".join(f"{name}: {value}" for name, value in facts.items())]
    for table in TABLES:
        cells = table.cells(figures)
        if len(cells) > 1:
            parts.append(f"{table.title}\n{_aligned(cells)}")
    parts += [f"NOT MEASURED: {failure}" for failure in figures.failures]
    parts.append("median (least–most) of the rounds")
    return "\n\n".join(parts) + "\n"


def _aligned(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    lines = []
    for name, *values in cells:
        aligned = [value.rjust(width) for value, width in zip(values, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def markdown(figures: Figures, facts: dict[str, str], command: str) -> str:
    """A part of docs/performance.md."""
    parts = ["| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in facts.items())]
    parts.append(f"Median (least–most) of the rounds of one run. Repeat it: `{command}`.")
    parts += [f"Not measured: {failure}" for failure in figures.failures]
    for table in TABLES:
        cells = table.cells(figures)
        if len(cells) > 1:
            heading, *rows = (f"| {' | '.join(row)} |" for row in cells)
            rule = "|---" * len(cells[0]) + "|"
            parts.append("\n".join([f"## {table.title}", table.explained, "", heading, rule, *rows]))
    return "\n\n".join(parts) + "\n"
