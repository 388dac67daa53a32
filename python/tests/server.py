"""A real server for tests: the binary that AFTERCALL_BIN names, started, killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
TIMEOUT_S = 60.0


def binary() -> str:
    """The command under test. `make test-python` builds it and names it."""
    path = os.environ.get("AFTERCALL_BIN")
    if not path:
        pytest.skip("AFTERCALL_BIN names no binary: run `make test-python`")
    return path


def environment() -> dict[str, str]:
    """Without anything of the developer's own that would say where a server is."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AFTERCALL_")}


class Server:
    """One data folder, and at most one server process on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket = self.data / "aftercall.sock"
        # In memory, as it is by default; a folder of this test's own.
        self._children = tempfile.mkdtemp(prefix="aftercall-test-", dir="/dev/shm")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.listen = "127.0.0.1:0"

    def command(self, *arguments: str) -> list[str]:
        return [binary(), *arguments, "--data", str(self.data)]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, env=environment(), timeout=TIMEOUT_S, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def start(self) -> Server:
        settings = {"listen": self.listen, "tmp_root": self._children, "python": sys.executable}
        flags = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        with open(self.folder / "serve.out", "wb") as out, open(self.folder / "serve.log", "ab") as log:
            command = [*self.command("serve", "--json"), *flags]
            self._process = subprocess.Popen(command, stdout=out, stderr=log, env=environment())
        deadline = time.monotonic() + TIMEOUT_S
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "serve.log").read_text()
            assert time.monotonic() < deadline, "the server does not get ready"
            time.sleep(0.02)
        return self

    def _ready(self) -> bool:
        try:
            told: dict[str, Any] = json.loads((self.folder / "serve.out").read_text())
        except ValueError:
            return False
        self.listen = told["listen"][0]  # the same port when it is started again
        self.url = f"http://{self.listen}"
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=TIMEOUT_S) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def key(self) -> str:
        """The first admin key."""
        return (self.data / "first-admin-key").read_text().strip()

    def kill(self) -> None:
        """`kill -9` of that one process; what it started ends with it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(TIMEOUT_S)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(TIMEOUT_S)
        shutil.rmtree(self._children, ignore_errors=True)
