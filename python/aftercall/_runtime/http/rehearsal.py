"""Making a request or two with each library of the project in the zygote, before any child is forked.

A library's first request imports what it has put off (`httpx` all of `httpcore`: a hundred milliseconds), fills
caches, and is adapted by the interpreter where it runs. Done here once, it is not done anew by every child on pages
that it must first copy. Nobody is asked: the answer is made up, and it is the same for all.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import FunctionType

from aftercall._runtime import capture
from aftercall._runtime.exchange import Answer
from aftercall._runtime.frames import EFFECT, Channel
from aftercall._runtime.http.effects import effects
from aftercall._runtime.http.lanes import open_lanes
from aftercall.conv.host import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: As for the rest of a child's way: see `aftercall._runtime.rehearsal`.
ROUNDS = 16
#: A name that nobody has, of a domain that nobody can have.
_URL = "https://rehearsal.invalid/"
_ANSWER = Answer(
    {
        0: 1,
        1: "done",
        4: b'{"status":200,"reason":"OK","version":"HTTP/1.1","headers":'
        b'[["Content-Type","application/json"],["Content-Length","2"]]}',
        5: b"{}",
    }
)


class _Nobody:
    """An exchange that answers at once. It writes its frames, to nowhere, since writing is rehearsed too."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def begin(self, lane: str, kind: str, request: bytes, body: bytes) -> int:
        self.channel.send(EFFECT, {0: 1, 1: lane, 2: kind, 3: request, 4: body})
        return 1

    def next(self, _number: int) -> Answer:
        return _ANSWER

    def poll(self, _number: int, _notify: object) -> Answer:
        return _ANSWER

    def close(self, _number: int) -> None:
        return


def _requests(requests: Any) -> None:
    with requests.Session() as session:
        session.post(_URL, json={"a": 1}, timeout=5).json()
        session.get(_URL, headers={"X-A": "b"}).json()


def _urllib3(urllib3: Any) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("POST", _URL, body=b"{}")
        pool.request("GET", _URL)


def _urllib_request(request: Any) -> None:
    with request.build_opener().open(_URL, data=b"{}") as response:  # `urlopen` would keep its opener
        response.read()


def _httpx(httpx: Any) -> None:
    with httpx.Client() as client:
        client.post(_URL, json={"a": 1}).json()
        client.get(_URL).json()


#: What a project has imported → how it is used. Those that stand on another come first; they exercise both.
_LIBRARIES: dict[str, Callable[[Any], None]] = {
    "requests": _requests,
    "httpx": _httpx,
    "httpx2": _httpx,
    "urllib3": _urllib3,
    "urllib.request": _urllib_request,
}
_STANDS_ON = {"requests": "urllib3"}
#: What carries a library's requests: module, class, methods.
_CARRIES = (
    ("http.client", "HTTPConnection", ("request", "putrequest", "putheader", "endheaders", "send", "getresponse")),
    ("urllib3.connectionpool", "HTTPConnectionPool", ("urlopen",)),
    ("requests.sessions", "Session", ("request", "prepare_request", "send")),
    ("requests.adapters", "HTTPAdapter", ("send",)),
    ("httpx", "Client", ("request", "send")),
    ("httpx2", "Client", ("request", "send")),
    ("urllib.request", "OpenerDirector", ("open",)),
)


def _untouched() -> bool:
    """Whether all libraries are as they came. What a project, or a monitor, has put around them may keep what it sees.

    A token from a made-up answer would then be every child's.
    """
    for name, of, methods in _CARRIES:
        module = sys.modules.get(name)
        if module is None:
            continue
        folder = os.path.dirname(module.__file__ or "") + "/"
        for method in methods:
            function = getattr(getattr(module, of), method)
            if type(function) is not FunctionType or not function.__code__.co_filename.startswith(folder):
                return False
    opener = getattr(sys.modules.get("urllib.request"), "_opener", None)
    return opener is None


def rehearse_requests() -> None:
    """Leaves nothing behind but warm code. A library that does not work is left to the code that uses it."""
    libraries = [name for name in _LIBRARIES if name in sys.modules]
    libraries = [name for name in libraries if name not in {_STANDS_ON.get(other) for other in libraries}]
    if not libraries or not _untouched():
        return
    host, null = current.host, os.open(os.devnull, os.O_RDWR)
    channel = Channel(null)
    current.host = capture.Entries(channel, {})  # where libraries log, and may print
    effects.open(_Nobody(channel))  # type: ignore[arg-type]
    try:
        for name in libraries:
            for _ in range(ROUNDS):
                _LIBRARIES[name](import_module(name))
    except Exception:  # whatever a library has been made into by the project
        return
    finally:
        capture.flush_streams()
        effects.shut()
        open_lanes(None)
        current.host = host
        os.close(null)
