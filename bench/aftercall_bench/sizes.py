"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of one round, but for `rounds`."""

    rounds: int
    #: Rounds of what takes long and varies little: an interpreter per run, peers.
    slow_rounds: int
    #: Runs of a loop or of a server that has forked processes.
    runs: int
    #: Runs that write to a back end.
    writing_runs: int
    #: Calls of a warm worker.
    worker_calls: int
    #: Runs where each starts an interpreter, some 200 ms, or imports its project.
    cold_runs: int
    #: Seconds of arrivals at half load.
    half_load_s: float
    #: Conversations handed in over 64 connections.
    accepted: int
    #: Children that block at once.
    blocked: int
    #: Jobs that a peer is given.
    peer_jobs: int
    #: Seconds after a restart in which jobs that a kill left may still be done.
    loss_wait_s: float


FULL = Sizes(
    rounds=5,
    slow_rounds=3,
    runs=4_000,
    writing_runs=1_500,
    worker_calls=20_000,
    cold_runs=60,
    half_load_s=10,
    accepted=40_000,
    blocked=400,
    peer_jobs=1_000,
    loss_wait_s=60,
)
QUICK = Sizes(
    rounds=2,
    slow_rounds=1,
    runs=300,
    writing_runs=150,
    worker_calls=2_000,
    cold_runs=6,
    half_load_s=1,
    accepted=4_000,
    blocked=30,
    peer_jobs=150,
    loss_wait_s=10,
)
