"""The peers, each with a Redis of its own: throughput, latency at half of it, and what a kill leaves."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from aftercall_bench import processes
from aftercall_bench.figures import Figures, quantile
from aftercall_bench.ours import KILLED_PAUSE_S, KILLED_RUNS
from aftercall_bench.peers.done import DONE, PROJECT, REDIS, SAFE, Done
from aftercall_bench.rounds import Contestant
from aftercall_bench.server import CLOSE_LOOK_S, until
from aftercall_bench.sizes import Sizes
from aftercall_bench.workload import LEAN, conversation

BENCH = Path(__file__).resolve().parents[2]
CORES = os.cpu_count() or 1
WARMING = 20
#: A slow peer is given fewer jobs, so that a round ends: seconds that its throughput may take.
ROUND_S = 15


@dataclass(frozen=True)
class Peer:
    """One peer in one setting: its module here, and the workers for all cores. `BIN/` is its environment's."""

    name: str
    module: str
    workers: tuple[tuple[str, ...], ...]
    #: With the settings that lose least, and a Redis that syncs every write.
    safe: bool = False


_APPS = "aftercall_bench.peers"
_CELERY = (("BIN/celery", "-A", f"{_APPS}.celery_app", "worker", "--concurrency", str(CORES)),)
_RQ = (("BIN/rq", "worker", "bench", "--url", "URL"),) * CORES
_RQ_IMPORTED = (("BIN/python", "-m", f"{_APPS}.rq_app"),) * CORES
_DRAMATIQ = (("BIN/dramatiq", f"{_APPS}.dramatiq_app"),)
_HUEY = (("BIN/huey_consumer", f"{_APPS}.huey_app.huey", "-w", str(CORES), "-k", "process"),)

PEERS = (
    Peer("Celery, default", "celery_app", _CELERY),
    Peer("Celery, safe", "celery_app", _CELERY, safe=True),
    Peer("RQ, forking, default", "rq_app", _RQ),
    Peer("RQ, forking, imported before", "rq_app", _RQ_IMPORTED),
    Peer("RQ, forking, safe", "rq_app", _RQ_IMPORTED, safe=True),
    Peer("Dramatiq, default", "dramatiq_app", _DRAMATIQ),
    Peer("Dramatiq, safe", "dramatiq_app", _DRAMATIQ, safe=True),
    Peer("Huey, default", "huey_app", _HUEY),
    Peer("Huey, safe", "huey_app", _HUEY, safe=True),
)


@dataclass
class Bench:
    """A peer at work in a folder of its own."""

    peer: Peer
    python: Path
    folder: Path
    url: str
    redis: int
    processes: list[subprocess.Popen[bytes]]

    @property
    def done_file(self) -> str:
        """Where its jobs say that they are done."""
        return str(self.folder / "done")

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(BENCH),
            REDIS: self.url,
            PROJECT: str(LEAN.write(self.folder)),
            DONE: self.done_file,
            SAFE: "1" if self.peer.safe else "0",
        }

    def start_workers(self) -> None:
        """As their own manuals say, one process or thread of work for each core."""
        with (self.folder / "workers.log").open("ab") as log:
            for command in self.peer.workers:
                arguments = [
                    part.replace("BIN/", f"{self.python.parent}/").replace("URL", self.url) for part in command
                ]
                self.processes.append(
                    subprocess.Popen(arguments, env=self._environment(), cwd=self.folder, stdout=log, stderr=log)
                )

    def kill_workers(self) -> None:
        """All of them at once, as when a machine goes."""
        for process in self.processes:
            process.send_signal(signal.SIGSTOP)  # or it forks while its children are being listed
        members = [one.pid for process in self.processes for one in processes.tree(process.pid)]
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def hand_in(self, prefix: str, count: int, rate: float = 0, pause_s: float = 0) -> subprocess.Popen[bytes]:
        """Starts a producer."""
        document = self.folder / f"conversation-{pause_s}.json"
        document.write_text(conversation(pause_s))
        module = f"aftercall_bench.peers.{self.peer.module}"
        command = [str(self.python), "-m", "aftercall_bench.peers.producer", module, str(document), prefix]
        return subprocess.Popen([*command, str(count), str(rate)], env=self._environment())

    def done(self, prefix: str) -> list[Done]:
        """What is done of what a producer handed in."""
        return [one for one in Done.read(self.done_file) if one.name.startswith(prefix)]

    def wait_for(self, prefix: str, count: int) -> list[Done]:
        """All of it."""

        def look() -> list[Done] | None:
            done = self.done(prefix)
            return done if len(done) >= count else None

        return until(f"{self.peer.name} does {count} jobs ({self.folder}/workers.log)", look)

    def cpu_s(self) -> float:
        """Used so far by workers and Redis."""
        pids = [self.redis, *(process.pid for process in self.processes)]
        return sum(processes.cpu(pid).total_s for pid in pids)

    def all_done(self, prefix: str, count: int, rate: float = 0) -> list[Done]:
        """Hands in and waits."""
        with self.hand_in(prefix, count, rate) as producer:
            done = self.wait_for(prefix, count)
        if producer.returncode != 0:
            raise RuntimeError(f"the producer of {self.peer.name} failed")
        return done


@contextlib.contextmanager
def working(peer: Peer, python: Path, folder: Path) -> Iterator[Bench]:
    """Redis and workers, both new, which have done their first jobs. All end with this block."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    durable = ["--appendonly", "yes", "--appendfsync", "always"] if peer.safe else []
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *durable]
    with ExitStack() as stack:
        redis = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        stack.callback(redis.kill)
        bench = Bench(peer, python, folder, f"redis://127.0.0.1:{port}/0", redis.pid, [])
        stack.callback(bench.kill_workers)
        until("Redis listens", lambda: _listens(port))
        bench.start_workers()
        bench.all_done("warm-", WARMING)
        yield bench


def _listens(port: int) -> bool | None:
    with socket.socket() as one:
        return True if one.connect_ex(("127.0.0.1", port)) == 0 else None


def throughput(bench: Bench, sizes: Sizes) -> dict[str, float]:
    """Jobs a second from the first hand-in to the last end, and the wait for the start at half of that."""
    trial = bench.all_done("trial-", WARMING)
    slowly = len(trial) / (max(one.ended_at for one in trial) - min(one.handed_in_at for one in trial))
    count = max(WARMING, min(sizes.peer_jobs, int(slowly * ROUND_S)))
    before = bench.cpu_s()
    done = bench.all_done("flow-", count)
    used = bench.cpu_s() - before
    rate = count / (max(one.ended_at for one in done) - min(one.handed_in_at for one in done))
    half = bench.all_done("half-", max(WARMING, int(rate / 2 * sizes.half_load_s)), rate / 2)
    waits = [(one.began_at - one.handed_in_at) * 1000 for one in half]
    return {
        "end_to_end_per_s": rate,
        "cpu_ms": used / count * 1000,
        "start_p50_ms": quantile(waits, 0.5),
        "start_p99_ms": quantile(waits, 0.99),
    }


def loss(bench: Bench, sizes: Sizes) -> dict[str, float]:
    """Jobs that a kill of all workers in mid-run leaves undone, and that are done twice."""
    with bench.hand_in("kill-", KILLED_RUNS, pause_s=KILLED_PAUSE_S):

        def half_done() -> bool | None:
            return True if len(bench.done("kill-")) >= KILLED_RUNS // 2 else None

        until("half of the jobs are done", half_done, pause_s=CLOSE_LOOK_S)
        bench.kill_workers()
    began = time.time()
    bench.start_workers()

    def names() -> set[str]:
        return {one.name for one in bench.done("kill-")}

    with contextlib.suppress(TimeoutError):
        until("all jobs are done", lambda: True if len(names()) == KILLED_RUNS else None, sizes.loss_wait_s)
    not_done = KILLED_RUNS - len(names())
    figures: dict[str, float] = {"killed_not_done": not_done}
    if not_done:
        # As long again: some come back only when a time of theirs is up.
        with contextlib.suppress(TimeoutError):
            until("all jobs are done", lambda: True if len(names()) == KILLED_RUNS else None, sizes.loss_wait_s)
    done = bench.done("kill-")
    if len(names()) == KILLED_RUNS:
        figures["killed_all_done_s"] = max(one.ended_at for one in done) - began
    figures["killed_twice"] = len(done) - len(names())
    return figures


def peers(python: Path, folder: Path, sizes: Sizes) -> list[Contestant]:
    """Each peer by default and safe; what a kill leaves is looked at once."""

    def contestants(peer: Peer) -> list[Contestant]:
        row = f"peer {peer.name}"
        place = folder / "peers" / "".join(letter for letter in peer.name if letter.isalpha())

        def measured(_number: int, _figures: Figures) -> dict[str, float]:
            with working(peer, python, place) as bench:
                return throughput(bench, sizes)

        def killed(_number: int, _figures: Figures) -> dict[str, float]:
            with working(peer, python, place) as bench:
                return loss(bench, sizes)

        return [Contestant(row, measured, sizes.slow_rounds), Contestant(row, killed, 1)]

    return [one for peer in PEERS for one in contestants(peer)]
