"""Lanes: by which path work was submitted, not which thread happens to run it.

`0` is the main thread's. What a lane submits, a thread, a task of an executor, a task of asyncio, is numbered in order:
`0.1`, `0.2`, `0.2.1`. A later attempt's requests find those of an earlier one by it, though threads change places.
"""

from __future__ import annotations

import sys
from _thread import RLock, _local
from contextvars import ContextVar, copy_context
from itertools import count

from aftercall._runtime import clock
from aftercall._runtime.frames import LANE, Channel
from aftercall._runtime.http.site import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from types import ModuleType
    from typing import Any

    Work = Callable[..., object]


class Lane:
    """One line of work."""

    __slots__ = (
        "announced",
        "clock_off_ns",
        "draws",
        "ended",
        "generator",
        "name",
        "parent",
        "seeds",
        "site",
        "submitted",
    )

    def __init__(self, parent: Lane | None, site: str = "") -> None:
        self.parent = parent
        self.submitted = 0
        #: Whether the supervisor knows of it; it does of the main one.
        self.announced = parent is None
        self.ended = False
        #: Where it was submitted: its own calls may have no frame of the user's.
        self.site = site
        #: For `aftercall._runtime.seeding`: how often it drew bytes, and seeds. They count in one step, since several
        #: threads may be of one lane.
        self.draws, self.seeds = count(), count()
        #: By how much the clock of whoever submitted it was put off then.
        self.clock_off_ns = clock.off_ns()
        self.generator: Random | None = None
        self.name = "0"
        if parent is not None:
            parent.submitted += 1
            self.name = f"{parent.name}.{parent.submitted}"


class _OfThread(_local):
    lane: Lane | None = None


#: Of a task of asyncio: its context has it.
_of_task: ContextVar[Lane] = ContextVar("aftercall_lane")
#: Of a thread, or of the executor's task that it runs. A context may be carried into a thread; its lane is not.
_of_thread = _OfThread()
main_lane = Lane(None)
_channel: Channel | None = None
#: Begun, not ended, and not announced yet.
_begun: set[Lane] = set()
#: Held while a lane is announced or ends: that it ended is told last.
_telling = RLock()


def open_lanes(channel: Channel | None) -> None:
    """From now on (in a child) lanes are told of; with None no more."""
    global _channel
    _channel = channel


def current() -> Lane:
    """The lane of whoever asks."""
    asyncio_events = sys.modules.get("_asyncio")
    if asyncio_events is not None and asyncio_events._get_running_loop() is not None:
        lane = _of_task.get(None)
        if lane is not None:
            return lane
    return _of_thread.lane or main_lane


def announce(lane: Lane) -> None:
    """Before an effect of it: tells the supervisor of every lane. Each may yet ask for what this one waits for."""
    if lane.announced and not _begun:
        return
    with _telling:
        for begun in (lane, *tuple(_begun)):
            _tell(begun)


def _tell(lane: Lane) -> None:
    """Of a lane; of its ancestors first."""
    if lane.announced or lane.parent is None:
        return
    _tell(lane.parent)
    lane.announced = True
    if _channel is not None:
        _channel.send(LANE, {0: lane.name, 1: lane.parent.name, 2: lane.ended})
    _begun.discard(lane)  # now, since who finds none does not wait for us


def _submit() -> Lane:
    lane = Lane(current(), call_site())
    if _channel is not None:
        _begun.add(lane)
    return lane


def _end(lane: Lane) -> None:
    with _telling:
        lane.ended = True
        _begun.discard(lane)
        if lane.announced and _channel is not None and lane.parent is not None:
            _channel.send(LANE, {0: lane.name, 1: lane.parent.name, 2: True})


def _run(lane: Lane, work: Work, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
    """Does a thread's work, or an executor's task, in its lane."""
    before, clock_before = _of_thread.lane, clock.of_thread()
    _of_thread.lane = lane
    clock.begin(lane.name, lane.clock_off_ns)
    try:
        return work(*args, **kwargs)
    except BaseException as error:
        _leave_out_caller(error)
        raise
    finally:
        _of_thread.lane = before
        clock.use(clock_before)
        _end(lane)


#: Not by attribute: a class of the user's may do as it likes when one is set.
_set_traceback = BaseException.__dict__["__traceback__"].__set__


def _leave_out_caller(error: BaseException) -> None:
    """Takes from the traceback the frame that has caught `error` and raises it again: it is none of the user's.

    A bare `raise` adds no new entry for it.
    """
    traceback = error.__traceback__
    if traceback is not None:
        _set_traceback(error, traceback.tb_next)


def threading_imported(module: ModuleType) -> None:
    """Once `threading` is imported: a thread's lane is that of whoever starts it, and a number."""
    start = module.Thread.start

    def start_in_lane(self: object) -> None:
        if not _is_worker(self):
            lane, run = _submit(), self.run  # type: ignore[attr-defined]

            def run_in_lane() -> None:
                self.__dict__.pop("run", None)  # it holds the thread itself
                try:
                    _run(lane, run, (), {})
                except BaseException as error:
                    _leave_out_caller(error)
                    raise

            self.run = run_in_lane  # type: ignore[attr-defined]
        start(self)

    start_in_lane.__doc__, start_in_lane.__wrapped__ = start.__doc__, start  # type: ignore[attr-defined]
    module.Thread.start = start_in_lane


def _is_worker(thread: object) -> bool:
    """Whether it runs the tasks of an executor: each of those has a lane; which thread it has depends on chance."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) == "concurrent.futures.thread"


def executor_imported(module: ModuleType) -> None:
    """Once `concurrent.futures.thread` is imported. `asyncio` gives its executor's tasks the same way."""
    submit = module.ThreadPoolExecutor.submit

    def submit_in_lane(self: object, fn: Work, /, *args: object, **kwargs: object) -> object:
        return submit(self, _run, _submit(), fn, args, kwargs)

    submit_in_lane.__doc__, submit_in_lane.__wrapped__ = submit.__doc__, submit  # type: ignore[attr-defined]
    module.ThreadPoolExecutor.submit = submit_in_lane


def event_loop_imported(module: ModuleType) -> None:
    """Once `asyncio.base_events` is imported."""
    _number_tasks(module.BaseEventLoop)


def uvloop_imported(module: ModuleType) -> None:
    """Once `uvloop` is imported: its loop is none of `asyncio`'s."""
    _number_tasks(module.Loop)


def _number_tasks(loop: Any) -> None:
    create_task = loop.create_task

    def create_task_in_lane(self: object, coro: object, **more: object) -> object:
        if more.get("context") is not None:  # shared with others, as the caller wants it: it keeps its lane
            return create_task(self, coro, **more)
        lane, context = _submit(), copy_context()
        clock.share(lane.name)
        context.run(_of_task.set, lane)
        task = context.run(create_task, self, coro, **more)
        task.add_done_callback(lambda _task: _end(lane))
        return task

    create_task_in_lane.__doc__, create_task_in_lane.__wrapped__ = create_task.__doc__, create_task  # type: ignore[attr-defined]
    loop.create_task = create_task_in_lane
