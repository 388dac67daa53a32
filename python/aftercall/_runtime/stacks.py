"""What is told at the stack signal beside the stacks of all threads: behind them, in their format, for the same reader
(`crates/runner/src/attempt/stack.rs`).
"""

from __future__ import annotations

import faulthandler
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    #: File, line and function.
    Frame = tuple[str, int, str]

#: The most frames that are told of one section, the innermost ones: a function may call itself again and again.
FRAMES_MAX = 50
STDERR = 2


def tell_also(signal_number: int, tell: Callable[[], str]) -> None:
    """From now on the signal has this told as well, in place of what it had before."""
    faulthandler.unregister(signal_number)  # type: ignore[attr-defined,unused-ignore]  # not on Windows
    signal.signal(signal_number, lambda *_: _write(tell()))
    # The stacks first, by C code, which needs nothing of a function that hangs; then the handler above, if Python gets
    # to run.
    faulthandler.register(signal_number, STDERR, all_threads=True, chain=True)  # type: ignore[attr-defined,unused-ignore]


def section(what: str, innermost_first: Iterable[Frame]) -> str:
    """As the fault handler writes a thread's stack."""
    lines = [f'  File "{file}", line {line} in {function}\n' for file, line, function in innermost_first]
    return f"\n{what} (most recent call first):\n" + "".join(lines) + "\n"


def _write(text: str) -> None:
    if text:
        os.write(STDERR, text.encode("utf-8", "backslashreplace"))
