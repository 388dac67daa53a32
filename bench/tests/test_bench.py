"""What the figures stand on: everyone does the same work, and all of it is counted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aftercall_bench import plain, processes, workload
from aftercall_bench.figures import Figures, Spread, quantile
from aftercall_bench.loops import Loop
from aftercall_bench.report import TABLES, markdown
from aftercall_bench.rounds import Bench, Contestant

BENCH = Path(__file__).resolve().parents[1]
BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


@pytest.fixture
def lean(tmp_path: Path) -> Path:
    return workload.LEAN.write(tmp_path)


def test_the_conversation_and_what_is_left_of_it_have_their_sizes(lean: Path) -> None:
    document = workload.conversation()
    assert len(document) == 6_100
    assert len(json.loads(document)["turns"]) == 20
    answer = json.loads(plain.run(plain.load_function(str(lean)), document))
    assert 1_900 < len(json.dumps(answer)) < 2_200
    assert len(answer["logs"]) == 2
    assert [metric["name"] for metric in answer["metrics"]] == ["TOPIC", "ORDERS", "RESOLVED"]
    assert answer["state"]["report"]["orders"] == [str(10_400 + number) for number in range(0, 20, 3)]


def test_the_plain_conv_and_ours_lead_to_the_same_result(lean: Path, tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text(workload.conversation())
    answers = []
    for conv in ("plain", "aftercall"):
        settings = {"project": str(lean), "document": str(document), "conv": conv, "way": "once", "runs": 1}
        command = [sys.executable, "-s", "-P", BENCH / "aftercall_bench" / "bare.py", json.dumps(settings)]
        answers.append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    mine, ours = answers
    assert mine["metrics"] == ours["metrics"]
    assert mine["state"]["report"] == ours["state"]["report"]
    assert [entry["content"] for entry in mine["logs"]] == [entry["content"] for entry in ours["logs"]]


@pytest.mark.parametrize("way", ["_fork", "fork", "none", "worker"])
def test_every_way_of_a_bare_loop_runs(way: str, lean: Path, tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text(workload.conversation())
    figures = Loop(Path(sys.executable), lean, document, "plain", way).measure(8)
    assert figures["runs_per_s"] > 0
    assert figures["call_p50_ms"] <= figures["call_p99_ms"]


def test_a_bare_loop_whose_function_fails_is_no_figure(tmp_path: Path) -> None:
    project = workload.Case("broken").write(tmp_path)
    file = project / "functions" / "end_function.py"
    file.write_text(file.read_text() + "\ndef end_function(conv): raise ValueError\n")
    document = tmp_path / "document.json"
    document.write_text(workload.conversation())
    with pytest.raises(RuntimeError):
        Loop(Path(sys.executable), project, document, "plain", "_fork").measure(4)


def test_cpu_of_a_tree_counts_children_alive_and_reaped() -> None:
    # A shell whose first child has ended and been reaped when the second one still works.
    command = [
        "/bin/sh",
        "-c",
        f"'{sys.executable}' -c '{BUSY}'; '{sys.executable}' -c '{BUSY}import sys; input()'; true",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as shell:
        before = processes.cpu(shell.pid)
        ended = threading.Event()
        while processes.cpu(shell.pid).since(before).total_s < 0.5:
            assert shell.poll() is None, "the shell ended with less CPU than its children have used"
            ended.wait(0.02)
        used = processes.cpu(shell.pid).since(before)
        assert used.reaped_s >= 0.25
        assert used.living_s >= 0.1
        assert shell.stdin is not None
        shell.stdin.close()


def test_private_memory_of_a_process_is_what_it_alone_has() -> None:
    program = "data = bytearray(b'x') * (32 << 20); print('made', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"made\n"
        assert 32 << 10 < processes.private_kib(process.pid) < 64 << 10
        assert process.stdin is not None
        process.stdin.close()


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert quantile(range(1, 201), 0.5) == 100
    assert quantile(range(1, 201), 0.99) == 198
    assert quantile([3], 0.99) == 3
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3)


def test_rounds_alternate_and_a_row_that_fails_is_told_while_the_others_are_measured() -> None:
    order: list[str] = []

    def measure(row: str) -> Contestant:
        def measured(number: int, _figures: Figures) -> dict[str, float]:
            order.append(f"{row}{number}")
            if row == "b" and number == 1:
                raise RuntimeError("no answer")
            return {"runs_per_s": number}

        return Contestant(row, measured)

    bench = Bench([measure("a"), measure("b")])
    bench.run(2, lambda _: None)
    assert order == ["a0", "b0", "b1", "a1"]
    assert bench.figures.rounds == {"a": {"runs_per_s": [0, 1]}, "b": {"runs_per_s": [0]}}
    assert bench.figures.failures == ["round 2, b: no answer"]


def test_the_ratio_is_one_of_figures_of_the_same_round() -> None:
    rates = {"aftercall, lean": (50, 60), "bare loop, lean, _fork": (100, 80)}

    def contestant(row: str) -> Contestant:
        def measured(number: int, figures: Figures) -> dict[str, float]:
            figures.notes["aftercall, lean"] = "_fork"
            return {"runs_per_s": rates[row][number]}

        return Contestant(row, measured)

    bench = Bench([contestant(row) for row in rates])
    bench.run(2, lambda _: None)
    assert bench.figures.rounds["aftercall, lean"]["ratio"] == [0.5, 0.75]
    text = markdown(bench.figures, {"date": "today"}, "make bench")
    assert "| aftercall, lean [_fork] | 55 (50–60) | 62 % (50–75) |" in text


def test_every_row_has_its_place_in_a_table() -> None:
    prefixes = [prefix for table in TABLES for prefix in table.prefixes]
    for row in ("bare worker, lean", "bare loop, requests, none", "aftercall, thread", "accepting", "peer Huey, safe"):
        assert any(row.startswith(prefix) for prefix in prefixes), row
