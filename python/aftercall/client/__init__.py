"""Handing finished conversations to a server: `Client`, `AsyncClient`, and the errors that they raise.

Needs nothing but the standard library.
"""

from __future__ import annotations

from aftercall.client.answers import Accepted, Metric, Run
from aftercall.client.asynchronous import AsyncClient
from aftercall.client.blocking import Client
from aftercall.client.document import ConversationDocument, MetricEvent, Turn, wire_document
from aftercall.client.errors import (
    AftercallError,
    ConversationConflict,
    Difference,
    FieldError,
    InvalidConversation,
    NotAllowed,
    NotFound,
    Problem,
    ServerBusy,
    ServerUnreachable,
    UnexpectedAnswer,
    UnwritableConversation,
)
from aftercall.client.retry import Retry

__all__ = [
    "Accepted",
    "AftercallError",
    "AsyncClient",
    "Client",
    "ConversationConflict",
    "ConversationDocument",
    "Difference",
    "FieldError",
    "InvalidConversation",
    "Metric",
    "MetricEvent",
    "NotAllowed",
    "NotFound",
    "Problem",
    "Retry",
    "Run",
    "ServerBusy",
    "ServerUnreachable",
    "Turn",
    "UnexpectedAnswer",
    "UnwritableConversation",
    "wire_document",
]
