"""HTTP from user code does what it does outside: the same cases run in a plain interpreter and in a child of a zygote.

Outside, libraries open sockets. Inside, what they do becomes frames, which a peer carries out with sockets of its own.
Results and types of exceptions must be the same, and so must be what the server got.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import page
import pytest
from conftest import LIBRARIES
from functions.every import table
from inside import start
from peer import Peer
from server import World
from supervisor import Zygote

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "http-libraries.md"

#: Some libraries find fault with these before they have anything to send.
NOTHING_ASKED = ("missing_authority", "latin_header")
END_FUNCTION = """\
import socket
import functions.{library}_cases
from functions.every import one

def no_way_out(self, address):
    raise AssertionError("a socket was used")

def end_function(conv):
    socket.socket.connect = socket.socket.connect_ex = no_way_out
    conv.state.outcome = one("{library}", conv.state["case"], conv.state["world"], "inside")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def outside(world: World) -> Any:
    known: dict[str, dict[str, Any]] = {}

    def outcomes(library: str) -> dict[str, Any]:
        if library not in known:
            command = [sys.executable, str(HERE / "outside.py"), library, json.dumps(world.document)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            known[library] = json.loads(done.stdout)
        return known[library]

    return outcomes


@pytest.fixture(scope="module")
def zygotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    started: dict[str, Zygote] = {}

    def zygote(library: str) -> Zygote:
        if library not in started:
            started[library] = start(tmp_path_factory.mktemp(library), END_FUNCTION.format(library=library))
            assert "ready" in started[library].answer, started[library].answer
        return started[library]

    yield zygote
    for process in started.values():
        process.close()


@pytest.mark.parametrize(("library", "case"), [(library, case) for library in LIBRARIES for case in table(library)])
def test_it_does_what_it_does_outside(library: str, case: str, world: World, outside: Any, zygotes: Any) -> None:
    conversation = {"id": "c", "state": {"case": case, "world": world.document}}
    attempt = zygotes(library).run(conversation, peer=Peer())
    assert attempt.outcome == "returned", attempt.error
    assert attempt.effects or case in NOTHING_ASKED
    assert _neutral(attempt.state["outcome"]) == _neutral(outside(library)[case]), attempt.texts
    # Requests that are made at the same time arrive in any order.
    assert sorted(world.seen("inside", library, case)) == sorted(world.seen("outside", library, case))


@pytest.mark.skipif("vendors" not in LIBRARIES, reason="an environment of an older library")
def test_the_page_tells_what_was_found(outside: Any) -> None:
    """`AFTERCALL_WRITE_PAGES=1` writes it anew."""
    outcomes = {library: outside(library) for library in LIBRARIES}
    text = page.render(outcomes, version)
    if os.environ.get("AFTERCALL_WRITE_PAGES"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text


def _neutral(outcome: Any) -> Any:
    """Without the folder that tells the server who asks, and what is drawn by lot."""
    text = re.sub(r"/(inside|outside)/", "/side/", json.dumps(outcome))
    return json.loads(re.sub(r"boundary=[0-9a-f]+", "boundary=", text))
