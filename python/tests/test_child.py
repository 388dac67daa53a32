"""A child runs end_function and tells all of it, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from supervisor import PRELOAD


def test_what_the_function_does_comes_back_in_order(run):
    attempt = run(
        """
        import sys

        def end_function(conv):
            conv.log.info("first", turns=len(conv.history))
            print("second", 2)
            print("no end yet", end="")
            sys.stderr.write("to stderr\\n")
            conv.write_metric("A", 1)
            conv.write_metric("A", None)
            conv.write_metric("B", "x", write_once=True)
            conv.send_sms("+15550001", "+15550002", "hello", retry_count=2)
            conv.state.seen = conv.state.when.isoformat()
            return {"ignored": object()}
        """,
        {
            "id": "c-1",
            "state": {"when": {"$type": "datetime", "value": "2026-01-05T10:00:00+01:00"}, "n": 1.0},
            "turns": [{"role": "agent", "text": "Hi"}, {"role": "user", "text": ""}],
            "metrics": [{"name": "B", "value": 1}],
        },
    )
    assert attempt.outcome == "returned"
    assert [(e["level"], e["content"], e["logger"]) for e in attempt.logs] == [
        ("info", "first", "conversation_logger"),
        ("stdout", "second 2", "print"),
        ("stderr", "to stderr", "print"),
        ("stdout", "no end yet", "print"),
    ]
    assert attempt.logs[0]["fields"] == {"turns": 2}
    assert abs(attempt.logs[0]["time"] - time.time_ns()) < 60e9
    assert attempt.state == {
        "when": {"$type": "datetime", "value": "2026-01-05T10:00:00+01:00"},
        "n": 1.0,
        "seen": "2026-01-05T10:00:00+01:00",
    }
    assert attempt.metrics == [{"name": "A", "value": 1}, {"name": "A", "value": None}]
    assert attempt.actions == [
        {"kind": "sms", "to": "+15550001", "from": "+15550002", "content": "hello", "retry_count": 2}
    ]
    assert attempt.status == 0 and attempt.output == ""


def test_an_exception_shows_the_users_own_lines(run):
    attempt = run(
        """
        from .crm import save

        def end_function(conv):
            conv.state.before = 1
            save({"a": 1})
        """,
        files={
            "functions/crm.py": """
            import json

            def save(record):
                try:
                    return record["phone"]
                except KeyError as missing:
                    raise RuntimeError("no phone: " + json.dumps(record)) from missing
            """
        },
    )
    assert attempt.outcome == "raised"
    error = attempt.error
    assert (error["type"], error["message"]) == ("RuntimeError", 'no phone: {"a": 1}')
    assert [(f["file"], f["line"], f["function"], f["own"]) for f in error["frames"]] == [
        ("functions/end_function.py", 6, "end_function", True),
        ("functions/crm.py", 8, "save", True),
    ]
    assert error["frames"][0]["source"] == '    save({"a": 1})'
    assert error["cause"]["type"] == "KeyError" and error["cause"]["frames"][0]["line"] == 6
    assert error["traceback"].splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "functions/crm.py", line 6, in save',
        '    return record["phone"]',
    ]
    assert "direct cause" in error["traceback"] and "aftercall" not in error["traceback"]
    assert attempt.state == {"before": 1}, "state up to the exception is kept"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("raise SystemExit(3)", "SystemExit"),
        ("exit()", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("return undefined_name", "NameError"),
        ("raise ExceptionGroup('many', [ValueError(n) for n in range(50)])", "ExceptionGroup"),
        ("def f(): f()\n    f()", "RecursionError"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", "functions.end_function.Odd"),
        ("raise ValueError('x' * 10**7)", "ValueError"),
    ],
)
def test_whatever_is_raised_is_told_and_small(run, body, kind):
    attempt = run(f"def end_function(conv):\n    {body}\n")
    assert attempt.outcome == "raised"
    assert attempt.error["type"] == kind
    assert attempt.error["frames"][0]["file"] == "functions/end_function.py"
    assert len(json.dumps(attempt.error)) < 64 * 1024


def test_of_a_deep_traceback_both_ends_are_told_also_below_the_member_of_a_group(run):
    attempt = run(
        """
        def deep(n):
            if n:
                deep(n - 1)
            raise KeyError("k")

        def end_function(conv):
            try:
                deep(99)
            except KeyError as error:
                member = ValueError("v")
                member.__cause__ = error
            try:
                deep(99)
            except KeyError as second:
                raise ExceptionGroup("many", [member]) from second
        """
    )
    frames = attempt.error["cause"]["frames"]
    assert [frame["function"] for frame in frames] == ["end_function", *["deep"] * 9]
    assert frames[5]["left_out"] == 91 and frames[-1]["source"].strip() == 'raise KeyError("k")'
    assert "ValueError: v\n  | (caused by KeyError: 'k')" in attempt.error["traceback"]


def test_a_cycle_of_causes_ends(run):
    attempt = run(
        """
        def end_function(conv):
            a, b = ValueError("a"), ValueError("b")
            a.__cause__, b.__cause__ = b, a
            raise a
        """
    )
    assert attempt.error["cause"]["message"] == "b" and attempt.error["cause"]["cause"] is None


def test_a_long_chain_of_causes_stays_small_and_keeps_both_ends(run):
    attempt = run(
        """
        def deep(n):
            if n == 0:
                raise ValueError("x" * 100_000)
            try:
                deep(n - 1)
            except Exception as error:
                raise RuntimeError(f"level {n} " + "y" * 50_000) from error

        def end_function(conv): deep(30)
        """
    )
    assert len(json.dumps(attempt.error)) < 120 * 1024
    assert attempt.error["message"].startswith("level 30 ") and attempt.error["cause"]["message"].startswith(
        "level 29 "
    )
    assert attempt.error["traceback"].endswith("characters were cut off]") and "left out" in attempt.error["traceback"]


def test_running_out_of_memory_is_an_error_like_any_other(zygote):
    process = zygote(
        """
        def end_function(conv):
            conv.log.info("before")
            kept = []
            while True:
                kept.append(bytearray(8 << 20))
        """,
        limits={"cpu_s": 60, "address_space": 512 << 20, "file_size": 0, "open_files": 256},
    )
    attempt = process.run()
    assert attempt.outcome == "raised" and attempt.error["type"] == "MemoryError"
    assert attempt.texts == ["before"]


def test_async_functions_run_to_their_end(run):
    attempt = run(
        """
        import asyncio

        async def end_function(conv):
            conv.state.got = await asyncio.gather(*(later(n) for n in range(3)))

        async def later(n):
            await asyncio.sleep(0.01)
            return n
        """
    )
    assert attempt.state == {"got": [0, 1, 2]}


def test_an_awaitable_that_a_plain_function_returns_is_awaited(run):
    attempt = run(
        """
        async def work(conv):
            conv.state.done = True

        def end_function(conv):
            return work(conv)
        """
    )
    assert attempt.state == {"done": True}


def test_threads_and_atexit_finish_before_the_result(run):
    attempt = run(
        """
        import atexit, threading, time
        from concurrent.futures import ThreadPoolExecutor

        pool = None
        atexit.register(lambda: log.info("registered at import"))

        def end_function(conv):
            global pool
            pool = ThreadPoolExecutor(2)
            pool.submit(lambda: (time.sleep(0.1), conv.log.info("executor")))
            threading.Thread(target=lambda: (time.sleep(0.2), conv.log.info("thread"))).start()
            threading.Thread(target=lambda: time.sleep(60), daemon=True).start()
            atexit.register(lambda: conv.write_metric("FLUSHED"))
            conv.log.info("returned")
        """,
        fork="fork",
    )
    assert attempt.texts == ["returned", "executor", "thread", "registered at import"]
    assert attempt.metrics == [{"name": "FLUSHED", "value": None}]


@pytest.mark.parametrize(
    "what", ["threading.Thread(target=lambda: time.sleep(60)).start()", "atexit.register(time.sleep, 60)"]
)
def test_grace_ends_and_the_run_ends_as_it_returned(run, what):
    began = time.monotonic()
    attempt = run(
        f"import atexit, threading, time\n\ndef end_function(conv):\n    conv.state.x = 1\n    {what}\n", grace_s=0.3
    )
    assert time.monotonic() - began < 10
    assert attempt.outcome == "returned" and attempt.state == {"x": 1}
    assert "cut off" in attempt.texts[-1] and attempt.logs[-1]["logger"] == "runtime"


def test_what_state_cannot_keep_does_not_lose_the_run(run):
    attempt = run(
        """
        def end_function(conv):
            conv.state.good = 1
            conv.state.deep = {"file": open("x", "w"), "f": end_function}
        """
    )
    assert attempt.outcome == "returned"
    assert attempt.state["good"] == 1
    note = attempt.state["deep"]["f"]
    assert note["$type"] == "object" and note["fields"]["repr"].startswith("<function end_function")
    assert [text.split(":")[0] for text in attempt.texts] == ["conv.state/deep/file", "conv.state/deep/f"]


def test_classes_of_the_project_come_back_as_those_classes(run):
    code = """
        from functions.models import Order, Size

        def end_function(conv):
            order = conv.state.order
            assert type(order) is Order and order.size is Size.BIG, order
            order.total += 1
            conv.state.unknown = conv.state.other.note
    """
    models = """
        from dataclasses import dataclass
        from enum import Enum
        import subprocess

        class Size(Enum):
            BIG = 1

        @dataclass
        class Order:
            total: int
            size: Size

            def __post_init__(self):
                raise AssertionError
    """
    size = {"$type": "enum", "class": "functions.models.Size", "name": "BIG"}
    order = {"$type": "object", "class": "functions.models.Order", "fields": {"total": 1, "size": size}}
    other = {"$type": "object", "class": "functions.models.subprocess.Popen", "fields": {"note": "x"}}
    attempt = run(code, {"id": "1", "state": {"order": order, "other": other}}, {"functions/models.py": models})
    assert attempt.outcome == "returned", attempt.error
    assert attempt.state["order"] == {**order, "fields": {"total": 2, "size": size}}
    assert attempt.state["other"] == other
    assert "functions.models.subprocess.Popen is not part of this project" in attempt.texts[0]


@pytest.mark.parametrize(
    ("conversation", "path"),
    [({"id": "1", "state": {"a": [{"$type": "no"}]}}, "/state/a/0"), ({"id": "1", "state": [1]}, "/state")],
)
def test_input_that_cannot_be_rebuilt_is_refused(run, conversation, path):
    attempt = run("def end_function(conv): raise AssertionError", conversation)
    assert attempt.outcome == "refused_input" and attempt.error["path"] == path


@pytest.mark.parametrize("raw", [b"[]", b"{", b"\xff", b"", b"{} x"])
def test_input_that_is_no_conversation_is_refused(run, raw):
    assert run("def end_function(conv): raise AssertionError", raw).outcome == "refused_input"


def test_a_protocol_version_that_is_not_known_is_said(run):
    assert run("def end_function(conv): pass", version=9).outcome == "version"


def test_logs_stop_at_their_limit_with_one_last_entry(run):
    code = "def end_function(conv):\n    for n in range(100): print(n)\n    conv.state.x = 1"
    attempt = run(code, limits={"log_entries": 5, "log_bytes": 1000})
    assert attempt.texts[:5] == ["0", "1", "2", "3", "4"]
    assert len(attempt.logs) == 7 and attempt.texts[5].startswith("log limit reached (5 entries")
    assert "entries were left out" in attempt.texts[6]
    assert attempt.state == {"x": 1}
    attempt = run(code.replace("print(n)", "print('y' * 90)"), limits={"log_entries": 500, "log_bytes": 1000})
    assert len(attempt.logs) == 13 and "1,000 bytes" in attempt.texts[-2]


def test_one_huge_entry_is_cut_and_says_so(run):
    attempt = run(
        """
        def end_function(conv):
            conv.log.info("é" * 200_000, big="x" * 100_000, bad=float("nan"), o=object(), d={1: {2}})
            print("z" * 100_000)
        """
    )
    assert "more characters were cut off" in attempt.logs[0]["content"]
    fields = attempt.logs[0]["fields"]
    assert len(fields["big"]) > 5_000 and "cut off" in fields["big"]
    assert (fields["bad"], fields["d"]) == ("nan", {"1": "{2}"}), "the others are kept whole"
    assert "".join(attempt.texts[1:]) == "z" * 100_000


def test_fields_may_be_anything(run):
    attempt = run(
        """
        class Bad:
            def __repr__(self): raise ValueError

        def end_function(conv):
            circle = []; circle.append(circle)
            conv.log.warning(ValueError("boom"), is_pii=True, error=KeyError("k"), bad=Bad(), n=float("inf"),
                             circle=circle, templates={1: (2, 3)}, half="\\ud800")
        """
    )
    entry = attempt.logs[0]
    assert (entry["content"], entry["is_pii"]) == ("boom", True)
    assert entry["fields"]["error"] == "KeyError('k')" and entry["fields"]["templates"] == {"1": [2, 3]}


def test_an_argument_for_the_text_of_an_entry_is_kept_and_warned_of_once(run):
    attempt = run(
        """
        import plog

        def end_function(conv):
            conv.log.info("user %s paid", "bob")
            conv.log.error("no %d", 5, order=7)
            plog.info("%s", [1])
            conv.log.info("quiet", True)
            conv.log.info("quiet", 0)
            conv.log.info("quiet", None)
        """
    )
    assert [(e["content"], e["is_pii"], e["fields"]) for e in attempt.logs if e["logger"] != "runtime"] == [
        ("user %s paid", True, {"args": "bob"}),
        ("no %d", True, {"order": 7, "args": 5}),
        ("%s", True, {"args": [1]}),
        ("quiet", True, None),
        ("quiet", False, None),
        ("quiet", False, None),
    ]
    (warning,) = [e for e in attempt.logs if e["logger"] == "runtime"]
    assert warning["level"] == "warning" and "f-string" in warning["content"]


def test_a_result_that_is_too_large_is_said_not_lost(run):
    attempt = run("def end_function(conv): conv.state.big = 'x' * (17 << 20)")
    assert attempt.outcome == "raised" and attempt.error["type"] == "ResultTooLarge"
    assert "state 17,8" in attempt.error["message"]


def test_what_native_code_prints_goes_to_the_output(run):
    attempt = run("import os\ndef end_function(conv): os.write(1, b'native'); os.write(2, b' both')")
    assert attempt.output == "native both"


def test_a_child_that_exits_or_is_killed_leaves_no_result_and_its_logs(zygote):
    process = zygote(
        """
        import os, signal

        def end_function(conv):
            conv.log.info("here")
            if conv.id == "exit":
                os._exit(5)
            os.kill(os.getpid(), signal.SIGSEGV)
        """
    )
    gone = process.run({"id": "exit"})
    assert gone.result is None and os.waitstatus_to_exitcode(gone.status) == 5 and gone.texts == ["here"]
    killed = process.run({"id": "kill"})
    assert killed.result is None and os.waitstatus_to_exitcode(killed.status) == -signal.SIGSEGV
    assert process.run({"id": "exit"}).texts == ["here"], "the zygote serves on"


def test_frames_of_many_threads_stay_whole(run):
    attempt = run(
        """
        from concurrent.futures import ThreadPoolExecutor

        def end_function(conv):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda n: conv.log.info(f"{n}:" + "x" * 5000), range(200)))
        """
    )
    assert sorted(int(text.split(":")[0]) for text in attempt.texts) == list(range(200))
    assert all(text.endswith("x" * 5000) for text in attempt.texts)


def test_conversations_share_nothing_that_one_of_them_changed(zygote):
    process = zygote(
        """
        import os, random, tempfile, uuid
        from pathlib import Path

        COUNT = []
        tempfile.gettempdir()

        def end_function(conv):
            COUNT.append(1)
            os.environ["LEFT"] = "x"
            Path("left").write_text("x")
            with tempfile.NamedTemporaryFile() as file:
                conv.state.folder = os.path.dirname(file.name) == os.getcwd()
            conv.state.seen = [len(COUNT), len(os.listdir("."))]
            conv.state.random = random.random()
            conv.state.uuids = [str(uuid.uuid4()), str(uuid.uuid1())]
        """
    )
    first, second = process.run(seed=b"1" * 32).state, process.run(seed=b"2" * 32).state
    again = process.run(seed=b"1" * 32).state
    assert first["seen"] == second["seen"] == [1, 1] and first["folder"] is True
    assert first["random"] != second["random"] and first["random"] == again["random"]
    assert (
        len({*first["uuids"], *second["uuids"], *again["uuids"]}) == 5
    )  # a uuid4 is the same again; a uuid1 has the time in it


def test_descriptors_of_the_zygote_do_not_reach_a_child(run):
    attempt = run("import os\ndef end_function(conv): conv.state.fds = sorted(map(int, os.listdir('/proc/self/fd')))")
    assert attempt.state["fds"][:4] == [0, 1, 2, 3] and len(attempt.state["fds"]) == 5  # one lists the folder


def test_children_run_at_the_same_time_and_each_hears_its_own(zygote):
    process = zygote("import time\ndef end_function(conv):\n    time.sleep(0.3)\n    conv.state.me = conv.id\n")
    began = time.monotonic()
    running = [process.start({"id": str(n)}) for n in range(5)]
    attempts = []
    for one in running:
        one.zygote = _NoPackets(process)
        attempts.append(one.finish())
    assert [attempt.state["me"] for attempt in attempts] == list("01234")
    assert time.monotonic() - began < 1.4
    reports = {process.packet()[0][:9] for _ in running}
    assert reports == {b"X" + n.to_bytes(8, "little") for n in range(1, 6)}


class _NoPackets:
    """Leaves the reports of exits to the test."""

    fork = "none"

    def __init__(self, zygote):
        self.control = zygote.control


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff\x01",
        b"\x00\x00\x00\x01\x01\xff",
        b"\x00\x00\x00\x01\x07\xa0",
        b"\x00\x00\x00\x03\x01\xa1\x00\x01",
        b"",
    ],
)
def test_rubbish_instead_of_a_start_frame_ends_the_child_alone(zygote, first):
    process = zygote("def end_function(conv): pass")
    running = process.start(first=first)
    running.channel.shutdown(socket.SHUT_WR)
    attempt = running.finish()
    assert attempt.result is None and os.waitstatus_to_exitcode(attempt.status) == 118
    assert process.run().outcome == "returned"


def test_the_zygotes_end_ends_its_children(zygote):
    process = zygote("import time\ndef end_function(conv):\n    print('up')\n    time.sleep(60)\n")
    running = process.start({"id": "x"})
    running.channel.recv(65536)
    process.close()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{running.pid}").exists() and "Z" not in Path(f"/proc/{running.pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


def test_one_process_can_serve_one_request_without_a_fork(run):
    attempt = run("def end_function(conv): conv.state.x = conv.id", {"id": "only"}, mode="once", fork="none")
    assert attempt.state == {"x": "only"}


def test_a_project_with_threads_is_imported_in_the_child(run, zygote):
    code = """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,), daemon=True, name="agent").start()

        def end_function(conv):
            conv.state.threads = sorted(t.name for t in threading.enumerate())
    """
    assert zygote(code).answer["ready"]["threads"] == ["agent"]
    attempt = run(code, mode="late_import", fork="fork")
    assert attempt.state == {"threads": ["MainThread", "agent"]}


def test_a_late_import_that_fails_makes_the_attempt_unready(run):
    attempt = run("import nothing_of_that_name", mode="late_import")
    assert attempt.outcome == "unready"
    assert attempt.error["code"] == "AC0203" and attempt.error["line"] == 1


def test_the_canary_tells_what_gets_through(run):
    found = run("def end_function(conv): raise AssertionError", canary=True).state
    assert set(found["read_etc_passwd"]) == {"outcome"} and found["read_etc_passwd"]["outcome"] == "succeeded"
    assert {entry["outcome"] for entry in found.values()} <= {"refused", "succeeded"} and len(found) >= 25


@pytest.mark.skipif(not PRELOAD, reason="AFTERCALL_PRELOAD names no library")
def test_the_library_forks(zygote):
    process = zygote("import os\ndef end_function(conv): conv.state.n = conv.id")
    assert [process.run({"id": str(n)}).state["n"] for n in range(50)] == [str(n) for n in range(50)]


def test_what_the_log_limit_leaves_out_is_told_as_it_grows(run):
    code = "def end_function(conv):\n    for n in range(3000): print('y' * 1000)"
    attempt = run(code, limits={"log_entries": 5, "log_bytes": 10_000})
    assert 2_950_000 - (1 << 20) < attempt.dropped <= 3000 * 1064  # the rest is less than a notice


def test_how_much_the_log_limit_left_out_is_told(run):
    attempt = run(
        """
        def end_function(conv):
            for number in range(1_000):
                conv.log.info(str(number))
        """,
        limits={"log_entries": 5, "log_bytes": 10_000},
    )
    assert attempt.texts[4:][0] == "4" and attempt.texts[-1] == "log limit reached: 995 entries were left out"


def test_names_of_metrics_are_bounded_and_told(run):
    attempt = run(
        """
        def end_function(conv):
            conv.write_metric("", 1)
            conv.write_metric("é" * 256, 2)
            conv.write_metric("é" * 257, 3)
        """
    )
    assert attempt.outcome == "returned" and [metric["value"] for metric in attempt.metrics] == [2, 3]
    assert attempt.metrics[0]["name"] == "é" * 256 and len(attempt.metrics[1]["name"].encode()) <= 512
    assert "not kept" in attempt.texts[0] and "it was cut" in attempt.texts[1] and len(attempt.texts) == 2


def test_a_placeholder_that_nothing_fills_is_warned_of(run):
    attempt = run(
        """
        def end_function(conv):
            conv.send_sms_template("+1", "bye")
            conv.state.name = "Ada"
            conv.send_sms_template("+1", "greet")
        """,
        {
            "id": "c-1",
            "sms_templates": {
                "bye": {"content": "Bye {{vrbl:name}}, ${shop} $5", "phone_number": "+2"},
                "greet": {"content": "Hi $name", "phone_number": "+2"},
            },
        },
    )
    assert attempt.texts == ["send_sms_template('bye'): nothing fills {{vrbl:name}}, ${shop}: sent as it stands"]
    assert attempt.actions[1]["content"] == "Hi Ada"


def test_an_unknown_time_zone_is_warned_of(run):
    attempt = run(
        """
        def end_function(conv):
            conv.set_timezone("Europe/Berlin")
            conv.set_timezone("Mars/Olympus")
            conv.state.zone = conv.timezone
        """
    )
    assert attempt.state == {"zone": "Mars/Olympus"} and len(attempt.texts) == 1
    assert "there is no time zone 'Mars/Olympus'" in attempt.texts[0]
