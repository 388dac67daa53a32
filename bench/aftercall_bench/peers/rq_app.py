"""RQ, which forks for each job.

As shipped, each fork imports the module; run as a program, this file imports it before the fork.

Safe: jobs are tried again, and dead workers are looked for every ten seconds.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue, Retry, Worker

from aftercall_bench.peers import job
from aftercall_bench.peers.job import IS_SAFE, URL

#: Seconds between two signs of life of a job; RQ takes it for abandoned a minute after the last.
SIGN_OF_LIFE_S = 5
MAINTENANCE_S = 10
TRIES = 3

connection = Redis.from_url(URL)
queue = Queue("bench", connection=connection)


def hand_in(document: str, name: str, at: float) -> None:
    """Queues one."""
    queue.enqueue(job.run, document, name, at, retry=Retry(max=TRIES) if IS_SAFE else None)


if __name__ == "__main__":
    safety = {"job_monitoring_interval": SIGN_OF_LIFE_S, "maintenance_interval": MAINTENANCE_S} if IS_SAFE else {}
    Worker([queue], connection=connection, **safety).work()
