"""Reads every turn, state key and metric, and writes counts and checksums.

Whoever has the document can compute the same: each checksum is SHA-256 over lines of UTF-8, each ended by "\\n":
a turn is `role` TAB `text`; a state key is `key` TAB its JSON; a metric is `name` TAB its JSON. State keys are sorted,
JSON is written with sorted keys, without spaces, ASCII only. Turns and metrics keep their order.
"""

import hashlib
import json

from _gen import *


def end_function(conv: Conversation):
    turns = [(turn.role, turn.text) for turn in conv.history]
    state = sorted(conv.state.items())
    metrics = [(event.name, event.value) for event in conv.metric_events]

    conv.write_metric("TURNS", len(turns))
    conv.write_metric("USER_TURNS", sum(role == "user" for role, _ in turns))
    conv.write_metric("EMPTY_TURNS", sum(not text for _, text in turns))
    conv.write_metric("LETTERS", sum(len(text) for _, text in turns))
    conv.write_metric("TURNS_SHA256", checksum(turns, as_json=False))
    conv.write_metric("STATE_KEYS", len(state))
    conv.write_metric("STATE_SHA256", checksum(state))
    conv.write_metric("METRICS", len(metrics))
    conv.write_metric("METRICS_SHA256", checksum(metrics))


def checksum(pairs, as_json=True):
    digest = hashlib.sha256()
    for name, value in pairs:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=as_text) if as_json else value
        # A lone surrogate cannot be written as UTF-8; it can be escaped.
        digest.update(f"{name}\t{text}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def as_text(value):
    # A set has no order of its own: it would be another text in every process.
    return sorted(map(as_text, value)) if isinstance(value, set | frozenset) else str(value)
