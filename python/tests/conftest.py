from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from supervisor import Attempt, Zygote

# The machine may be busy with builds: how long an example takes says nothing here.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project: `project("code of end_function.py", **{"functions/x.py": "…"})`."""

    def write(end_function: str, files: dict[str, str] | None = None, entry: str = "functions/end_function.py") -> Path:
        root = tmp_path / "project"
        for name, text in {entry: end_function, **(files or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return root

    return write


@pytest.fixture
def zygote(tmp_path: Path, project: Callable[..., Path]) -> Iterator[Callable[..., Zygote]]:
    """Starts a zygote on a project written from text; ended with the test."""
    started: list[Zygote] = []

    def start(end_function: str, files: dict[str, str] | None = None, **settings: Any) -> Zygote:
        tmp_root = tmp_path / "tmp"
        tmp_root.mkdir(exist_ok=True)
        root = project(end_function, files, settings.get("entry", "functions/end_function.py"))
        settings["entry"] = settings.pop("asked", settings.get("entry", "functions/end_function.py"))
        started.append(Zygote(root, tmp_root, settings.pop("mode", "serve"), **settings))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def run(zygote: Callable[..., Zygote]) -> Callable[..., Attempt]:
    """Runs one conversation through a project written from text."""

    def one(end_function: str, conversation: Any = None, files: dict[str, str] | None = None, **more: Any) -> Attempt:
        settings = {key: more.pop(key) for key in ("mode", "entry", "fork", "limits_") if key in more}
        process = zygote(end_function, files, **settings)
        assert "ready" in process.answer, process.answer
        return process.run(conversation, **more)

    return one
