"""Where asyncio code hangs. The stack of a thread that runs an event loop ends in the loop: what is awaited stands on
no stack. Written at the same signal as the stacks, behind them, in their format, for the same reader
(`crates/runner/src/attempt/stack.rs`).
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: The most frames that are told of one task, the innermost ones: a coroutine may await itself again and again.
FRAMES_MAX = 50
STDERR = 2


def tell_at(signal_number: int) -> None:
    """From now on the signal has the main task told as well, and not only the stacks of threads."""
    faulthandler.unregister(signal_number)  # type: ignore[attr-defined,unused-ignore]  # not on Windows
    signal.signal(signal_number, _tell)
    # The stacks first, by C code, which needs nothing of a function that hangs; then the handler above, if Python gets
    # to run.
    faulthandler.register(signal_number, STDERR, all_threads=True, chain=True)  # type: ignore[attr-defined,unused-ignore]


def _tell(_signal_number: int, _frame: FrameType | None) -> None:
    try:
        task = next(iter(sorted(asyncio.all_tasks(), key=_age)), None)
    except RuntimeError:  # the loop is not running
        return
    if task is None:
        return
    os.write(STDERR, told(task).encode())


def told(task: asyncio.Task[object]) -> str:
    """What it awaits, innermost first, as the fault handler writes a thread's stack."""
    innermost_first = list(_frames(task))[: -FRAMES_MAX - 1 : -1]
    lines = [f'  File "{file}", line {line} in {function}\n' for file, line, function in innermost_first]
    return "\nAwaiting task (most recent call first):\n" + "".join(lines) + "\n"


def _age(task: asyncio.Task[object]) -> tuple[bool, int]:
    """The task that `asyncio.run` made comes first: it awaits `end_function`."""
    name = task.get_name().removeprefix("Task-")
    return not name.isdigit(), int(name) if name.isdigit() else 0


def _frames(task: asyncio.Future[object] | None) -> Iterator[tuple[str, int, str]]:
    """File, line and function, outermost first: through coroutines, and through tasks that are awaited."""
    seen: set[int] = set()
    while task is not None and id(task) not in seen:
        seen.add(id(task))
        awaited: object = task.get_coro() if isinstance(task, asyncio.Task) else None
        while awaited is not None:
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
            if frame is None:
                break
            yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
        waits_for = getattr(task, "_fut_waiter", None)
        # What `gather` gives waits for all of its members: the first that is not done tells as well as any.
        members = getattr(waits_for, "_children", None) or ()
        task = next((member for member in members if not member.done()), waits_for)
