"""A real server: started, given projects, asked over its socket, ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

#: Only a fault takes this long.
PATIENCE_S = 120.0
#: Between two looks at a server that works: seldom, for looking costs it time.
LOOK_S = 0.1
#: Between two looks where the moment itself is measured.
CLOSE_LOOK_S = 0.002
#: Runs that one page of a list holds.
PAGE = 1000


@dataclass(frozen=True)
class Tools:
    """The programs that are measured and that measure."""

    binary: Path
    load: Path
    #: The back end of functions that have one.
    receiver: Path
    #: The interpreter that runs the projects.
    python: Path
    #: Data folders are made below it: the disk that is measured.
    folder: Path


class _Socket(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self._path)


def until(what: str, look: Callable[[], T | None], patience_s: float = PATIENCE_S, pause_s: float = LOOK_S) -> T:
    """What `look` gives once it gives something. `TimeoutError` says what was waited for."""
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"gave up after {patience_s:.0f} s: {what}")
        time.sleep(pause_s)


class Server:
    """One data folder, and the process that serves it. `settings` are those of `aftercall config show`."""

    def __init__(self, tools: Tools, data: Path, **settings: object) -> None:
        self.tools = tools
        self.data = data
        self.spawned_at = 0.0
        self.address = ""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: _Socket | None = None
        self._key = ""

    @property
    def pid(self) -> int:
        """Of the server itself."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> None:
        """Returns once it serves."""
        command: list[str | Path] = [
            self.tools.binary,
            "serve",
            "--data",
            self.data,
            "--python",
            self.tools.python,
            "--json",
        ]
        for name, value in {"listen": "127.0.0.1:0", "log": "warn", **self._settings}.items():
            command += ["--set", f"{name}={value}"]
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            self.spawned_at = time.time()
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError(f"the server ended before it served; {log.name} says why")
        self.address = json.loads(told)["listen"][0]
        self._connection = _Socket(self.data / "aftercall.sock")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it and waits for that; nothing happens if it was not started."""
        if self._connection is not None:
            self._connection.close()
        if self._process is None:
            return
        with self._process as process:
            process.send_signal(how)
            process.wait(PATIENCE_S)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON. `RuntimeError` with what the server says if it refuses."""
        assert self._connection is not None, "the server was not started"
        headers = {"content-type": "application/json"} if body is not None else {}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def command(self, *arguments: str) -> Any:
        """Runs `aftercall …` as a user does; its JSON answer."""
        command: list[str | Path] = [self.tools.binary, *arguments, "--data", self.data, "--json"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"aftercall {' '.join(arguments)}: {done.stderr.decode()}")
        return json.loads(done.stdout)

    def deploy(self, project: Path, name: str) -> dict[str, Any]:
        """Its facts: `id`, `fork_way`, …"""
        facts: dict[str, Any] = self.command("deploy", str(project), "--project", name)["deployment"]
        return facts

    def promote(self, deployment: str, name: str, environment: str) -> None:
        """Makes it active there; runs that were held are due from then on."""
        body = {"project": name, "deployment": deployment, "environment": environment}
        self.request("POST", "/v1/activations", body)

    def send(
        self, project: str, environment: str, document: Path, prefix: str, count: int, *way: str
    ) -> dict[str, Any]:
        """Hands conversations in over TCP, with a key; what the load generator tells. All must be taken."""
        if not self._key:
            self._key = self.command("keys", "create", "bench", "--env", "sandbox", "--env", "live")["secret"]
        command: list[str | Path] = [
            self.tools.load, "--address", self.address, "--document", document, "--prefix", prefix,
            "--count", str(count), "--path", f"/v1/conversations?project={project}&environment={environment}", *way,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "AFTERCALL_KEY": self._key})
        if done.returncode != 0:
            raise RuntimeError(f"the load generator: {done.stderr.decode()}")
        told: dict[str, Any] = json.loads(done.stdout)
        if told["statuses"] != {"202": count}:
            raise RuntimeError(f"of {count} conversations were answered, by status: {told['statuses']}")
        return told

    def status(self) -> dict[str, Any]:
        """How it is."""
        answer: dict[str, Any] = self.request("GET", "/v1/status")
        return answer

    def commits(self) -> int:
        """Of its store, since it was started."""
        return int(self.status()["store"]["commits"])

    def drain(self, patience_s: float = PATIENCE_S, beside: int = 0) -> None:
        """Waits until no run is left that is not over, but for so many."""
        until("no run is left", lambda: True if self.status()["queue"]["unfinished"] == beside else None, patience_s)

    def succeeded(self, project: str, environment: str, count: int, beside: int = 0) -> list[dict[str, Any]]:
        """The runs of a project in an environment, once all are over but for so many. Each must have succeeded, else an
        error."""
        self.drain(beside=beside)
        runs = list(self.runs(project, environment))
        words = {run["status"] for run in runs}
        if len(runs) != count or words != {"succeeded"}:
            raise RuntimeError(f"{count} runs of {project} should have succeeded; there are {len(runs)}: {words}")
        return runs

    def runs(self, project: str, environment: str) -> Iterator[dict[str, Any]]:
        """All of them, newest first."""
        path = f"/v1/runs?project={project}&environment={environment}&limit={PAGE}"
        after = ""
        while True:
            page = self.request("GET", path + after)
            yield from page["runs"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    def run(self, run_id: str) -> dict[str, Any]:
        """Everything about one."""
        answer: dict[str, Any] = self.request("GET", f"/v1/runs/{run_id}")
        return answer


@contextlib.contextmanager
def serving(tools: Tools, name: str, **settings: object) -> Iterator[Server]:
    """A server on a new data folder, which ends with this block."""
    server = Server(tools, tools.folder / name, **settings)
    try:
        server.start()
        yield server
    finally:
        server.end(signal.SIGKILL)


def seconds(moment: str) -> float:
    """Of a time that the server has recorded, since the epoch."""
    return datetime.fromisoformat(moment).timestamp()
