"""After the function: non-daemon threads are joined and `atexit` runs, as at the end of any Python process.

A monitoring SDK flushes there. It happens before the result is sent, and for no longer than the grace time: what
takes longer is cut off, and the run ends as its function returned.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from aftercall._runtime import exits
from aftercall.conv.host import current

#: Times that a handler may raise while handlers are taken away.
MAX_STRIKES = 100


def quiet_signals() -> None:
    """Once the function is over, no handler of its own runs any more: a timer left on would raise in our code.

    What a signal without a handler does stays as it is.
    """
    if "signal" not in sys.modules:
        return
    for _ in range(MAX_STRIKES):
        try:
            _quiet_signals()
            return
        except BaseException:  # it struck meanwhile: timers are off first of all, so that this comes to an end
            continue


def _quiet_signals() -> None:
    import _signal as signal  # type: ignore[import-not-found]  # without the enums of `signal`, so that timers are off at once

    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_IGN)


def end_gracefully(grace_s: float, finish: Callable[[], None], stack_signal: int) -> None:
    """Runs what must run at the end, then `finish`, which sends the result. `stack_signal` has told what still runs."""
    threads = _threads_to_join()
    if not threads and not exits.waiting():
        finish()
        return
    watch = _Watch(grace_s, finish)
    _tell_at(stack_signal)
    if threads:
        import threading

        threading._shutdown()  # type: ignore[attr-defined]  # wakes executors, joins what is not a daemon
    exits.run()
    if watch.stop():
        finish()


def _tell_at(stack_signal: int) -> None:
    try:
        from aftercall._runtime import outliving

        outliving.tell_at(stack_signal)
    except Exception:  # the function may have used up its memory: it is only for words, and the run's end goes before
        return


def _threads_to_join() -> bool:
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    return any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate())


class _Watch:
    """Ends the process with the result when the grace time is over: a thread, as native code may hold the main one.

    Where no thread can be started (the function has used up what there is of them, or of memory) an alarm has to do.
    """

    def __init__(self, grace_s: float, finish: Callable[[], None]) -> None:
        from _thread import allocate_lock, start_new_thread

        self._grace_s = grace_s
        self._finish = finish
        self._ended = allocate_lock()
        self._ended.acquire()
        self._mine = allocate_lock()
        try:
            start_new_thread(self._wait, ())
        except (RuntimeError, MemoryError):
            self._set_alarm()

    def _set_alarm(self) -> None:
        import signal

        signal.signal(signal.SIGALRM, lambda *_: self._end() if self._mine.acquire(blocking=False) else None)
        signal.setitimer(signal.ITIMER_REAL, self._grace_s)

    def stop(self) -> bool:
        """True if the main thread is to finish; False if the watch has begun to."""
        if self._mine.acquire(blocking=False):
            self._ended.release()
            return True
        self._mine.acquire()  # the process ends meanwhile
        return False

    def _wait(self) -> None:
        if self._ended.acquire(timeout=self._grace_s) or not self._mine.acquire(blocking=False):
            return
        self._end()

    def _end(self) -> None:
        text = f"threads or atexit handlers were still running {self._grace_s:g} s after the function: cut off"
        try:
            current.host.log("warning", text, False, "runtime", None)
            self._finish()
        finally:
            os._exit(0)
