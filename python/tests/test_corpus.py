"""Real conversations through three functions, checked against an independent reading of the same lines."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DATA = Path(
    os.environ.get("AFTERCALL_TEST_CONVERSATIONS")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "conversations.jsonl"
)
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason=f"{DATA} is not there")

READS_ALL = """
    from _gen import *  # <AUTO GENERATED>
    from .reading import digest

    def end_function(conv: Conversation):
        conv.write_metric("DIGEST", digest(
            [[event.role, event.text] for event in conv.history],
            [[key, conv.state[key]] for key in conv.state],
            [[event.name, event.value] for event in conv.metric_events],
            [conv.id, conv.caller_number, conv.callee_number, conv.direction, conv.duration],
        ))
"""
READING = """
    import hashlib, json

    def digest(*parts):
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
"""
SUMMARY = """
    def end_function(conv):
        said = [e.text for e in conv.history if "UserInput" in str(e.__class__)]
        conv.state.summary = {"words": sum(len(t.split()) for t in said), "first": (said or [None])[0]}
        conv.log.info("summary", **conv.state.summary)
"""
CAREFUL = """
    import plog

    def end_function(conv):
        try:
            if conv.state.order_id and not conv.state.success:
                conv.send_sms(conv.caller_number, conv.callee_number, f"Order {conv.state.order_id} noted")
            for event in conv.metric_events:
                conv.write_metric("SEEN_" + event.name, event.value, write_once=True)
            print(len(conv.history), "turns")
        except Exception as e:
            plog.exception("failed", error=e)
"""


def test_every_conversation_runs_and_every_value_is_read_right(zygote):
    import hashlib
    from datetime import datetime

    lines = DATA.read_bytes().splitlines()
    assert len(lines) == 600
    process = zygote(READS_ALL, {"functions/reading.py": READING})
    for line in lines:
        attempt = process.run(line)
        assert attempt.outcome == "returned", (line, attempt.error)
        given = json.loads(line)
        assert attempt.state == given["state"] and not attempt.logs
        times = [datetime.fromisoformat(given[key]) for key in ("started_at", "ended_at")]
        parts = [
            [[turn["role"], turn["text"]] for turn in given["turns"]],
            [list(item) for item in given["state"].items()],
            [[metric["name"], metric["value"]] for metric in given["metrics"]],
            [
                given["id"],
                given["caller_number"],
                given["callee_number"],
                given["direction"],
                (times[1] - times[0]).seconds,
            ],
        ]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        assert attempt.metrics == [{"name": "DIGEST", "value": digest}]


@pytest.mark.parametrize("code", [SUMMARY, CAREFUL])
def test_other_functions_run_over_all_of_them_too(zygote, code):
    process = zygote(code)
    for line in DATA.read_bytes().splitlines():
        attempt = process.run(line)
        assert attempt.outcome == "returned", (line, attempt.error)
        assert not any(entry["level"] == "error" for entry in attempt.logs)
