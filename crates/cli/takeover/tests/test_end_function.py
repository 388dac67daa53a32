import socket
from pathlib import Path

import pytest
from aftercall import testing

from functions.end_function import end_function

CONVERSATIONS = sorted((Path(__file__).parents[1] / "conversations").glob("*.json"))

# What the function asks for, and what it is answered here.
ANSWERS = @ANSWERS@


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A test is not confined as a run is: without this, it would send what the function sends."""

    def refuse(*_args):
        raise OSError("a test has no network: answer the request with a library such as `responses`")

    monkeypatch.setattr(socket.socket, "connect", refuse)

@EXPECTED@
@pytest.mark.parametrize("file", CONVERSATIONS, ids=lambda file: file.stem)
def test_every_example_succeeds(file):
    testing.run(end_function, file.read_text(), **ANSWERS).raise_for_error()
