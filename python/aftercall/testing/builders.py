"""Conversations for tests, in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from aftercall.client.document import ConversationDocument

_FIELDS = frozenset(ConversationDocument.__annotations__)
_ROLES = ("user", "agent")
_VALUES = (str, int, float, bool, type(None))


def conversation(
    id: str = "conversation-1",
    channel: str = "voice",
    state: Mapping[str, Any] | None = None,
    turns: Iterable[tuple[str, str] | Mapping[str, Any]] = (),
    metrics: Mapping[str, Any] | Iterable[tuple[str, Any] | Mapping[str, Any]] = (),
    **fields: Any,
) -> ConversationDocument:
    """A finished conversation, for `run` and for `aftercall.Client().send`.

    `turns` are pairs such as `("user", "Hello")`; `metrics`, what the call wrote before, a dict or pairs; `state` holds
    Python values of any type that state keeps. `fields` are the other fields of docs/conversation.md: `caller_number`,
    `started_at` (a datetime), `variant` … ValueError or TypeError say what no conversation can be.
    """
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        close = get_close_matches(unknown[0], sorted(_FIELDS), 1)
        hint = f": did you mean {close[0]}?" if close else ". Add others to the dict afterwards: they are kept"
        raise TypeError(f"a conversation has no field {unknown[0]!r}{hint}")
    for name in ("started_at", "ended_at"):
        moment = fields.get(name)
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            raise ValueError(f"{name}={moment!r} has no time zone: use an aware datetime")
    made: dict[str, Any] = {
        "id": id,
        "channel": channel,
        **fields,
        "turns": [_turn(turn) for turn in turns],
        "metrics": [_metric(one) for one in (metrics.items() if isinstance(metrics, Mapping) else metrics)],
        "state": dict(state or {}),
    }
    return made  # type: ignore[return-value]


def _turn(turn: tuple[str, str] | Mapping[str, Any]) -> dict[str, Any]:
    made = dict(turn) if isinstance(turn, Mapping) else dict(zip(("role", "text"), turn, strict=True))
    if made.get("role") not in _ROLES or not isinstance(made.get("text"), str):
        raise ValueError(f'a turn is ("user", "…") or ("agent", "…"), not {turn!r}')
    return made


def _metric(metric: tuple[str, Any] | Mapping[str, Any]) -> dict[str, Any]:
    made = dict(metric) if isinstance(metric, Mapping) else dict(zip(("name", "value"), metric, strict=True))
    if not isinstance(made.get("name"), str) or not isinstance(made.get("value"), _VALUES):
        raise ValueError(f'a metric is ("NAME", value) with text, a number, a boolean or None, not {metric!r}')
    return made
