"""What time it is for code that is given back what it was told before: the time of then (docs/effects.md).

Each lane has a clock of its own, which the `preload` library puts off; tasks of asyncio share that of their thread. It
never goes backwards, and once it has the time it is, it keeps that. What we write down ourselves has the time it is:
`real_ns`.
"""

from __future__ import annotations

from _thread import _local
from itertools import count
from time import time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: By so much a clock is put off in order to see whether it can be: an hour.
_PROBE_NS = 3_600_000_000_000
#: The clock that has the time it is, for good, and the one by which it is tried whether one can be put off.
REAL, _TRIED = 0, 1
#: As many clocks as `preload` has. Further lanes have the time it is.
_CLOCKS = 4096


class _OfThread(_local):
    clock = REAL


_of_thread = _OfThread()
#: Puts a clock off, by nanoseconds; and gives the calling thread one.
_put_off: Callable[[int, int], None] | None = None
_use: Callable[[int], None] | None = None
#: By clock, by how much it is put off, nanoseconds; never more than 0.
_off_ns: dict[int, int] = {REAL: 0}
_clocks: dict[str, int] = {}
_numbers = count(_TRIED + 1)
#: By lane, at which time it begins, nanoseconds since the epoch; others begin with the time it is.
_beginnings: Mapping[str, int] = {}


def install(put_off: Callable[[int, int], None], use: Callable[[int], None]) -> None:
    """Keeps what puts clocks off, unless it does not, as without a C library to stand before: then none is."""
    global _put_off, _use
    before = time_ns()
    put_off(_TRIED, -_PROBE_NS)
    use(_TRIED)
    moved = before - time_ns()
    use(REAL)
    if moved > _PROBE_NS // 2:
        _put_off, _use = put_off, use


def know(beginnings: Mapping[str, int]) -> None:
    """In a child: at which time its lanes begin."""
    global _beginnings
    _beginnings = beginnings


def begin(lane: str, earliest_off_ns: int) -> None:
    """A lane begins in this thread; whoever submitted it was put off by `earliest_off_ns` then."""
    at_ns = _beginnings.get(lane)
    clock = REAL
    if at_ns is not None and _put_off is not None and earliest_off_ns < 0:
        off_ns = min(0, max(earliest_off_ns, at_ns - real_ns()))
        number = next(_numbers)
        if off_ns < 0 and number < _CLOCKS:
            _clocks[lane] = clock = number
            _set(clock, off_ns)
    use(clock)


def share(lane: str) -> None:
    """A lane begins that has this thread's clock: what it signs must have the true time if it is to be sent."""
    if lane not in _beginnings:
        _set(_of_thread.clock, 0)


def go_on(at_ns: int | None, real: Iterable[str]) -> None:
    """What time it is for this thread from here on (None: the time it is); it is the time it is for those lanes too."""
    off_ns = _off_ns[_of_thread.clock]
    if off_ns != 0:
        _set(_of_thread.clock, 0 if at_ns is None else min(0, max(off_ns, at_ns - real_ns())))
    for lane in real:
        _set(_clocks.get(lane, REAL), 0)


def of_thread() -> int:
    """This thread's clock."""
    return _of_thread.clock


def use(clock: int) -> None:
    """Gives this thread a clock."""
    if _use is not None and _of_thread.clock != clock:
        _use(clock)
        _of_thread.clock = clock


def off_ns() -> int:
    """By how much this thread's clock is put off, nanoseconds; never more than 0."""
    return _off_ns[_of_thread.clock]


def _set(clock: int, off_ns: int) -> None:
    if _put_off is not None and _off_ns.get(clock) != off_ns:
        _put_off(clock, off_ns)
        _off_ns[clock] = off_ns


def real_ns() -> int:
    """The time it is, nanoseconds since the epoch."""
    return time_ns() - _off_ns[_of_thread.clock]
