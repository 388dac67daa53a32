"""How a function ends, and how it is told when the ending is an odd one."""

from __future__ import annotations

import os

import pytest


def test_a_function_that_used_up_all_threads_has_returned_all_the_same(run):
    attempt = run(
        """
        import atexit, resource, threading, time

        def end_function(conv):
            conv.state.x = 1
            atexit.register(lambda: conv.write_metric("FLUSHED"))
            atexit.register(lambda: None)
            size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 20), resource.RLIM_INFINITY))
            try:
                threading.Thread(target=time.sleep, args=(60,)).start()
            except RuntimeError as error:
                conv.state.error = str(error)
        """
    )
    assert attempt.outcome == "returned", (attempt.error, attempt.output)
    assert attempt.state == {"x": 1, "error": "can't start new thread"}
    assert attempt.metrics == [{"name": "FLUSHED", "value": None}]


def test_the_grace_time_ends_without_a_thread_too(run):
    attempt = run(
        """
        import _thread, atexit, time

        def end_function(conv):
            conv.state.x = 1
            atexit.register(time.sleep, 60)
            def refuse(*_): raise RuntimeError("can't start new thread")
            _thread.start_new_thread = refuse
        """,
        grace_s=0.3,
    )
    assert attempt.outcome == "returned" and attempt.state == {"x": 1} and "cut off" in attempt.texts[-1]


@pytest.mark.parametrize("word", ["def", "async def"])
@pytest.mark.parametrize("way", ["{}", "functools.partial({})", "Callable()"])
def test_a_generator_is_refused_when_the_project_is_loaded(zygote, word, way):
    answer = zygote(
        f"""
        import functools

        {word} written(conv):
            conv.state.ran = True
            yield 1

        class Callable:
            {word} __call__(self, conv):
                yield 1

        end_function = {way.format("written")}
        """
    ).answer
    error = answer["failed"]["error"]
    assert answer["failed"]["code"] == "AC0202" and "is a generator" in error["message"]
    assert error["file"] == "functions/end_function.py" and error["line"] == (9 if "Callable" in way else 4)
    assert "Leave out `yield`" in error["fix"] and "yield" not in error["frames"][0]["source"]


@pytest.mark.parametrize("word", ["def", "async def"])
def test_a_generator_that_comes_back_is_told_of_if_nothing_of_it_ran(run, word):
    attempt = run(
        f"""
        def end_function(conv):
            {word} steps():
                conv.state.ran = True
                yield 1
            conv.state.before = 1
            return steps()
        """
    )
    assert attempt.outcome == "returned" and attempt.state == {"before": 1}
    assert "(steps, line 3) that nobody iterates: none of its body ran" in attempt.texts[0]


def test_a_generator_that_has_begun_or_is_over_is_nobodys_business(run):
    attempt = run(
        """
        def steps():
            yield 1
            yield 2

        def end_function(conv):
            begun, over = steps(), steps()
            next(begun), list(over)
            return begun if conv.id == "begun" else over
        """,
        {"id": "begun"},
    )
    assert attempt.outcome == "returned" and attempt.texts == []


def test_what_decorators_wrapped_in_awaitables_runs_to_its_end(run):
    attempt = run(
        """
        import functools, types

        def traced(function):
            @functools.wraps(function)
            async def wrapper(conv):
                return function(conv)  # forgets to await
            return wrapper

        @types.coroutine
        def inner(conv):
            conv.state.inner = True
            return (yield from later(conv).__await__())

        async def later(conv):
            conv.state.later = True

        @traced
        async def end_function(conv):
            conv.state.outer = True
            return inner(conv)
        """
    )
    assert attempt.outcome == "returned", attempt.error
    assert attempt.state == {"outer": True, "inner": True, "later": True}


def test_the_members_of_a_group_its_notes_and_their_causes_are_told(run):
    attempt = run(
        """
        def fails(n):
            try:
                {}[f"key {n}"]
            except KeyError as missing:
                error = ValueError(f"part {n}")
                error.add_note(f"note {n}")
                raise error from missing

        def caught(n):
            try:
                fails(n)
            except ValueError as error:
                return error

        def end_function(conv):
            inner = ExceptionGroup("inner", [caught(1), caught(2)])
            error = ExceptionGroup("outer", [inner, TypeError("third"), *[OSError(n) for n in range(10)]])
            error.add_note("while saving")
            raise error
        """
    )
    text = attempt.error["traceback"]
    assert attempt.error["message"] == "outer (12 sub-exceptions)\nwhile saving"
    for part in ("| ExceptionGroup: inner", "| ValueError: part 2", "| note 2", "TypeError: third", "… and 7 more"):
        assert part in text, text
    assert "(caused by KeyError: 'key 1')" in text and 'functions/end_function.py", line 8, in fails' in text


@pytest.mark.parametrize(
    "members",
    [
        "__str__ = lambda self: exit()",
        "__notes__ = 5",
        "__notes__ = property(lambda self: 1 / 0)",
        "__class__ = SyntaxError",
        "args = property(lambda self: 1 / 0)",
        "__cause__ = property(lambda self: 1 / 0)",
        "reason = property(lambda self: exit())",
        "__traceback__ = property(lambda self: exit())",
        "exceptions = 5",
    ],
)
def test_an_exception_that_resists_being_looked_at_is_told_as_far_as_it_can_be(run, members):
    attempt = run(
        f"""
        class Odd(Exception):
            {members}

        def end_function(conv):
            conv.state.kept = 1
            raise Odd("odd")
        """
    )
    assert attempt.outcome == "raised", attempt.output
    assert attempt.error["type"].endswith("Odd") and attempt.state == {"kept": 1}


@pytest.mark.parametrize(
    "closes",
    [
        "os.close(3)",
        "os.closerange(3, 100)",
        "os.close(3); open('x', 'w')",
        "os.dup2(os.open('x', os.O_WRONLY | os.O_CREAT), 3)",
        "os.close(3); conv.log.info('unheard')",
        "os.close(3); a, b = os.pipe(); conv.log.info('unheard')",
        "os.close(3)\n    try: print('unheard')\n    except BaseException: pass",
    ],
)
def test_a_function_that_closes_its_channel_ends_with_a_status_that_says_so(run, closes):
    attempt = run(f"import os\ndef end_function(conv):\n    {closes}\n")
    assert attempt.result is None and os.waitstatus_to_exitcode(attempt.status) == 119


def test_a_fault_of_the_runtime_has_a_status_of_its_own_and_says_where(run):
    attempt = run(
        """
        from aftercall._runtime.child import Child

        def end_function(conv):
            def fails(*_): raise AssertionError("ours")
            Child._finish = fails
        """
    )
    assert attempt.result is None and os.waitstatus_to_exitcode(attempt.status) == 118
    assert attempt.output.startswith("aftercall child: AssertionError: ours (") and "child.py:" in attempt.output


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("urllib.request.urlopen('http://crm.example/')", "AC0401"),
        ("try: urllib.request.urlopen('http://crm.example/')\n    except OSError: raise KeyError('x')", "AC0401"),
        ("try: urllib.request.urlopen('http://crm.example/')\n    except OSError: raise KeyError('x') from None", None),
        ("try: urllib.request.urlopen('http://crm.example/')\n    except OSError: pass\n    {}['x']", None),
        ("requests.get('https://crm.example/')", "AC0401"),
        ("raise ConnectionError('AC0401: mine')", None),
    ],
)
def test_an_exception_that_comes_of_a_refused_request_carries_its_code(run, body, code):
    pytest.importorskip("requests")
    attempt = run(f"import requests, urllib.request\n\ndef end_function(conv):\n    {body}\n")
    assert attempt.outcome == "raised" and attempt.error.get("code") == code
    assert attempt.error["frames"][0]["file"] == "functions/end_function.py"


def test_a_traceback_through_an_import_shows_no_machinery(zygote):
    answer = zygote(
        "import importlib\n\nhelper = importlib.import_module('functions.helper')\n\ndef end_function(conv): ...\n",
        {"functions/helper.py": "1 / 0\n"},
    ).answer
    error = answer["failed"]["error"]
    assert [(frame["file"], frame["line"]) for frame in error["frames"]] == [
        ("functions/end_function.py", 3),
        ("functions/helper.py", 1),
    ]
    assert "importlib/__init__.py" not in error["traceback"]


@pytest.mark.parametrize("line", ["from functions.orders import total", "import functions.orders"])
def test_a_single_file_is_told_that_it_has_no_functions_folder(zygote, line):
    answer = zygote(f"{line}\n\ndef end_function(conv): ...\n", entry="after_call.py").answer
    fix = answer["failed"]["error"]["fix"]
    assert answer["failed"]["code"] == "AC0203" and "single file has no functions folder" in fix
    assert "requirements.txt" not in fix


def test_a_timer_that_the_function_left_on_raises_in_nobody_elses_code(run):
    attempt = run(
        """
        import signal, time

        def late(*_): raise TimeoutError("late")

        def end_function(conv):
            conv.state.was = [str(n) for n in range(9000)]
            signal.signal(signal.SIGALRM, late)
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            while True:
                conv.log.info("x", n=1)
        """
    )
    assert attempt.outcome == "raised" and attempt.error["type"] == "TimeoutError", attempt.output
    assert len(attempt.state["was"]) == 9000


def test_state_may_be_replaced_by_a_dict_and_by_nothing_else(run):
    attempt = run("def end_function(conv):\n    conv.state = {'a': 1}\n    conv.state.b = conv.state.a\n")
    assert attempt.state == {"a": 1, "b": 1}
    attempt = run("def end_function(conv):\n    conv.state = None\n")
    assert attempt.error["type"] == "TypeError" and "cannot be replaced by NoneType" in attempt.error["message"]
    assert attempt.error["frames"][0]["line"] == 2


def test_a_metaclass_that_raises_and_an_endless_name_do_no_harm(run):
    attempt = run(
        """
        class Meta(type):
            def __getattribute__(cls, name): raise KeyError("meta")

        class Odd(metaclass=Meta):
            pass

        def end_function(conv):
            conv.log.info(Odd(), value=Odd())
            conv.write_metric("M", Odd())
            conv.state.odd = Odd()
            conv.state.beside = 1
            if conv.id == "raises":
                raise type("E" * 100_000, (Exception,), {"__module__": 5})("x")
        """,
        {"id": "raises"},
    )
    assert attempt.outcome == "raised" and len(attempt.error["type"]) < 500, attempt.output
    assert attempt.state["beside"] == 1 and len(attempt.texts) == 3


def test_what_waits_to_be_finalized_is(run):
    attempt = run(
        """
        import weakref

        class Thing:
            pass

        thing = Thing()

        def end_function(conv):
            weakref.finalize(thing, conv.log.info, "finalized")
        """
    )
    assert attempt.texts == ["finalized"]


def test_atexit_is_as_everywhere_else(run):
    attempt = run(
        """
        import atexit
        from atexit import register

        def gone(): log.info("unregistered")

        @register
        def last(): log.info("first registered, last run")

        def end_function(conv):
            atexit.register(gone)
            atexit.unregister(gone)
            atexit.register(log.info, "with", is_pii=True)
            atexit.register(lambda: 1 / 0)
            try:
                atexit.register(None)
            except TypeError as error:
                log.info(str(error))
        """
    )
    assert attempt.outcome == "returned"
    assert [text for text in attempt.texts if "atexit callback" not in text and not text.startswith(("  ", "Tr"))] == [
        "the first argument must be callable",
        "ZeroDivisionError: division by zero",
        "with",
        "first registered, last run",
    ]
    assert any("Exception ignored in atexit callback" in text for text in attempt.texts)


def test_a_log_handler_that_holds_entries_back_is_flushed(run):
    attempt = run(
        """
        import logging, logging.handlers

        class ToConversation(logging.Handler):
            def emit(self, record): log.info("at last: " + record.getMessage())

        logging.getLogger().addHandler(logging.handlers.MemoryHandler(1000, target=ToConversation()))

        def end_function(conv):
            logging.getLogger("x").warning("held back")
        """
    )
    assert attempt.texts == ["at last: held back"]


def test_what_has_nothing_to_do_at_the_end_costs_nothing(run):
    quiet = "import logging\nlogging.basicConfig()\n\ndef end_function(conv):\n    logging.warning('x')\n"
    assert run(quiet).outcome == "returned"
    attempt = run(quiet + "    from aftercall._runtime import exits\n    log.info(repr(exits.waiting()))\n")
    assert attempt.texts[-1] == "False"
