"""Projects that tests write, and what is found in them: the fixtures of `test_check*.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from supervisor import ROOT

EXAMPLES = Path(ROOT).parent / "examples"
ENTRY = "functions/end_function.py"

Check = Callable[..., list[dict[str, Any]]]


def answer(root: Path, entry: str = ENTRY, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "aftercall._runtime.check", str(root), entry, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(name="write")
def write_fixture(tmp_path: Path) -> Callable[[str, Mapping[str, str]], Path]:
    def write(code: str, files: Mapping[str, str]) -> Path:
        for name, text in {ENTRY: code, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))
        return tmp_path

    return write


@pytest.fixture(name="check")
def check_fixture(write: Callable[[str, Mapping[str, str]], Path]) -> Check:
    """The findings in an end function, with other files of its project."""

    def check(
        code: str, files: Mapping[str, str] | None = None, entry: str = ENTRY, more: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = answer(write(code, files or {}), entry, *more)["findings"]
        for one in found:
            assert (Path(ROOT).parent / "docs/errors" / f"{one['code']}.md").is_file(), one
            assert one["message"] and one["fix"] and one["line"] >= 1, one
        return found

    return check


def short(found: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(one["level"], one["code"], one["line"]) for one in found]


def one_of(check: Check, code: str, **more: Any) -> dict[str, Any]:
    (found,) = check(code, **more)
    return found
