"""Dramatiq. Safe: a worker that is silent for five seconds is dead, and every command looks for such."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from aftercall_bench.peers.job import IS_SAFE, URL, run

HEARTBEAT_TIMEOUT_MS = 5_000
#: Of a million commands, how many look for dead workers.
MAINTENANCE_CHANCE = 1_000_000

safety = {"heartbeat_timeout": HEARTBEAT_TIMEOUT_MS, "maintenance_chance": MAINTENANCE_CHANCE} if IS_SAFE else {}
broker = RedisBroker(url=URL, **safety)
broker.add_middleware(Results(backend=RedisBackend(url=URL)))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def job(document: str, name: str, handed_in_at: float) -> str:
    """See `run`."""
    return run(document, name, handed_in_at)


def hand_in(document: str, name: str, at: float) -> None:
    """Queues one."""
    job.send(document, name, at)
