"""A supervisor small enough for tests: starts a zygote and speaks docs/protocol.md with it and its children.

With `AFTERCALL_PRELOAD` set to a library the zygote forks through it, unconfined; else in plain Python.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aftercall._runtime import cbor

ROOT = Path(__file__).resolve().parents[1]
PRELOAD = os.environ.get("AFTERCALL_PRELOAD")
ZYGOTE = ROOT / "aftercall" / "_runtime" / "zygote.py"
TIMEOUT_S = 20.0
#: As the supervisor sends them.
DEFAULTS_PACKET = 64 * 1024

START, EFFECT, ANSWER, CHUNK, LANE, LOG, RESULT, CLOSE, DROPPED = 1, 2, 3, 4, 6, 7, 8, 9, 10


@dataclass
class Attempt:
    """All that a child said, and how it ended."""

    logs: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0
    effects: list[dict[str, Any]] = field(default_factory=list)
    lanes: list[tuple[str, str, bool]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    result: dict[int, Any] | None = None
    status: int | None = None
    output: str = ""
    usage: dict[str, int] = field(default_factory=dict)

    def _json(self, key: int) -> Any:
        assert self.result is not None, f"no result: status {self.status}, output {self.output!r}"
        return json.loads(self.result[key]) if self.result.get(key) is not None else None

    @property
    def outcome(self) -> str:
        assert self.result is not None, f"no result: status {self.status}, output {self.output!r}"
        return str(self.result[0])

    @property
    def state(self) -> Any:
        return self._json(1)

    @property
    def metrics(self) -> Any:
        return self._json(2)

    @property
    def actions(self) -> Any:
        return self._json(3)

    @property
    def error(self) -> Any:
        return self._json(4)

    @property
    def texts(self) -> list[str]:
        return [entry["content"] for entry in self.logs]


class Zygote:
    """One zygote process."""

    def __init__(self, project: Path | None, tmp_root: Path, mode: str = "serve", **settings: Any) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        output_read, output_write = os.pipe()
        self.output = output_read
        python = settings.pop("python", sys.executable)
        # The descriptor must be 3 over there: bash moves it there.
        fd = os.dup2(theirs.fileno(), 200, inheritable=True)
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{fd} {fd}<&-', "sh", python, "-s", "-P", str(ZYGOTE)],
            stdin=subprocess.DEVNULL,
            stdout=output_write,
            stderr=output_write,
            env={"PYTHONDONTWRITEBYTECODE": "1", **settings.pop("env", {})},
            pass_fds=[fd],
        )
        os.close(fd)
        os.close(output_write)
        theirs.close()
        self.tokens = 0
        self.fork = settings.pop("fork", "_fork" if PRELOAD else "fork")
        settle = settings.pop("settle", False)
        said = settings.pop("defaults", None)
        defaults = json.dumps(said).encode() if said else b""
        configure = {
            "version": 1,
            "runtime": str(ROOT),
            "preload": PRELOAD,
            "project": str(project) if project else None,
            "entry": "functions/end_function.py",
            "mode": mode,
            "virtualenv": None,
            "confine": False,
            "base_filter": "",
            "child_filter": "",
            "child_read": [],
            "tmp_root": str(tmp_root),
            "limits": {"cpu_s": 60, "address_space": 0, "file_size": 0, "open_files": 256},
            "defaults": len(defaults),
            **settings,
        }
        ours.send(json.dumps(configure).encode())
        for at in range(0, len(defaults), DEFAULTS_PACKET):
            ours.send(defaults[at : at + DEFAULTS_PACKET])
        self.answer = self._receive_json()
        if "ready" in self.answer:
            ours.send(json.dumps({"go": {"fork": self.fork, "settle": settle}}).encode())

    def _receive_json(self) -> dict[str, Any]:
        ready, _, _ = select.select([self.control], [], [], TIMEOUT_S)
        assert ready, "the zygote does not answer"
        data = self.control.recv(1 << 20)
        assert data, f"the zygote ended: {self.zygote_output()}"
        answer: dict[str, Any] = json.loads(data)
        return answer

    def zygote_output(self) -> str:
        os.set_blocking(self.output, False)
        try:
            return os.read(self.output, 65536).decode()
        except BlockingIOError:
            return ""

    def start(self, conversation: Any = None, **more: Any) -> Running:
        """Forks a child for `conversation` (a dict, or bytes as they are)."""
        self.tokens += 1
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        output_read, output_write = os.pipe()
        packet = b"F" + struct.pack("=Q", self.tokens) + f"{self.process.pid}-{self.tokens}".encode()
        fds = array.array("i", [theirs.fileno(), output_write])
        self.control.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes())])
        theirs.close()
        os.close(output_write)
        given = {"id": "c-1"} if conversation is None else conversation
        return Running(self, channel, output_read, given, more)

    def run(self, conversation: Any = None, **more: Any) -> Attempt:
        """One whole attempt."""
        return self.start(conversation, **more).finish()

    def packet(self) -> tuple[bytes, list[int]]:
        ready, _, _ = select.select([self.control], [], [], TIMEOUT_S)
        assert ready, "no packet from the zygote"
        data, ancillary, _flags, _ = self.control.recvmsg(65536, socket.CMSG_SPACE(8))
        fds = array.array("i")
        for _level, _kind, content in ancillary:
            fds.frombytes(content)
        return data, list(fds)

    def close(self) -> None:
        if self.control.fileno() == -1:
            return
        self.control.close()
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            os.close(self.output)

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class Running:
    """An attempt under way."""

    def __init__(self, zygote: Zygote, channel: socket.socket, output: int, conversation: Any, more: Any) -> None:
        self.zygote = zygote
        self.channel = channel
        self.output = output
        self.attempt = Attempt()
        self.answer = more.pop("answer", None)
        self.peer = more.pop("peer", None)
        self.sending = threading.Lock()
        data, fds = zygote.packet()
        assert data[:1] == b"P", data
        self.pid = struct.unpack("=Qi", data[1:])[1]
        for fd in fds:
            os.close(fd)
        first = more.pop("first", None)
        if first is not None:
            channel.sendall(first)
            return
        raw = conversation if isinstance(conversation, bytes) else json.dumps(conversation).encode()
        start = {
            0: more.pop("version", 1),
            1: "run-1",
            2: 1,
            3: "deployment-1",
            4: more.pop("env", "sandbox"),
            5: raw,
            6: more.pop("seed", bytes(range(32))),
            7: time.time_ns(),
            8: json.dumps({"limits": {}, "grace_s": 10, **more}).encode(),
        }
        self.send(START, start)

    def send(self, kind: int, payload: dict[int, Any]) -> None:
        data = cbor.encode(payload)
        with contextlib.suppress(OSError), self.sending:
            self.channel.sendall(struct.pack(">IB", len(data), kind) + data)

    def finish(self, timeout: float = TIMEOUT_S) -> Attempt:
        """Reads until the child closes its channel, then waits for the report of its exit."""
        deadline = time.monotonic() + timeout
        buffer = b""
        while True:
            ready, _, _ = select.select([self.channel], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"the child did not end; logs so far: {self.attempt.texts}")
            try:
                part = self.channel.recv(1 << 20)
            except ConnectionResetError:
                break
            if not part:
                break
            buffer += part
            while len(buffer) >= 5 and len(buffer) >= 5 + (size := struct.unpack(">I", buffer[:4])[0]):
                kind, payload, buffer = buffer[4], cbor.decode(buffer[5 : 5 + size]), buffer[5 + size :]
                assert isinstance(payload, dict)
                self._frame(kind, payload)
        self.channel.close()
        data, _ = self.zygote.packet() if self.zygote.fork != "none" else (b"", [])
        if data:
            assert data[:1] == b"X", data
            _, status, user, system, rss, faults = struct.unpack("=QiQQQQ", data[1:])
            self.attempt.status = status
            self.attempt.usage = {"user_us": user, "system_us": system, "rss_kib": rss, "faults": faults}
        with os.fdopen(self.output, "rb") as output:
            self.attempt.output = output.read().decode("utf-8", "replace")
        return self.attempt

    def _frame(self, kind: int, payload: dict[int, Any]) -> None:
        assert self.attempt.result is None, "a frame after the result"
        if kind == LOG:
            names = {0: "level", 1: "content", 2: "is_pii", 3: "time", 4: "logger"}
            entry = {name: payload[key] for key, name in names.items()}
            entry["fields"] = json.loads(payload[5]) if payload[5] is not None else None
            self.attempt.logs.append(entry)
        elif kind == EFFECT:
            effect = {"number": payload[0], "lane": payload[1], "kind": payload[2], "body": payload[4]}
            effect["lanes_told"] = len(self.attempt.lanes)
            self.attempt.effects.append({**effect, **json.loads(payload[3])})
            if self.peer:
                self.peer.begin(self.attempt.effects[-1], self.send)
                return
            answer = (
                self.answer(self.attempt.effects[-1]) if self.answer else ("refused", "AC0401", "there is no way out")
            )
            if answer is None:
                return
            self.send(ANSWER, {0: payload[0], 1: answer[0], 2: answer[1], 3: answer[2], 4: None, 5: None})
        elif kind == RESULT:
            self.attempt.result = payload
        elif kind == LANE:
            self.attempt.lanes.append((payload[0], payload[1], payload[2]))
        elif kind == CLOSE:
            self.attempt.closed.append(payload[0])
        elif kind == DROPPED:
            self.attempt.dropped += payload[0]
        else:
            raise AssertionError(f"unexpected frame {kind}")
