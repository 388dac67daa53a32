"""Aftercall end to end: a real server, a real deployment, real HTTP, everything durable and confined as by default."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from aftercall_bench import processes
from aftercall_bench.backend import Backend
from aftercall_bench.figures import quantile
from aftercall_bench.server import CLOSE_LOOK_S, Server, Tools, seconds, serving, until
from aftercall_bench.sizes import Sizes
from aftercall_bench.workload import LEAN, REPLAYED, REPLAYED_EFFECTS, WAITING, Case, conversation

PROJECT = "bench"
#: Conversations of it run as they come; those of `HELD` wait until a deployment is promoted there.
ACTIVE, HELD = "sandbox", "live"
CONNECTIONS = 64
#: Runs before anything is measured.
WARMING = 50
#: Runs that are looked at one by one for their latency, at most.
LOOKED_AT = 2_000
#: How long a child blocks whose memory is looked at, seconds: longer than looking takes.
BLOCKED_S = 300
#: Children that have used no CPU for so long all wait inside the function, seconds.
SETTLED_S = 0.5
#: What each of the runs takes that a kill meets, seconds, and how many there are.
KILLED_PAUSE_S, KILLED_RUNS = 0.05, 200
#: Runs that a host keeps waiting while others are measured.
HANGING_RUNS = 64
#: Runs whose requests are given back to them.
REPLAYED_RUNS = 10
KIB_IN_4_GB = 4 * 1024 * 1024


@dataclass(frozen=True)
class Ours:
    """What it takes to measure one project on a server of its own."""

    tools: Tools
    projects: Path
    sizes: Sizes
    #: Where its functions write to, if they do.
    backend: Backend | None = None

    def document(self, pause_s: float = 0) -> Path:
        """The conversation as a file."""
        crm = self.backend.url if self.backend else ""
        path = self.projects / f"conversation-{pause_s}{'-crm' if crm else ''}.json"
        path.write_text(conversation(pause_s, crm))
        return path

    def settings(self) -> dict[str, object]:
        """What the server must be told to reach the back end."""
        if self.backend is None:
            return {}
        return {"gateway.allow": "127.0.0.0/8", "gateway.ca_files": self.backend.certificate}

    def throughput(self, case: Case, name: str, runs: int) -> tuple[dict[str, float], str]:
        """Runs a second while a backlog drains and from first to last with the acceptance, and latency at half of it.

        Beside the figures: how the server forked.
        """
        with serving(self.tools, name, **self.settings()) as server:
            deployment = server.deploy(case.write(self.projects), PROJECT)
            warming = min(WARMING, runs)
            server.send(PROJECT, ACTIVE, self.document(), "warm-", warming, "batch")
            server.succeeded(PROJECT, ACTIVE, warming)
            figures = self._drain(server, str(deployment["id"]), runs)
            figures |= self._from_first_to_last(server, runs, warming)
            figures |= self._half_load(server, figures["runs_per_s"] / 2, runs + warming)
            return figures, str(deployment["fork_way"])

    def _drain(self, server: Server, deployment: str, runs: int) -> dict[str, float]:
        server.send(PROJECT, HELD, self.document(), "held-", runs, "batch")
        before, written, commits = processes.cpu(server.pid), processes.written_kib(server.pid), server.commits()
        began = time.time()
        server.promote(deployment, PROJECT, HELD)
        done = server.succeeded(PROJECT, HELD, runs)
        used = processes.cpu(server.pid).since(before)
        took = max(seconds(run["changed_at"]) for run in done) - began
        return {
            "runs_per_s": runs / took,
            "cpu_ms": used.total_s / runs * 1000,
            "cpu_child_ms": used.reaped_s / runs * 1000,
            "cpu_zygote_ms": used.living_s / runs * 1000,
            "cpu_supervisor_ms": used.root_s / runs * 1000,
            "written_kib": (processes.written_kib(server.pid) - written) / runs,
            "commits": (server.commits() - commits) / runs,
        }

    def _from_first_to_last(self, server: Server, runs: int, there: int) -> dict[str, float]:
        told = server.send(PROJECT, ACTIVE, self.document(), "flow-", runs, "batch")
        done = server.succeeded(PROJECT, ACTIVE, runs + there)
        done = [run for run in done if run["external_id"].startswith("flow-")]
        began = min(seconds(run["accepted_at"]) for run in done)
        ended = max(seconds(run["changed_at"]) for run in done)
        return {"end_to_end_per_s": runs / (ended - began), "load_cpu_ms": told["cpu_s"] / runs * 1000}

    def _half_load(self, server: Server, rate: float, there: int, beside: int = 0) -> dict[str, float]:
        count = max(1, int(rate * self.sizes.half_load_s))
        open_arrivals = ("open", "--rate", str(rate), "--connections", str(CONNECTIONS))
        told = server.send(PROJECT, ACTIVE, self.document(), "half-", count, *open_arrivals)
        done = server.succeeded(PROJECT, ACTIVE, there + count, beside)
        done = [run for run in done if run["external_id"].startswith("half-")]
        waits = []
        for run in done[:: max(1, len(done) // LOOKED_AT)]:
            detail = server.run(run["run_id"])
            started = detail["attempts"][0]["started_at"]
            waits.append((seconds(started) - seconds(detail["run"]["accepted_at"])) * 1000)
        return {
            "half_load_per_s": rate,
            "start_p50_ms": quantile(waits, 0.5),
            "start_p99_ms": quantile(waits, 0.99),
            "half_accept_p50_ms": told["p50_ms"],
            "half_accept_p99_ms": told["p99_ms"],
        }

    def beside_a_hanging_host(self, name: str) -> dict[str, float]:
        """Latency of a project's runs while those of another wait for a host that never answers."""
        with serving(self.tools, name, **self.settings()) as server:
            deployment = server.deploy(LEAN.write(self.projects), PROJECT)
            server.deploy(WAITING.write(self.projects), WAITING.name)
            server.send(PROJECT, ACTIVE, self.document(), "warm-", WARMING, "batch")
            server.succeeded(PROJECT, ACTIVE, WARMING)
            rate = self._drain(server, str(deployment["id"]), self.sizes.runs)["runs_per_s"] / 2
            server.send(WAITING.name, ACTIVE, self.document(), "hang-", HANGING_RUNS, "batch")
            until(
                f"{HANGING_RUNS} runs wait for the host",
                lambda: True if server.status()["runner"]["running"] == HANGING_RUNS else None,
            )
            return self._half_load(server, rate, WARMING, HANGING_RUNS)

    def replaying(self, name: str) -> dict[str, float]:
        """What a write costs as it is made, one after the other, and as its answer is given back to a retry."""
        with serving(self.tools, name, **self.settings(), **{"backoff.base_s": 0}) as server:
            server.deploy(REPLAYED.write(self.projects), PROJECT)
            server.send(PROJECT, ACTIVE, self.document(), "replay-", REPLAYED_RUNS, "batch")
            runs = server.succeeded(PROJECT, ACTIVE, REPLAYED_RUNS)
            attempts = [server.run(run["run_id"])["attempts"] for run in runs]
        made, given_back = (
            [seconds(each[at]["ended_at"]) - seconds(each[at]["started_at"]) for each in attempts] for at in (0, 1)
        )
        return {
            "effect_ms": statistics.median(made) / REPLAYED_EFFECTS * 1000,
            "replay_ms": statistics.median(given_back) / REPLAYED_EFFECTS * 1000,
        }

    def accepting(self, name: str) -> dict[str, float]:
        """Conversations taken over 64 connections, one a request, while none is run."""
        count = self.sizes.accepted
        with serving(self.tools, name) as server:
            server.deploy(LEAN.write(self.projects), PROJECT)
            server.send(PROJECT, HELD, self.document(), "warm-", WARMING, "batch")
            before = processes.cpu(server.pid)
            told = server.send(
                PROJECT, HELD, self.document(), "held-", count, "closed", "--connections", str(CONNECTIONS)
            )
            used = processes.cpu(server.pid).since(before)
            there = sum(1 for _ in server.runs(PROJECT, HELD))
            if there != count + WARMING:
                raise RuntimeError(f"{count + WARMING} conversations were accepted, {there} runs are there")
        return {
            "accepted_per_s": told["per_second"],
            "accept_p50_ms": told["p50_ms"],
            "accept_p99_ms": told["p99_ms"],
            "accept_max_ms": told["max_ms"],
            "accept_cpu_ms": used.total_s / count * 1000,
            "load_share": told["cpu_s"] / (told["seconds"] * (os.cpu_count() or 1)),
        }

    def blocked(self, case: Case, name: str) -> dict[str, float]:
        """Memory of children that wait inside the function."""
        count = self.sizes.blocked
        with serving(self.tools, name, concurrency=count) as server:
            server.deploy(case.write(self.projects), PROJECT)
            server.send(PROJECT, ACTIVE, self.document(), "warm-", WARMING, "batch")
            server.succeeded(PROJECT, ACTIVE, WARMING)
            before = processes.available_kib()
            server.send(PROJECT, ACTIVE, self.document(BLOCKED_S), "block-", count, "batch")

            children = until(f"{count} children block", lambda: _blocked_children(server, count))
            figures = {"blocked_available_kib": (before - processes.available_kib()) / count}
            try:
                figures["blocked_kib"] = sum(map(processes.private_kib, children)) / count
            except PermissionError:  # children cannot be looked into by their own user, only by root
                figures["blocked_kib"] = figures["blocked_available_kib"]
            figures["blocked_in_4_gb"] = KIB_IN_4_GB / figures["blocked_kib"]
            return figures

    def starting(self, name: str) -> dict[str, float]:
        """From a start of the process to its first run, and what a `kill -9` in mid-run leaves and takes."""
        with serving(self.tools, name) as server:
            server.deploy(LEAN.write(self.projects), PROJECT)
            server.send(PROJECT, ACTIVE, self.document(), "warm-", 1, "batch")
            server.succeeded(PROJECT, ACTIVE, 1)
            server.end()
            server.start()
            ready_ms = (time.time() - server.spawned_at) * 1000
            server.request(
                "POST", f"/v1/conversations?project={PROJECT}&environment={ACTIVE}", {"id": "first", "state": {}}
            )
            runs = server.succeeded(PROJECT, ACTIVE, 2)
            [first] = [run for run in runs if run["external_id"] == "first"]
            started = seconds(server.run(first["run_id"])["attempts"][0]["started_at"])
            figures = {"ready_ms": ready_ms, "first_run_ms": (started - server.spawned_at) * 1000}
            return figures | self._killed(server, there=2)

    def _killed(self, server: Server, there: int) -> dict[str, float]:
        server.send(PROJECT, ACTIVE, self.document(KILLED_PAUSE_S), "kill-", KILLED_RUNS, "batch")

        def half_done() -> bool | None:
            return True if server.status()["queue"]["runs"].get("succeeded", 0) >= there + KILLED_RUNS // 2 else None

        until("half of the runs are done", half_done, pause_s=CLOSE_LOOK_S)
        server.end(signal.SIGKILL)
        server.start()
        with contextlib.suppress(TimeoutError):  # whatever is not over by then is lost
            server.drain(self.sizes.loss_wait_s)
        runs = server.runs(PROJECT, ACTIVE)
        killed = [run for run in runs if run["external_id"].startswith("kill-")]
        again = [server.run(run["run_id"]) for run in killed if run["attempts"] > 1]
        if not again:
            raise RuntimeError("the kill met no run")
        resumed = max(seconds(run["attempts"][1]["started_at"]) for run in again)
        return {
            "killed_lost": KILLED_RUNS - sum(run["status"] == "succeeded" for run in killed),
            "killed_again": len(again),
            "reclaim_ms": (resumed - server.spawned_at) * 1000,
            "killed_done_ms": (max(seconds(run["changed_at"]) for run in killed) - server.spawned_at) * 1000,
        }


def _blocked_children(server: Server, count: int) -> list[int] | None:
    """All of them, once none does anything any more: then each waits inside the function, not on the way there."""
    looks = []
    for _ in range(2):
        zygotes = {zygote["pid"] for zygote in server.status()["runner"]["zygotes"]}
        children = [one for one in processes.tree(server.pid) if one.parent in zygotes and not one.zombie]
        looks.append({one.pid: one.own_s for one in children})
        time.sleep(SETTLED_S)
    return list(looks[0]) if len(looks[0]) == count and looks[0] == looks[1] else None
