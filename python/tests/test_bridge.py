"""`aftercall bridge`: what it prints runs as an end function and hands its conversation to a real server."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from server import EXAMPLES, Server, binary

import aftercall
from aftercall import testing
from aftercall._names import gen


def printed(*arguments: str, status: int = 0) -> str:
    done = subprocess.run([binary(), "bridge", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


MODELS = """
import dataclasses
import datetime as dt
import enum

import pydantic


class Mood(enum.Enum):
    GOOD = "good"


@dataclasses.dataclass
class Order:
    size: int
    at: dt.datetime


class Guest(pydantic.BaseModel):
    name: str
    mood: Mood = Mood.GOOD


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1
"""

MADRID = ZoneInfo("Europe/Madrid")


def state() -> dict[str, Any]:
    """What a call may keep: of every type that state has, with classes of the project."""
    from functions.models import Guest, Mood, Order, Slotted  # type: ignore[import-not-found]

    return {
        "plain": ["é 饭店", None, True, 1.5, -3, {"a": [1]}],
        "numbers": [2**53, 2**53 + 1, -(2**70), float("inf"), float("-inf")],
        "moments": [
            dt.datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=1),
            dt.datetime(2026, 1, 5, 10),
            dt.datetime(2026, 1, 5, 10, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            dt.time(10, 30),
            dt.date(2026, 1, 5),
            dt.timedelta(days=-1, seconds=5, microseconds=7),
            MADRID,
        ],
        "exact": decimal.Decimal("1.10"),
        "raw": b"\0\xff",
        "several": [
            (1, (2,)),
            {3, 1, 2},
            frozenset({"b", "a"}),
            {"x": {1: "one", (2, 3): "two"}, "$": 1},
            {"$type": "mine"},
        ],
        "id": uuid.UUID(int=7),
        "order": Order(4, dt.datetime(2026, 1, 5)),
        "guest": Guest(name="Ada"),
        "slotted": Slotted(),
        "mood": Mood.GOOD,
        "address": gen.Address(street_number="1", street_name="Main", city="York", state="", postcode="", country="GB"),
        "variant": gen.Variant({"phone": "1"}),
    }


@pytest.fixture
def bridge(project: Callable[..., Path]) -> Callable[..., Any]:
    """The printed file as a project's end function."""

    def make(*arguments: str) -> Any:
        return testing.project(project(printed(*arguments), {"functions/models.py": MODELS}))

    return make


def test_values_are_written_as_the_package_writes_them(bridge: Callable[..., Any]) -> None:
    with bridge() as tested:
        on_the_wire = tested.end_function.__globals__["on_the_wire"]
        given = state()
        assert {name: on_the_wire(value) for name, value in given.items()} == aftercall.encode_state(given)
        nan = [float("nan")]
        assert json.dumps(on_the_wire(nan)) == json.dumps(aftercall.encode_state({"x": nan})["x"])
        looks = {"$type": "object", "class": "re.Pattern", "fields": {"repr": "re.compile('a')"}}
        assert on_the_wire(re.compile("a")) == looks, "no attributes tell it"


def test_the_function_has_ten_lines() -> None:
    body = re.search(r"^def end_function\(conv: Conversation\):\n((?:    .*\n)+)", printed(), re.MULTILINE)
    assert body is not None and body[1].count("\n") == 10


def test_options_are_written_in_and_what_would_break_out_is_refused() -> None:
    text = printed("--url", "https://calls.example/", "--project", "a b", "--secret", "mine")
    assert 'URL = "https://calls.example/v1/conversations?project=a%20b"\n' in text and 'KEY = "mine"' in text
    assert printed("--url", "https://x/v1/conversations").count("/v1/conversations") == 1
    for wrong in (["--url", "calls.example"], ["--url", 'https://x"'], ["--secret", "a\nb"], ["--secret", ""]):
        assert "AC0803" in printed(*wrong, status=2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    try:
        one.start()
        one.run("deploy", str(EXAMPLES / "hello"))
        yield one
    finally:
        one.close()


def test_a_conversation_goes_over_with_its_types(server: Server, bridge: Callable[..., Any]) -> None:
    key = {"aftercall_key": server.key}
    with bridge("--url", server.url, "--project", "hello") as tested:
        conversation = testing.conversation(
            "CA-17",
            state=state(),
            turns=[("agent", "Hello"), ("user", "Good day")],
            metrics=[("INTENT", "book"), ("AGAIN", None)],
            caller_number="+15550101001",
            account_id="acme",
            variant="leeds",
            current_flow="booking",
            language="en-GB",
        )
        tested.run(conversation, secrets=key).raise_for_error()
        again = tested.run(conversation, secrets=key)
        refused = tested.run(conversation, secrets={"aftercall_key": "ac_wrong"}).error
        sent = json.loads(json.dumps(aftercall.encode_state(state())))
    assert again.error is None, "the same again is the same run"
    assert isinstance(refused, requests.HTTPError) and refused.response.status_code == 401
    told = json.loads(server.run("conversations", "show", "CA-17", "--json"))
    document, runs = told["document"], told["runs"]
    assert len(runs) == 1 and document["platform"] == "polyai" and document["channel"] == "voice"
    for name in ("id", "account_id", "caller_number", "variant", "current_flow", "language", "turns", "metrics"):
        assert document[name] == conversation[name], name  # type: ignore[literal-required]
    with aftercall.Client(f"unix:{server.socket}") as client:
        deadline = time.monotonic() + 60
        while not (run := client.run(runs[0]["run_id"])).is_over:
            assert time.monotonic() < deadline, run
            time.sleep(0.01)
    assert run.succeeded and run.metrics == [("CALLER_SPOKE", True)]
    kept = run.document["state_after"]
    assert {name: kept[name] for name in sent} == sent
