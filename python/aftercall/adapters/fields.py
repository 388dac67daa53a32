"""What both adapters share: the fields that a caller adds, and text in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from aftercall.client.document import ConversationDocument, MetricEvent, moment_text


class Fields(TypedDict, total=False):
    """Fields of the document that the framework's objects do not hold, or hold otherwise. See docs/conversation.md."""

    project: str
    environment: Literal["sandbox", "pre-release", "live"]
    account_id: str
    project_id: str
    channel: str
    direction: Literal["inbound", "outbound"]
    started_at: datetime | str
    ended_at: datetime | str
    ended_reason: str
    caller_number: str | None
    callee_number: str | None
    sip_headers: Mapping[str, str]
    language: str
    timezone: str
    metrics: Sequence[MetricEvent | Mapping[str, Any]]
    state: Mapping[str, Any]
    entities: Mapping[str, Any]
    current_flow: str
    current_step: str
    variant: str
    variants: Mapping[str, Any]
    handoff: Mapping[str, Any]
    recording: str
    memory: Mapping[str, Any]
    integration_attributes: Mapping[str, Any]


def document(id: str, turns: list[dict[str, Any]], found: dict[str, Any], fields: Fields) -> ConversationDocument:
    """The whole: what was found, and over it what the caller says."""
    known = {name: value for name, value in {**found, **fields}.items() if value is not None}
    return {"id": id, **known, "turns": turns}  # type: ignore[typeddict-item]


def moment(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339."""
    return moment_text(datetime.fromtimestamp(seconds, UTC))


#: The roles that models know → those of a conversation. Instructions and tools are nobody's words.
ROLES = {"user": "user", "assistant": "agent"}
