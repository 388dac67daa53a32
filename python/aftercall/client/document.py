"""Conversations as Python values, and as the document that goes to a server."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NotRequired, Required, TypedDict

from aftercall.client.errors import UnwritableConversation
from aftercall.state import StateError, decode_state, encode_state

#: Levels of containers in a document; the server's own limit.
MAX_DEPTH = 64
_TAG = "$type"


class Turn(TypedDict):
    """What one side said. Other keys are kept."""

    role: str
    text: str


class MetricEvent(TypedDict):
    """A metric written during the conversation."""

    name: str
    value: NotRequired[str | int | float | bool | None]


class ConversationDocument(TypedDict, total=False):
    """A finished conversation. docs/conversation.md says field by field what it is; only `id` must be there."""

    id: Required[str]
    #: Whose it is; wins over the client's own.
    project: str | None
    environment: str | None
    account_id: str | None
    project_id: str | None
    platform: str | None
    channel: str | None
    direction: str | None
    started_at: datetime | str | None
    ended_at: datetime | str | None
    ended_reason: str | None
    caller_number: str | None
    callee_number: str | None
    sip_headers: Mapping[str, str] | None
    language: str | None
    timezone: str | None
    turns: Sequence[Turn | Mapping[str, Any]] | None
    metrics: Sequence[MetricEvent | Mapping[str, Any]] | None
    #: Python values, as `conv.state` is to have them.
    state: Mapping[str, Any] | None
    entities: Mapping[str, Any] | None
    current_flow: str | None
    current_step: str | None
    variant: str | None
    variants: Mapping[str, Any] | None
    handoff: Mapping[str, Any] | None
    handoffs: Mapping[str, Any] | None
    sms_templates: Mapping[str, Any] | None
    sms_received: Sequence[Mapping[str, Any]] | None
    recording: str | Mapping[str, Any] | None
    memory: Mapping[str, Any] | None
    context_vault: Mapping[str, Any] | None
    integration_attributes: Mapping[str, Any] | None
    real_time_config: Mapping[str, Any] | None
    translations: Mapping[str, Any] | None
    generic_external_events: Sequence[Mapping[str, Any]] | None
    agentic_dial: Mapping[str, Any] | None
    transcript_alternatives: Sequence[str] | None
    provider_voice_id: str | None
    voice_change: Any


#: What `send` takes: Python values, or a document that is JSON text already.
Sendable = ConversationDocument | Mapping[str, Any] | str | bytes


def document_text(conversation: Sendable) -> bytes:
    """The conversation as JSON in one line.

    Text goes as it is. In a mapping, datetimes become text, ids may be `uuid.UUID`, and `state` is encoded.
    `UnwritableConversation` says what cannot be written, and where.
    """
    if isinstance(conversation, str):
        conversation = _encoded(conversation)
    if isinstance(conversation, bytes):
        # Between the tokens of JSON a line's end is a blank like any other, and within a string it cannot stand.
        return conversation.replace(b"\r", b" ").replace(b"\n", b" ")
    if not isinstance(conversation, Mapping):
        kind = type(conversation).__name__
        raise UnwritableConversation("", f"it is a {kind}", "Give a dict, or JSON as text")
    return json_text(wire_document(conversation))


def json_text(document: dict[str, Any]) -> bytes:
    """A document of plain data as JSON in one line."""
    return _encoded(json.dumps(document, ensure_ascii=False, allow_nan=False))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        reason = f"text has a lone surrogate ({error.object[error.start : error.end]!r})"
        raise UnwritableConversation("", reason, "Only state may hold such text") from error


def wire_document(conversation: Mapping[str, Any]) -> dict[str, Any]:
    """The conversation as plain data, its state in the wire form. A new dict; `conversation` stays as it is."""
    document: dict[str, Any] = {}
    for name, value in conversation.items():
        if name == "state" and isinstance(value, Mapping):
            document["state"] = wire_state(value)
        elif isinstance(name, str):
            document[name] = _plain(value, f"/{name}", 2)
        else:
            raise UnwritableConversation("", f"its key {name!r} is no text", "Fields have names")
    return document


def wire_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state in its wire form. What is in it already, as `encode_state` or a file has it, is not encoded twice."""
    values: Mapping[str, Any] = state
    is_json = _is_json(state, 1)
    if _has_tag(state, 1):
        try:
            values = decode_state(dict(state))
        except StateError:
            is_json = False  # plain data that happens to have such a key, which must not be taken for a tag
    if is_json:
        return dict(state)
    try:
        return encode_state(values)
    except StateError as error:
        raise UnwritableConversation(f"/state{error.path}", error.reason, "Keep what is made of data") from error


def _has_tag(value: object, depth: int) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return _TAG in value or any(_has_tag(item, depth + 1) for item in value.values())
    return isinstance(value, list) and any(_has_tag(item, depth + 1) for item in value)


def _is_json(value: object, depth: int) -> bool:
    """Whether `value` is what `json.loads` gives for a document that a server takes."""
    kind = type(value)
    if kind is str:
        return _is_text(value)
    if kind is float:
        return math.isfinite(value)  # type: ignore[arg-type]
    if depth > MAX_DEPTH:
        return False
    if kind is list:
        return all(_is_json(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    if kind is dict:
        return all(_is_text(key) and _is_json(item, depth + 1) for key, item in value.items())  # type: ignore[attr-defined]
    return value is None or kind is bool or kind is int


def _is_text(value: object) -> bool:
    return type(value) is str and (value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value))


def _plain(value: object, path: str, depth: int) -> Any:
    if value is None or isinstance(value, str | int):  # bool is an int
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnwritableConversation(path, f"JSON has no {value}", "Only state may hold it")
        return value
    if isinstance(value, datetime):
        return moment_text(value, path)
    if isinstance(value, uuid.UUID):
        return str(value)
    if depth > MAX_DEPTH:
        raise UnwritableConversation(path, f"it nests deeper than {MAX_DEPTH} levels", "Flatten it")
    if isinstance(value, Mapping):
        return {_key(name, path): _plain(item, f"{path}/{name}", depth + 1) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, f"{path}/{index}", depth + 1) for index, item in enumerate(value)]
    raise UnwritableConversation(
        path, f"JSON has no {type(value).__qualname__}", "Put it into state, or write it as text"
    )


def _key(name: object, path: str) -> str:
    if isinstance(name, str):
        return name
    raise UnwritableConversation(path, f"its key {name!r} is no text", "Only state may hold such keys")


def moment_text(moment: datetime, path: str = "") -> str:
    """RFC 3339. `UnwritableConversation` for a naive datetime: nobody could tell when it was."""
    offset = moment.utcoffset()
    if offset is None:
        raise UnwritableConversation(
            path, f"{moment!r} has no time zone", "Use an aware datetime, such as datetime.now(timezone.utc)"
        )
    if offset % timedelta(minutes=1):  # RFC 3339 has no seconds there; local mean times have
        moment = moment.astimezone(UTC)
    return moment.isoformat()
