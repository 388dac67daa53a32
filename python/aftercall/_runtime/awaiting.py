"""Where asyncio code hangs. The stack of a thread that runs an event loop ends in the loop: what is awaited stands on
no stack.
"""

from __future__ import annotations

import asyncio

from aftercall._runtime import stacks
from aftercall._runtime.stacks import FRAMES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from aftercall._runtime.stacks import Frame


def tell_at(signal_number: int) -> None:
    """From now on the signal has the main task told as well, and not only the stacks of threads."""
    stacks.tell_also(signal_number, _told)


def _told() -> str:
    try:
        task = next(iter(sorted(asyncio.all_tasks(), key=_age)), None)
    except RuntimeError:  # the loop is not running
        return ""
    return told(task) if task is not None else ""


def told(task: asyncio.Task[object]) -> str:
    """What it awaits."""
    return stacks.section("Awaiting task", list(_frames(task))[: -FRAMES_MAX - 1 : -1])


def _age(task: asyncio.Task[object]) -> tuple[bool, int]:
    """The task that `asyncio.run` made comes first: it awaits `end_function`."""
    name = task.get_name().removeprefix("Task-")
    return not name.isdigit(), int(name) if name.isdigit() else 0


def _frames(task: asyncio.Future[object] | None) -> Iterator[Frame]:
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
