"""Reads every clock there is, in an interpreter for which the library stands before the C library's."""

import ctypes
import datetime
import sys
import threading
import time

HOUR = 3600
BEGAN, BEGAN_MONOTONIC = time.time(), time.monotonic()
lib = ctypes.CDLL(sys.argv[1])
lib.ac_put_off.argtypes, lib.ac_use_clock.argtypes = (ctypes.c_uint32, ctypes.c_int64), (ctypes.c_uint32,)
libc = ctypes.CDLL(None, use_errno=True)
libc.time.restype = ctypes.c_long


class Spec(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_long), ("part", ctypes.c_long))


def read():
    day, spec = Spec(), Spec()
    libc.gettimeofday(ctypes.byref(day), None)
    libc.timespec_get(ctypes.byref(spec), 1)
    assert 0 <= day.part < 10**6 and 0 <= spec.part < 10**9
    return {
        "time": time.time(),
        "time_ns": time.time_ns() / 1e9,
        "datetime": datetime.datetime.now().timestamp(),
        "utc": datetime.datetime.now(datetime.timezone.utc).timestamp(),
        "clock_gettime": time.clock_gettime(time.CLOCK_REALTIME),
        "localtime": time.mktime(time.localtime()),
        "libc.time": libc.time(None),
        "gettimeofday": day.sec + day.part / 1e6,
        "timespec_get": spec.sec + spec.part / 1e9,
    }


def check(when, shift=0):
    expected = BEGAN + time.monotonic() - BEGAN_MONOTONIC + shift
    for name, seconds in when.items():
        assert abs(seconds - expected) < 2, (name, seconds, expected)  # some know whole seconds only


def in_half_a_second():
    at = time.time_ns() + 500_000_000
    return Spec(at // 10**9, at % 10**9)


def wait():
    """How long waits of half a second, until a time of day as this thread reads it, really take."""
    semaphore = (ctypes.c_char * 64)()
    assert libc.sem_init(semaphore, 0, 0) == 0
    until = in_half_a_second()
    began = time.monotonic()
    assert libc.sem_timedwait(semaphore, ctypes.byref(until)) == -1
    of_semaphore, began = time.monotonic() - began, time.monotonic()
    mutex, condition = (ctypes.c_char * 64)(), (ctypes.c_char * 64)()
    libc.pthread_mutex_lock(mutex)
    until = in_half_a_second()
    error = libc.pthread_cond_timedwait(condition, mutex, ctypes.byref(until))
    assert error == 110, error  # ETIMEDOUT
    of_condition, began = time.monotonic() - began, time.monotonic()
    until = in_half_a_second()
    assert libc.pthread_mutex_timedlock(mutex, ctypes.byref(until)) == 110  # it is ours already
    return of_semaphore, of_condition, time.monotonic() - began


check(read())
for shift in (-HOUR, -HOUR * 24 * 365, 2.25):
    lib.ac_put_off(7, int(shift * 1e9))
    lib.ac_use_clock(7)
    check(read(), shift)
    lasted = wait()
    assert all(0.4 < seconds < 10 for seconds in lasted), lasted
monotonic = time.monotonic()
lib.ac_put_off(7, -HOUR * 10**9)
assert time.monotonic() - monotonic < 5
seen = []
other = threading.Thread(target=lambda: seen.append(read()))
other.start()
other.join()
check(seen[0])  # a thread of its own has a clock of its own
lock = threading.Lock()
lock.acquire()
began = time.monotonic()
assert lock.acquire(timeout=0.2) is False and 0.1 < time.monotonic() - began < 5
assert threading.Event().wait(0.2) is False
lib.ac_put_off(0, -HOUR * 10**9)
lib.ac_use_clock(0)
check(read())
lib.ac_use_clock(4096)  # one that is not there
check(read())
lib.ac_use_clock(7)
check(read(), -HOUR)
other = threading.Thread(target=lib.ac_put_off, args=(7, 0))
other.start()
other.join()
check(read())  # another thread may put it right
print("ok")
