"""What a server answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from aftercall.state import decode_state

#: The words for a run of which nothing more happens by itself.
_OVER = frozenset({"succeeded", "completed_with_failures", "failed", "cancelled"})


class Metric(NamedTuple):
    """A metric that a run wrote."""

    name: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A conversation that is durably the server's."""

    #: The run that stands for it.
    run_id: str
    #: The server's number for it.
    conversation_id: str
    #: Its `id`, as sent.
    external_id: str
    #: Where its run stands: `queued`, `running`, `succeeded` …
    status: str
    #: Whether it was accepted before, just so. Its run is the one of that time.
    known: bool
    #: What the run is held for: `no_active_deployment`, or None.
    hold: str | None
    #: A sentence about the hold.
    detail: str | None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Accepted:
        """From the server's document. KeyError where it is none."""
        return cls(
            document["run_id"],
            document["conversation_id"],
            document["external_id"],
            document["status"],
            bool(document.get("known")),
            document.get("hold"),
            document.get("detail"),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Everything about one run, as it is when it is asked for."""

    id: str
    conversation_id: str
    #: The conversation's `id`, as sent.
    external_id: str
    project: str
    environment: str
    #: `queued`, `running`, `backoff`, `waiting`, `needs_decision`, or how it ended: `succeeded`,
    #: `completed_with_failures`, `failed`, `cancelled`.
    status: str
    accepted_at: datetime
    changed_at: datetime
    #: What happens next, in a sentence.
    next: str
    #: What the attempt that returned wrote, in order.
    metrics: list[Metric]
    #: What it queued, in order: `kind` and more.
    actions: list[dict[str, Any]]
    #: `conv.state` as it left it, typed; None while no attempt has returned. Classes of the project are not known
    #: here: their objects are read-only stand-ins with attribute access.
    state: dict[str, Any] | None
    #: Every attempt, first to last, as the server tells it: `outcome`, `error`, `logs` …
    attempts: list[dict[str, Any]]
    #: All that the server said.
    document: Mapping[str, Any] = field(repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in _OVER

    @property
    def succeeded(self) -> bool:
        """Whether the function returned, and no failure is left."""
        return self.status == "succeeded"

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Run:
        """From the server's document. KeyError where it is none."""
        run = document["run"]
        state = document.get("state_after")
        return cls(
            run["run_id"],
            run["conversation_id"],
            run["external_id"],
            run["project"],
            run["environment"],
            run["status"],
            datetime.fromisoformat(run["accepted_at"]),
            datetime.fromisoformat(run["changed_at"]),
            run["next"]["sentence"],
            [Metric(metric["name"], metric.get("value")) for metric in document["metrics"]],
            document["actions"],
            None if state is None else decode_state(state),
            document["attempts"],
            document,
        )
