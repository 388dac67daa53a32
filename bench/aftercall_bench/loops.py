"""The bounds: the bare loop, in every way of forking, and the warm worker. See bare.py."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aftercall_bench.figures import quantile

_PROGRAM = Path(__file__).with_name("bare.py")
#: Loops that run side by side, for each core: with one, a core idles while its loop waits for a child to be gone; with
#: two, they are in each other's way. The faster of both is the bound.
LOOPS_PER_CORE = (1, 2)


@dataclass(frozen=True)
class Loop:
    """One kind of bare loop."""

    python: Path
    project: Path
    document: Path
    #: `aftercall` or `plain`: what the function is given.
    conv: str
    #: `_fork`, `fork`, `none`, `worker`.
    way: str
    #: The certificate that `requests` trusts.
    certificate: Path | None = None

    def measure(self, runs: int) -> dict[str, float]:
        """Runs a second on all cores, milliseconds of CPU a run and of one call."""
        cores = os.cpu_count() or 1
        counts = (cores * each for each in LOOPS_PER_CORE)
        return max((self._side_by_side(loops, runs // loops) for loops in counts), key=lambda one: one["runs_per_s"])

    def _side_by_side(self, loops: int, each: int) -> dict[str, float]:
        settings = {
            "project": str(self.project),
            "document": str(self.document),
            "conv": self.conv,
            "way": self.way,
            "runs": each,
        }
        command: list[str | Path] = [self.python, "-s", "-P", _PROGRAM, json.dumps(settings)]
        trusted = {"REQUESTS_CA_BUNDLE": str(self.certificate)} if self.certificate else {}
        environment = {**os.environ, **trusted}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with ExitStack() as stack:
            started: list[subprocess.Popen[str]] = [
                stack.enter_context(subprocess.Popen(command, env=environment, **pipes))  # type: ignore[call-overload]
                for _ in range(loops)
            ]
            # A loop that ends early leaves an empty line, and a pipe that nobody reads.
            if any(_output(process).readline() != "ready\n" for process in started):
                raise RuntimeError(f"a bare loop did not get ready: {settings}")
            for process in started:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            told = [json.loads(_output(process).read()) for process in started]
        took = max(one["ended"] for one in told) - min(one["began"] for one in told)
        runs = each * loops
        waits = [wait for one in told for wait in one["waits"]]
        return {
            "runs_per_s": runs / took,
            "cpu_ms": sum(one["cpu_own_s"] + one["cpu_children_s"] for one in told) / runs * 1000,
            "cpu_child_ms": sum(one["cpu_children_s"] for one in told) / runs * 1000,
            "call_p50_ms": quantile(waits, 0.5),
            "call_p99_ms": quantile(waits, 0.99),
        }


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
