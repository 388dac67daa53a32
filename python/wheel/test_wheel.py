"""The wheel as a user gets it, installed into an empty environment. `make test-wheel` builds it and names it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
WHEEL = Path(os.environ["AFTERCALL_WHEEL"])
TIMEOUT_S = 300

sys.path.insert(0, str(REPOSITORY / "python" / "tests"))

from server import Server  # noqa: E402

Do = Callable[..., str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=TIMEOUT_S)
    install = [folder / "bin/pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", WHEEL]
    subprocess.run(install, check=True, timeout=TIMEOUT_S)
    return folder


@pytest.fixture
def do(environment: Path, tmp_path: Path) -> Do:
    """Runs a program of the environment, as if it were activated, in an empty folder."""

    def run(*command: object, status: int = 0) -> str:
        path = f"{environment}/bin:/usr/bin:/bin"
        words = [str(word) for word in command]
        variables = {"PATH": path, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            words, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def test_command_package_and_sources_are_of_one_version(do: Do) -> None:
    told = json.loads(do("aftercall", "version", "--json"))
    code = (
        "import aftercall; from importlib.metadata import version; print(aftercall.__version__, version('aftercall'))"
    )
    installed = do("python", "-c", code).split()
    sources = [
        tomllib.loads((REPOSITORY / "python/pyproject.toml").read_text())["project"]["version"],
        tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"],
    ]
    assert {told["version"], *installed, *sources} == {told["version"]}


@pytest.mark.parametrize("project", ["hello", "support-desk", "every-field"])
def test_the_command_runs_the_examples(do: Do, project: str) -> None:
    conversations = sorted((EXAMPLES / "conversations").glob("*.json"))
    told = do("aftercall", "invoke", EXAMPLES / project, *conversations, "--json")
    assert told.count('"succeeded"') >= len(conversations) > 15, told


def test_a_test_without_pytest_calls_an_end_function(do: Do) -> None:
    code = f"""
from aftercall import testing
with testing.project({str(EXAMPLES / "support-desk")!r}) as desk:
    print(desk.run(testing.conversation(turns=[("user", "Hello")])).raise_for_error().metrics)
"""
    assert "RESOLVED" in do("python", "-c", code)


@pytest.fixture
def server(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("AFTERCALL_BIN", str(environment / "bin/aftercall"))
    one = Server(tmp_path)
    yield one
    one.close()


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.suffix in (".py", ".pyi", ".typed"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_what_the_command_runs_in_children_is_what_is_installed(environment: Path, server: Server) -> None:
    server.start()
    (zygote,) = server.data.rglob("aftercall/_runtime/zygote.py")
    (package,) = environment.glob("lib/python3*/site-packages/aftercall")
    embedded = files(zygote.parent.parent)
    assert len(embedded) > 50 and embedded == files(package)


def test_nothing_but_the_package_is_put_on_the_path() -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        names = wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = wheel.read(metadata).decode()
    tops = {name.partition("/")[0] for name in names}
    package, data, info = sorted(tops)
    assert package == "aftercall" and data.endswith(".data") and info.endswith(".dist-info"), tops
    assert [name for name in names if name.startswith(data)] == [f"{data}/scripts/aftercall"]
    assert "aftercall/py.typed" in names and not any("test_" in name for name in names)
    assert "License-Expression: Apache-2.0" in text and "Requires-Python: >=3.11" in text
    assert any(name.startswith(info) and name.endswith("LICENSE") for name in names)
    assert "Requires-Dist" not in re.sub(r"Requires-Dist: .*; extra == 'dev'\n", "", text)


def test_no_name_of_the_vendors_shadows_another_package(do: Do) -> None:
    for name in ("_gen", "imports", "polyai", "plog", "utils"):
        do("python", "-c", f"import importlib.util as u; assert u.find_spec({name!r}) is None")


def test_pytest_finds_the_plugin(do: Do) -> None:
    code = "from importlib.metadata import entry_points; print(*entry_points(group='pytest11').names)"
    assert do("python", "-c", code) == "aftercall\n"


def test_the_wheel_says_what_system_it_needs() -> None:
    """Built against a library of C that is older than the tag says, it would not start where pip installs it."""
    tag = re.search(r"-py3-none-(manylinux_2_(\d+)|macosx_\d+_\d+)_(\w+)\.whl$", WHEEL.name)
    assert tag, WHEEL.name
    if tag[2] is not None:
        with zipfile.ZipFile(WHEEL) as wheel:
            (command,) = (name for name in wheel.namelist() if name.endswith("scripts/aftercall"))
            asked = re.findall(rb"GLIBC_2\.(\d+)", wheel.read(command))
        assert max(int(version) for version in asked) <= int(tag[2])
