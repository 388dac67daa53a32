"""The package as a whole: what importing it costs a zygote, and what it promises to a type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from supervisor import ROOT

import aftercall


def test_a_zygote_holds_nothing_of_what_is_for_other_processes(run):
    attempt = run(
        """
        import sys

        def end_function(conv):
            conv.state.loaded = sorted(name for name in sys.modules if name.startswith("aftercall."))
        """
    )
    rooms = {name.split(".")[1] for name in attempt.state["loaded"]}
    assert rooms & {"client", "adapters", "testing"} == set()
    assert rooms >= {"conv", "state", "_runtime"}


def test_every_exported_name_is_there_and_loaded_on_first_use() -> None:
    for name in aftercall.__all__:
        assert getattr(aftercall, name) is not None
    code = "import sys, aftercall; assert not any(name.startswith('aftercall.') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_what_a_user_writes_is_typed_strictly() -> None:
    """A file that uses most of what the package exports passes `mypy --strict`, and its mistakes do not."""
    used = Path(__file__).with_name("typed_use.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    done = subprocess.run([*command, str(used)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "" and done.returncode == 0, done.stdout + done.stderr
