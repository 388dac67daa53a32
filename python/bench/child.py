"""What a child costs: from the fork request to the start of the function, to its result, and to its exit.

    python bench/child.py [--runs 500] [--imports json,requests] [--fork _fork|fork]

One function (state reads, a regular expression over 20 turns, 2 log entries, 3 metrics) over a 6 KB conversation, one
child after the other. `AFTERCALL_PRELOAD` names the native library; without it children are forked in plain Python.
CPU and faults are the kernel's own count for the child (wait4).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "tests")]

from supervisor import PRELOAD, Zygote  # noqa: E402

FUNCTION = """
from _gen import *  # <AUTO GENERATED>
import re
{imports}

PATTERN = re.compile(r"order\\s+(\\d+)")

def end_function(conv: Conversation):
    total = 0
    for key in ("name", "order", "topic", "mood", "city", "step", "a", "b", "c", "d", "e", "f"):
        total += len(str(conv.state.get(key)))
    found = [m[1] for turn in conv.history for m in PATTERN.finditer(turn.text)]
    conv.log.info("orders found", orders=found)
    conv.log.info("state read", size=total)
    conv.write_metric("ORDERS", len(found))
    conv.write_metric("TOTAL", total)
    conv.write_metric("DONE", True)
    conv.state.orders = found
"""


def conversation() -> dict[str, object]:
    """Six kilobytes, twenty turns, a dozen keys."""
    turns = [
        {"role": "user" if n % 2 else "agent", "text": f"About order {1000 + n}: " + "some words of a call " * 9}
        for n in range(20)
    ]
    state = {key: f"value of {key}" for key in ("name", "order", "topic", "mood", "city", "step", "a", "b", "c")}
    return {"id": "bench", "channel": "voice", "state": state, "turns": turns, "metrics": []}


def measure(runs: int, imports: list[str], fork: str | None) -> dict[str, float]:
    """Medians, in microseconds but for the faults."""
    raw = json.dumps(conversation()).encode()
    to_start, to_result, to_exit, cpu, faults = [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project" / "functions"
        project.mkdir(parents=True)
        source = FUNCTION.format(imports="\n".join(f"import {name}" for name in imports))
        (project / "end_function.py").write_text(source)
        settings = {"fork": fork} if fork else {}
        with Zygote(project.parent, Path(folder), **settings) as zygote:
            assert "ready" in zygote.answer, zygote.answer
            for run in range(runs + 20):
                began = time.monotonic_ns()
                attempt = zygote.run(raw)
                ended = time.monotonic_ns()
                assert attempt.outcome == "returned", attempt.error
                if run < 20:
                    continue  # warming up
                timing = json.loads(attempt.result[5])  # type: ignore[index]
                to_start.append((timing["started_ns"] - began) / 1000)
                to_result.append((timing["returned_ns"] - began) / 1000)
                to_exit.append((ended - began) / 1000)
                cpu.append(attempt.usage["user_us"] + attempt.usage["system_us"])
                faults.append(attempt.usage["faults"])
            rss = int(Path(f"/proc/{zygote.process.pid}/statm").read_text().split()[1]) * 4
    names = {"start": to_start, "returned": to_result, "exited": to_exit, "cpu": cpu, "faults": faults}
    return {name: statistics.mean(values) for name, values in names.items()} | {"zygote_rss_kib": rss}


def main() -> None:
    """Prints one line of figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--imports", default="")
    parser.add_argument("--fork", default=None)
    options = parser.parse_args()
    figures = measure(options.runs, [name for name in options.imports.split(",") if name], options.fork)
    way = f"{'preload' if PRELOAD else 'plain'}, {options.fork or 'default fork'}, imports {options.imports or 'none'}"
    print(f"{way}: " + ", ".join(f"{name} {value:.0f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
