"""Which lane a request is of: the path by which its work was submitted, whatever thread happens to do it."""

from __future__ import annotations

import json
import time

HEAD = json.dumps({"status": 200, "reason": "OK", "version": "HTTP/1.1", "headers": [["Content-Length", "0"]]}).encode()


class AnswerAll:
    """Answers every request with nothing, the later ones sooner: threads change places."""

    def begin(self, effect, send):
        time.sleep(0.001 * (effect["number"] % 3))
        send(3, {0: effect["number"], 1: "done", 2: None, 3: None, 4: HEAD, 5: b"", 6: None, 7: False})


ASK = """
import asyncio, contextvars, http.client, threading, time
from concurrent.futures import ThreadPoolExecutor

def ask(name):
    c = http.client.HTTPConnection("h.example")
    c.request("GET", f"/{name}")
    return c.getresponse().status
"""


def lanes(run, body):
    attempt = run(ASK + body, peer=AnswerAll())
    assert attempt.outcome == "returned", attempt.error
    return {effect["url"].rpartition("/")[2]: effect["lane"] for effect in attempt.effects}, attempt.lanes


def test_the_main_threads_requests_are_of_lane_0_which_is_never_named(run):
    assert lanes(run, "def end_function(conv):\n    ask('a')\n    ask('b')\n") == ({"a": "0", "b": "0"}, [])


def test_threads_are_numbered_as_they_are_started_and_named_before_their_first_request(run):
    found, told = lanes(
        run,
        """
def second():
    asks_nothing = threading.Thread(target=print)
    asks_nothing.start()
    asks_nothing.join()
    inner = threading.Thread(target=ask, args=("inner",))
    inner.start()
    inner.join()
    ask("outer")

def end_function(conv):
    for work in (lambda: ask("first"), second):
        t = threading.Thread(target=work)
        t.start()
        t.join()
""",
    )
    assert found == {"first": "0.1", "inner": "0.2.2", "outer": "0.2"}
    assert told == [
        ("0.1", "0", False),
        ("0.1", "0", True),
        ("0.2", "0", False),
        ("0.2.2", "0.2", False),
        ("0.2.2", "0.2", True),
        ("0.2", "0", True),
    ]


def test_a_request_names_all_that_may_still_ask_for_what_it_would_have_to_wait_for(run):
    attempt = run(
        ASK
        + """
def end_function(conv):
    go = threading.Event()
    late = threading.Thread(target=lambda: (go.wait(), ask("late")))
    late.start()
    ask("early")
    go.set()
    late.join()
""",
        peer=AnswerAll(),
    )
    assert [(effect["lane"], effect["lanes_told"]) for effect in attempt.effects] == [("0", 1), ("0.1", 1)]
    assert attempt.lanes == [("0.1", "0", False), ("0.1", "0", True)]


def test_a_thread_that_has_a_run_of_its_own_and_one_that_is_late_have_lanes(run):
    found, _ = lanes(
        run,
        """
class Own(threading.Thread):
    def run(self):
        ask("own")

def end_function(conv):
    threads = [Own(), threading.Timer(0.01, ask, ["timer"])]
    [t.start() for t in threads]
    [t.join() for t in threads]
""",
    )
    assert found == {"own": "0.1", "timer": "0.2"}


def test_tasks_of_an_executor_have_their_number_whichever_thread_does_them(run):
    found, told = lanes(
        run,
        """
def end_function(conv):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(ask, range(1, 9)))
        context = contextvars.copy_context()
        pool.submit(context.run, ask, "carried").result()
    ask("after")
""",
    )
    assert found == {**{str(n): f"0.{n}" for n in range(1, 9)}, "carried": "0.9", "after": "0"}
    assert [lane for lane, _, ended in told if ended] and {lane for lane, _, _ in told} == {
        f"0.{n}" for n in range(1, 10)
    }


def test_tasks_of_asyncio_have_theirs_and_what_they_hand_to_threads_is_below_them(run):
    found, _ = lanes(
        run,
        """
async def one(n):
    await asyncio.sleep(0.01 / n)
    ask(f"task{n}")
    await asyncio.to_thread(ask, f"thread{n}")

async def end_function(conv):
    ask("main")
    await asyncio.gather(one(1), one(2), one(3))
    await asyncio.get_running_loop().run_in_executor(None, ask, "executor")
    async with asyncio.TaskGroup() as group:
        group.create_task(one(4))
""",
    )
    assert found == {
        "main": "0",
        **{f"task{n}": f"0.{n}" for n in (1, 2, 3)},
        **{f"thread{n}": f"0.{n}.1" for n in (1, 2, 3)},
        "executor": "0.4",
        "task4": "0.5",
        "thread4": "0.5.1",
    }


def test_a_request_whose_thread_has_no_code_of_the_users_tells_where_it_was_submitted(run):
    attempt = run(
        ASK
        + """
import urllib.request

def end_function(conv):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(urllib.request.urlopen, "http://h.example/").result()
""",
        peer=AnswerAll(),
    )
    assert [effect["site"] for effect in attempt.effects] == ["functions/end_function.py:14"]


def test_what_a_thread_or_an_executors_task_raises_shows_no_frame_of_ours(run):
    attempt = run(
        """
import threading, traceback
from concurrent.futures import ThreadPoolExecutor

class Odd(Exception):
    def __setattr__(self, name, value):
        raise AssertionError(name)

def fails():
    raise Odd("here")

def end_function(conv):
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(fails).result()
        except Odd:
            traceback.print_exc()
        """
    )
    assert attempt.outcome == "returned", attempt.error
    text = "\n".join(attempt.texts)
    assert text.count('functions/end_function.py", line 10, in fails') == 2, text
    assert "_runtime" not in text and "AssertionError" not in text, text
