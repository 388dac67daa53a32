"""Which threads outlive the function, told as stacks."""

from __future__ import annotations

import threading

from aftercall._runtime import outliving


def _waits(event: threading.Event, depth: int) -> None:
    if depth:
        _waits(event, depth - 1)
    else:
        event.wait()


def _told(depth: int, name: str, daemon: bool) -> list[str]:
    event = threading.Event()
    thread = threading.Thread(target=_waits, args=(event, depth), name=name, daemon=daemon)
    thread.start()
    try:
        while "wait" not in (text := outliving.told()) and not daemon:
            pass
    finally:
        event.set()
        thread.join()
    return [line.rsplit(" in ", 1)[-1] for line in text.splitlines() if line]


def test_a_thread_that_is_waited_for_is_told_by_its_name_innermost_first() -> None:
    told = _told(2, "reports\nto  CRM", daemon=False)
    assert told[0] == "Running thread reports to CRM (most recent call first):"
    assert told[told.index("_waits") - 1 :][:4] == ["wait", "_waits", "_waits", "_waits"]


def test_a_deep_one_is_cut_and_a_daemon_is_left_out() -> None:
    assert len(_told(2 * outliving.stacks.FRAMES_MAX, "deep", daemon=False)) == 1 + outliving.stacks.FRAMES_MAX
    assert _told(0, "daemon", daemon=True) == []
