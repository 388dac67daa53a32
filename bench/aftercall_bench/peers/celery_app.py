"""Celery. Safe: acknowledged late, nothing prefetched, a lost job back in the queue after a minute."""

from __future__ import annotations

from celery import Celery

from aftercall_bench.peers.job import IS_SAFE, URL, run

#: Seconds after which a job that no worker has acknowledged is given out again; must exceed the longest job.
VISIBILITY_TIMEOUT_S = 60

app = Celery("bench", broker=URL, backend=URL)
if IS_SAFE:
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT_S},
        result_backend_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT_S},
    )


@app.task(name="job")
def job(document: str, name: str, handed_in_at: float) -> str:
    """See `run`."""
    return run(document, name, handed_in_at)


def hand_in(document: str, name: str, at: float) -> None:
    """Queues one."""
    job.delay(document, name, at)
