"""Pipecat: an `LLMContext` → a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from aftercall.adapters.fields import ROLES, Fields, document

if TYPE_CHECKING:
    from typing import Unpack

    from aftercall.client.document import ConversationDocument


class PipecatContext(Protocol):
    """As `pipecat.processors.aggregators.llm_context.LLMContext`."""

    @property
    def messages(self) -> Any:
        """Its messages, in the format of chat completions."""


def from_pipecat(context: PipecatContext, *, id: str, **fields: Unpack[Fields]) -> ConversationDocument:
    """The conversation that an `LLMContext` holds, or a list of messages as its `messages` has them.

    A context does not know its conversation's id, nor when it was: give `id`, and `started_at`, `ended_at` and whatever
    else is known as `fields`. What was said becomes turns. Instructions, tool calls and their results, and messages in
    a model's own format are left out. Sound and pictures are too: only text can be a turn.
    """
    messages = context if isinstance(context, list) else getattr(context, "messages", None)
    if not isinstance(messages, Sequence):
        raise TypeError(f"expected an LLMContext of pipecat, not {type(context).__name__}")
    return document(id, list(_turns(messages)), {"platform": "pipecat", "channel": "voice"}, fields)


def _turns(messages: Iterable[object]) -> Iterable[dict[str, Any]]:
    for message in messages:
        if not isinstance(message, Mapping):
            continue  # an LLMSpecificMessage: a model's own format
        role, text = ROLES.get(str(message.get("role"))), _text(message.get("content"))
        if role is not None and text is not None:
            yield {"role": role, "text": text}


def _text(content: object) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    texts = [part for part in parts if isinstance(part, str)]
    return " ".join(texts) if texts else None
