"""The bare loop: the end function in a fresh process per call, and nothing else. No store, no protocol, no confinement.

    python -s -P bare.py '{"project": …, "document": FILE, "conv": "aftercall", "way": "_fork", "runs": 1000}'

`way`: `_fork` (glibc's, without Python's handlers), `fork` (`os.fork`), `none` (a new interpreter per call), `worker`
(no new process: what isolation is measured against). Says `ready`, waits for a line, runs, prints its figures as JSON.
It is made as cheap as such a loop can be: the collector is off before anything is imported and what was imported is
frozen, the code has run before the first fork, and the parent does nothing while a child runs.
"""

from __future__ import annotations

import gc

gc.disable()  # before anything is imported: a collection would write into every page that children share

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: CPython adapts code that has run about ten times; done before the fork, no child does it on a page of its own.
WARMING = 16
PIPE_READ = 1 << 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[bytes], str]


def plain_run(function: Callable[[object], object]) -> Run:
    """With the least of a `conv`."""
    from aftercall_bench import plain

    return lambda document: plain.run(function, document)


def aftercall_run(function: Callable[[object], object]) -> Run:
    """With the `conv` that Aftercall gives."""
    sys.path.append(os.path.join(os.path.dirname(BENCH), "python"))
    from aftercall.conv.conversation import Conversation
    from aftercall.conv.host import Host, current

    class Kept(Host):
        def __init__(self) -> None:
            self.entries: list[dict[str, object]] = []

        def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
            self.entries.append(
                {"level": level, "content": content, "is_pii": is_pii, "logger": logger, "fields": fields}
            )

    def run(raw: bytes) -> str:
        document = json.loads(raw)
        current.host = host = Kept()
        conv = Conversation(document, document["state"])
        function(conv)
        return json.dumps({"state": conv.state, "metrics": conv.metrics_queue, "logs": host.entries})

    return run


def forked(run: Run, document: bytes, fork: Callable[[], int]) -> None:
    """One call in a child; its answer comes back through a pipe."""
    reading, writing = os.pipe()
    pid = fork()
    if pid == 0:
        status = 1
        try:
            os.write(writing, run(document).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    parts = []
    while part := os.read(reading, PIPE_READ):
        parts.append(part)
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    json_is_whole(b"".join(parts), status)


def spawned(settings: dict[str, object]) -> None:
    """One call in an interpreter of its own."""
    reading, writing = os.pipe()
    argument = json.dumps({**settings, "way": "once"})
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-s", "-P", os.path.abspath(__file__), argument],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
    )
    os.close(writing)
    parts = []
    while part := os.read(reading, PIPE_READ):
        parts.append(part)
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    json_is_whole(b"".join(parts), status)


def json_is_whole(answer: bytes, status: int) -> None:
    """A loop that lost its answers would be a fast one."""
    if status != 0 or not answer.startswith(b'{"state"') or not answer.rstrip().endswith(b"}"):
        raise SystemExit(f"a child ended with status {status} and answered {answer[:200]!r}")


def raw_fork() -> Callable[[], int]:
    """glibc's `_Fork`."""
    import ctypes

    function: Callable[[], int] = ctypes.PyDLL(None)._Fork
    return function


def main() -> None:
    """See the module."""
    settings = json.loads(sys.argv[1])
    sys.path.append(BENCH)
    from aftercall_bench import plain

    function = plain.load_function(settings["project"])
    with open(settings["document"], "rb") as file:
        document = file.read()
    run = (aftercall_run if settings["conv"] == "aftercall" else plain_run)(function)
    way = settings["way"]
    if way == "once":
        os.write(1, run(document).encode())
        os._exit(0)
    for _ in range(WARMING):
        run(document)
    if way == "worker":
        gc.enable()  # it lives long
        call: Callable[[], object] = lambda: run(document)  # noqa: E731
    elif way == "none":
        call = lambda: spawned(settings)  # noqa: E731
    else:
        fork = raw_fork() if way == "_fork" else os.fork
        call = lambda: forked(run, document, fork)  # noqa: E731
    gc.freeze()
    print("ready", flush=True)
    sys.stdin.readline()
    waits = [0.0] * settings["runs"]
    began = time.monotonic()
    cpu_before = os.times()
    for number in range(settings["runs"]):
        asked = time.monotonic()
        call()
        waits[number] = (time.monotonic() - asked) * 1000
    cpu = os.times()
    own = cpu.user + cpu.system - cpu_before.user - cpu_before.system
    children = cpu.children_user + cpu.children_system - cpu_before.children_user - cpu_before.children_system
    print(
        json.dumps(
            {"began": began, "ended": time.monotonic(), "cpu_own_s": own, "cpu_children_s": children, "waits": waits}
        )
    )


if __name__ == "__main__":
    main()
