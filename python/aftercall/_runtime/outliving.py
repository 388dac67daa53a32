"""Threads that outlive the function. The fault handler writes where they are too, but neither which they are nor which
of them are waited for.
"""

from __future__ import annotations

import sys
from itertools import islice

from aftercall._runtime import stacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: The most threads that are told, in the order in which they were started.
THREADS_MAX = 8
#: Characters of a thread's name.
NAME_MAX = 100


def tell_at(signal_number: int) -> None:
    """From now on the signal has the threads told that are waited for."""
    stacks.tell_also(signal_number, told)


def told() -> str:
    """A section for each."""
    threading = sys.modules.get("threading")
    if threading is None:
        return ""
    frames = sys._current_frames()
    # Not by `enumerate`: the thread that is interrupted here may hold its lock.
    waited_for = (
        (thread, frames[ident])
        for ident, thread in list(threading._active.items())
        if not thread.daemon and thread is not threading.main_thread() and ident in frames
    )
    return "".join(
        stacks.section(f"Running thread {_name(thread.name)}", islice(_outwards(frame), stacks.FRAMES_MAX))
        for thread, frame in islice(waited_for, THREADS_MAX)
    )


def _name(name: str) -> str:
    return " ".join(name.split())[:NAME_MAX]


def _outwards(frame: FrameType | None) -> Iterator[stacks.Frame]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
