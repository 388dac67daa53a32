"""What a tree of processes has used, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
#: The kernel's own stack of a task on x86-64 and arm64, which no file of a process tells.
KERNEL_STACK_KIB = 16


@dataclass(frozen=True)
class Stat:
    """One process: seconds of CPU of its own, and of those that it has reaped."""

    pid: int
    parent: int
    own_s: float
    reaped_s: float
    zombie: bool


def stat(pid: int) -> Stat | None:
    """None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in parentheses, and may hold anything.
    fields = text.rpartition(")")[2].split()
    own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return Stat(pid, int(fields[1]), own * TICK_S, reaped * TICK_S, fields[0] in "ZX")


def tree(root: int) -> list[Stat]:
    """`root` and all that descend from it, `root` first."""
    every = [found for entry in os.listdir("/proc") if entry.isdigit() and (found := stat(int(entry)))]
    known, members = {root}, [one for one in every if one.pid == root]
    grew = True
    while grew:
        new = [one for one in every if one.parent in known and one.pid not in known]
        known.update(one.pid for one in new)
        members += new
        grew = bool(new)
    return members


def written_kib(pid: int) -> float:
    """What a process has had written to disks so far."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value) / 1024
    raise RuntimeError(f"the kernel does not tell what process {pid} has written")


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU: of the root itself, of what descends from it and lives, of what was reaped in it."""

    root_s: float
    living_s: float
    reaped_s: float

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.root_s + self.living_s + self.reaped_s

    def since(self, before: Cpu) -> Cpu:
        """What was used between two looks."""
        return Cpu(self.root_s - before.root_s, self.living_s - before.living_s, self.reaped_s - before.reaped_s)


def cpu(root: int) -> Cpu:
    """What a tree has used so far. A process that nobody has reaped yet counts as living."""
    members = tree(root)
    return Cpu(
        sum(one.own_s for one in members if one.pid == root),
        sum(one.own_s for one in members if one.pid != root),
        sum(one.reaped_s for one in members),
    )


def private_kib(pid: int) -> int:
    """Memory that goes when this process goes: its private pages, its page tables, its kernel stack.

    `PermissionError` where it may not be looked at.
    """
    rollup = _sizes(Path(f"/proc/{pid}/smaps_rollup"))
    status = _sizes(Path(f"/proc/{pid}/status"))
    return rollup["Private_Clean"] + rollup["Private_Dirty"] + status["VmPTE"] + KERNEL_STACK_KIB


def available_kib() -> int:
    """Memory that the machine could give out."""
    return _sizes(Path("/proc/meminfo"))["MemAvailable"]


def _sizes(path: Path) -> dict[str, int]:
    sizes = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        if rest.endswith(" kB"):
            sizes[name] = int(rest.split()[0])
    return sizes
