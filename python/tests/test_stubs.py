"""The type stubs say what the runtime has, and what users write against them is checked strictly."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from supervisor import ROOT

import aftercall._names.gen as gen
from aftercall._names import plog

REPOSITORY = Path(ROOT).parent
STUBS = REPOSITORY / "crates/cli/stubs"
GENERATE = Path(ROOT) / "stubs/generate.py"

#: Mistakes that a type checker has to find, each with the words of mypy that name it.
MISTAKES = {
    "conv.caller_nunber": 'has no attribute "caller_nunber"',
    "conv.write_metric('A', 1, True)": "Too many positional arguments",
    "conv.send_sms('+1', '+2')": 'Missing positional argument "content"',
    "conv.caller_number.lower()": 'Item "None"',
    "conv.memory.keys()": 'has no attribute "keys"',
    "conv.set_csat_score('5')": "incompatible type",
    "plog.critical('x')": 'has no attribute "critical"',
    "EmotionKind.JOY": 'has no attribute "JOY"',
}


def mypy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    """A copy of the typed example, with the stubs that the command writes into it."""
    folder = tmp_path / "typed"
    shutil.copytree(REPOSITORY / "examples/typed", folder)
    # Of the ADK's own stubs nothing is taken.
    (folder / "_gen").mkdir()
    (folder / "_gen/__init__.py").write_text("class Conversation: ...\n")
    subprocess.run([os.environ["AFTERCALL_BIN"], "stubs", folder], check=True, capture_output=True, timeout=60)
    return folder


def test_the_stubs_are_what_the_runtime_says() -> None:
    done = subprocess.run(
        [sys.executable, GENERATE, "--check"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_of_the_runtime_is_noticed(tmp_path: Path) -> None:
    copy = tmp_path / "python"
    for name in ("aftercall/_names", "aftercall/conv", "stubs"):
        shutil.copytree(Path(ROOT) / name, copy / name)
    shutil.copy(Path(ROOT) / "pyproject.toml", copy)
    shutil.copytree(STUBS, tmp_path / "crates/cli/stubs")
    source = copy / "aftercall/conv/conversation.py"
    text = source.read_text()
    assert text.count('def send_email(self, to: str, body: str, subject: str = "")') == 1
    source.write_text(text.replace("to: str, body: str, subject", "to: str, text: str, subject"))
    command = [sys.executable, copy / "stubs/generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (1, "_gen/conversation.pyi"), done.stderr


def test_every_public_member_of_every_class_has_a_stub() -> None:
    """Independently of how the stubs are made: what Python shows of the classes is in their text."""
    texts = {path.stem: path.read_text() for path in (STUBS / "_gen").glob("*.pyi")}
    for name in gen.__all__:
        value = getattr(gen, name)
        if not isinstance(value, type) or value.__module__ == "builtins":
            continue
        for kind in value.__mro__:
            if not kind.__module__.startswith("aftercall.conv"):
                continue
            text = texts[kind.__module__.rpartition(".")[2]]
            assert f"class {kind.__name__}" in text
            hidden = ("clear", "pop", "popitem", "setdefault", "update")  # that refuse
            for member, held in vars(kind).items():
                if not member.startswith("_") and member not in hidden and callable(held):
                    assert f"def {member}(" in text or f"{member} = " in text, (kind, member)
    for name, function in inspect.getmembers(plog, inspect.isfunction):
        if function.__module__ == plog.__name__ and not name.startswith("_"):
            assert re.search(rf"\bdef {name}\(|^{name} = ", (STUBS / "plog.pyi").read_text(), re.M)


def test_the_typed_example_is_strictly_typed(typed: Path) -> None:
    done = mypy(typed)
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr


def test_it_uses_half_of_what_a_conversation_has() -> None:
    text = "".join(path.read_text() for path in (REPOSITORY / "examples/typed/functions").glob("*.py"))
    after = [name for name in dir(gen.Conversation) if not name.startswith("_")]
    during = {name for name in after if (getattr(gen.Conversation, name).__doc__ or "").startswith("Only during")}
    useful = [name for name in after if name not in during] + ["env", "run"]
    used = [name for name in useful if re.search(rf"\bconv\.{name}\b", text)]
    assert len(used) * 2 >= len(useful), (len(used), len(useful), sorted(set(useful) - set(used)))


def test_mistakes_are_found(typed: Path) -> None:
    head = ["from _gen import *", "import plog", "def end_function(conv: Conversation) -> None:"]
    (typed / "functions/wrong.py").write_text("\n".join([*head, *(f"    {line}" for line in MISTAKES)]) + "\n")
    said = [line for line in mypy(typed, "functions/wrong.py").stdout.splitlines() if ": error: " in line]
    assert len(said) == len(MISTAKES), said
    for line, words in zip(said, MISTAKES.values(), strict=True):
        assert words in line


def test_a_new_project_is_strictly_typed(tmp_path: Path) -> None:
    command = [os.environ["AFTERCALL_BIN"], "init", tmp_path / "desk"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    done = mypy(tmp_path / "desk")
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr
