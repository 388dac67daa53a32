"""Going the way of an attempt a few times in the zygote, before any child is forked.

The interpreter adapts code where it runs: it counts, then rewrites instructions in place. Done here once, it is not
done anew by every child, each time on a page that it must first copy (some 40 of 600 page faults). The conversation
is made up: a zygote never sees a real one.
"""

from __future__ import annotations

import os

from aftercall._runtime import cbor, frames
from aftercall._runtime.child import Child
from aftercall._runtime.frames import Channel
from aftercall._runtime.tracebacks import Places
from aftercall.conv.host import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall._runtime.cbor import Item
    from aftercall.conv.conversation import Conversation

#: CPython adapts code that has run about ten times (`co_warmup` is 8 in 3.11, counters start at up to 15 later).
ROUNDS = 16

_DOCUMENT = b'{"id":"rehearsal","channel":"voice","state":{"a":1},"metrics":[],"turns":[{"role":"user","text":"a"}]}'
_START: dict[int, Item] = {
    0: frames.VERSION,
    1: "",
    2: 1,
    3: "",
    4: "sandbox",
    5: _DOCUMENT,
    6: bytes(32),
    7: 0,
    8: b"{}",
}


def _function(conv: Conversation) -> None:
    conv.log.info("rehearsal", turns=len(conv.history))
    conv.log.info("rehearsal", text="é", orders=["1", 2, 0.5, None, True], nested={"a": ["b"]})
    for value in (conv.channel_type, 1, 0.5, True, None):
        conv.write_metric("rehearsal", value)
    conv.state.b = conv.state.a or conv.state.get("from_")


def rehearse() -> None:
    """Leaves nothing behind but warm code."""
    data = cbor.encode(_START)
    frame = len(data).to_bytes(4, "big") + bytes((frames.START,)) + data
    host = current.host
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        for _ in range(ROUNDS):
            read, write = os.pipe()
            try:
                os.write(write, frame)
                Child(lambda: None, Places(None), Channel(read, null)).rehearse(_function)
            finally:
                os.close(read)
                os.close(write)
    finally:
        os.close(null)
        current.host = host
