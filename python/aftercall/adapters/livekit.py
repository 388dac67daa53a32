"""LiveKit Agents: an `AgentSession` or its `SessionReport` → a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from aftercall.adapters.fields import ROLES, Fields, document, moment

if TYPE_CHECKING:
    from typing import Unpack

    from aftercall.client.document import ConversationDocument


class LiveKitSession(Protocol):
    """As `livekit.agents.AgentSession`."""

    @property
    def history(self) -> Any:
        """Its `ChatContext`."""


class LiveKitReport(Protocol):
    """As `livekit.agents.voice.report.SessionReport`, which `ctx.make_session_report()` makes."""

    @property
    def chat_history(self) -> Any:
        """Its `ChatContext`."""


def from_livekit(
    source: LiveKitSession | LiveKitReport, *, id: str | None = None, **fields: Unpack[Fields]
) -> ConversationDocument:
    """The conversation of an `AgentSession`, or of the `SessionReport` that `ctx.make_session_report()` gives.

    A report knows the job's id, which becomes the conversation's, when it began and ended, and why. A session alone
    does not know its id: give `id=ctx.job.id`. What was said becomes turns; an interrupted one is marked. Instructions
    and tool calls are left out. `fields` add what LiveKit does not know (`caller_number`, `state`, …) and win over what
    it does. The same object gives the same document each time, so that sending it again is the same run.
    """
    chat = getattr(source, "history", None)
    items = getattr(getattr(source, "chat_history", chat), "items", None)
    if not isinstance(items, list):
        raise TypeError(f"expected an AgentSession or a SessionReport of livekit-agents, not {type(source).__name__}")
    identity = id or getattr(source, "job_id", None)
    if not identity:
        raise ValueError("a session does not know its conversation's id: give id=…, such as id=ctx.job.id")
    found: dict[str, Any] = {"platform": "livekit", "channel": "voice", **_times(source, items), **_end(source)}
    return document(str(identity), list(_turns(items)), found, fields)


def _turns(items: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for item in items:
        role = ROLES.get(str(getattr(item, "role", None)))
        if getattr(item, "type", None) != "message" or role is None:
            continue
        text = item.text_content
        if text is None:  # a model that hears and speaks: what it heard may be written beside the sound
            spoken = [getattr(part, "transcript", None) for part in item.content]
            text = "\n".join(part for part in spoken if part) or None
        if text is not None:
            yield {"role": role, "text": text, **({"interrupted": True} if item.interrupted else {})}


def _times(source: object, items: list[Any]) -> dict[str, str]:
    """From the session's start, else the first item, to the session's end, else the last item."""
    said = [item.created_at for item in items]
    began, made, closed = getattr(source, "started_at", None), getattr(source, "timestamp", None), _closed(source)
    starts = [began] if isinstance(began, float) else said
    ends = [closed.created_at] if closed is not None else [made] if isinstance(made, float) else said
    if not starts or not ends:
        return {}
    return {"started_at": moment(min(starts)), "ended_at": moment(max(*starts, *ends))}


def _closed(source: object) -> Any:
    events = getattr(source, "events", None)
    events = events if isinstance(events, list) else []
    return next((event for event in reversed(events) if getattr(event, "type", None) == "close"), None)


def _end(source: object) -> dict[str, str]:
    closed = _closed(source)
    return {} if closed is None else {"ended_reason": str(closed.reason.value)}
