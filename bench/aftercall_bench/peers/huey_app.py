"""Huey. It has no setting that brings back a job whose worker was killed; safe means a Redis that syncs every write."""

from __future__ import annotations

from huey import RedisHuey

from aftercall_bench.peers.job import URL, run

huey = RedisHuey("bench", url=URL)


@huey.task()
def job(document: str, name: str, handed_in_at: float) -> str:
    """See `run`."""
    return run(document, name, handed_in_at)


def hand_in(document: str, name: str, at: float) -> None:
    """Queues one."""
    job(document, name, at)
