"""What `aftercall init` makes passes its own tests under pytest, as its README says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from supervisor import ROOT

EXAMPLES = Path(ROOT).parent / "examples"


def init(folder: Path, *more: object) -> None:
    command = [os.environ["AFTERCALL_BIN"], "init", *map(str, more), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def pytest_in(folder: Path) -> str:
    """A user's pytest: the package is importable, its plugin is in force, and nothing of this test run is."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables["PYTHONPATH"] = ROOT
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "aftercall.testing.plugin"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_projects_tests_pass(tmp_path: Path) -> None:
    init(tmp_path / "desk")
    assert "5 passed" in pytest_in(tmp_path / "desk")


def test_the_tests_of_a_project_that_was_taken_over_pass(tmp_path: Path) -> None:
    init(tmp_path / "desk", "--from", EXAMPLES / "support-desk")
    assert "3 passed" in pytest_in(tmp_path / "desk")


def test_they_answer_what_the_function_asks_for_and_reach_nobody(tmp_path: Path) -> None:
    source = tmp_path / "adk/functions/end_function.py"
    source.parent.mkdir(parents=True)
    source.write_text(
        "import requests\n"
        "def end_function(conv):\n"
        "    assert conv.utils.get_secret('crm_key') == 'a secret'\n"
        "    assert conv.utils.prompt_llm('x')\n"
        "    conv.api.crm.create(json={})\n"
        "    if conv.state.topic == 'refund':\n"
        "        requests.get('http://127.0.0.1:9/')\n"
    )
    init(tmp_path / "desk", "--from", tmp_path / "adk")
    assert "1 xfailed, 2 xpassed" in pytest_in(tmp_path / "desk")
