"""`python3 -m aftercall_bench`, as `make bench` calls it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from aftercall_bench import report
from aftercall_bench.backend import backend
from aftercall_bench.machine import machine
from aftercall_bench.ours import Ours
from aftercall_bench.rounds import Bench, loops, others, projects, writing
from aftercall_bench.server import Tools
from aftercall_bench.sizes import FULL, QUICK


def main() -> None:
    """Measures, and tells."""
    options = _options()
    sizes = dataclasses.replace(QUICK if options.quick else FULL, **_changed(options.set))
    options.folder.mkdir(parents=True, exist_ok=True)
    facts = machine(options.python, options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-") as made:
        folder = Path(made)
        tools = Tools(
            options.binary.resolve(),
            options.load.resolve(),
            options.receiver.resolve(),
            options.python.absolute(),
            folder / "data",
        )
        tools.folder.mkdir()
        ours = Ours(tools, folder, sizes)
        with backend(tools.receiver, folder) as written_to:
            contestants = loops(ours) + projects(ours) + writing(ours, written_to) + others(ours)
            if options.peers is not None:
                from aftercall_bench.peers.measure import peers

                contestants += peers(options.peers.absolute(), folder, sizes)
            chosen = [one for one in contestants if any(part in one.row for part in options.only or [""])]
            bench = Bench(chosen)
            bench.run(sizes.rounds, lambda text: print(text, file=sys.stderr, flush=True))
    facts["rounds"] = f"{sizes.rounds}, {'quick: too short to be quoted' if options.quick else 'full'}"
    print(report.terminal(bench.figures, facts))
    if options.json is not None:
        found = {"facts": facts, "sizes": dataclasses.asdict(sizes), **dataclasses.asdict(bench.figures)}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.markdown is not None:
        command = f"make bench{' PEERS=1' if options.peers else ''}{' QUICK=1' if options.quick else ''}"
        options.markdown.write_text(report.markdown(bench.figures, facts, command))
    if bench.figures.failures:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="aftercall_bench", description="Measures Aftercall and its bounds in one run."
    )
    parser.add_argument("--binary", type=Path, required=True, help="the release binary")
    parser.add_argument("--load", type=Path, required=True, help="the load generator, bench/load")
    parser.add_argument(
        "--receiver", type=Path, required=True, help="the back end that functions write to, bench/receiver"
    )
    parser.add_argument(
        "--python", type=Path, required=True, help="an interpreter with `requests`, which runs all projects"
    )
    parser.add_argument(
        "--folder", type=Path, required=True, help="where data folders are made: the disk that is measured"
    )
    parser.add_argument("--peers", type=Path, help="an interpreter with the peers; measures them too")
    parser.add_argument("--quick", action="store_true", help="about a minute; too short to be quoted")
    parser.add_argument("--only", action="append", help="only rows with this in their name; may be given several times")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=N", help="another size: rounds=3")
    parser.add_argument("--json", type=Path, help="writes every round's figures to this file")
    parser.add_argument("--markdown", type=Path, help="writes the tables for docs/performance.md to this file")
    return parser.parse_args()


def _changed(settings: list[str]) -> dict[str, int]:
    return {name: int(value) for name, _, value in (setting.partition("=") for setting in settings)}


if __name__ == "__main__":
    main()
