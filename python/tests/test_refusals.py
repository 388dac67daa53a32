"""What confinement refuses is told with what to use instead."""

from __future__ import annotations

import errno

import pytest

from aftercall._runtime import refusals


def _calls(call: str) -> str:
    """A project whose function does `call`."""
    return f"""
        import os, socket

        def end_function(conv):
            {call}
        """


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("socket.getaddrinfo('aftercall.invalid', 80)", refusals.NETWORK),
        ("raise OSError(27, 'File too large')", refusals.SIZE),
        ("os.fork = lambda: 0; raise PermissionError(1, 'Operation not permitted')", refusals.PROCESS),
        ("raise PermissionError(13, 'Permission denied', '/etc/shadow')", refusals.FILE),
        ("raise PermissionError(1, 'Operation not permitted')", refusals.OTHER),
    ],
)
def test_a_refusal_has_a_hint(run, call, told):
    attempt = run(_calls(call))
    assert attempt.outcome == "raised" and attempt.error["message"].endswith(told)
    assert told in attempt.error["traceback"]


def test_a_refused_cause_has_a_hint_too(run):
    attempt = run(
        """
        def end_function(conv):
            try:
                raise PermissionError(13, "Permission denied", "/etc/x")
            except PermissionError as error:
                raise RuntimeError("no settings") from error
        """
    )
    assert attempt.error["message"] == "no settings" and refusals.FILE in attempt.error["traceback"]


def test_memory_that_a_recursion_has_used_up_is_told_as_that_and_an_extensions_fault_is_not(zygote):
    code = """
        import sys

        def deeper(n):
            return deeper(n + 1)

        def end_function(conv):
            if conv.state.deep:
                sys.setrecursionlimit(10**9)
                deeper(0)
            raise SystemError("error return without exception set")
        """
    limits = {"cpu_s": 60, "address_space": 256 << 20, "file_size": 0, "open_files": 256}
    process = zygote(code, limits=limits)
    attempt = process.run({"id": "1", "state": {"deep": True}})
    assert (attempt.error["type"], attempt.error["code"]) == ("SystemError", "AC0305")
    assert attempt.error["message"].endswith(refusals.MEMORY)
    attempt = process.run({"id": "2"})
    assert attempt.error["message"] == "error return without exception set" and "code" not in attempt.error


@pytest.mark.parametrize("file", ["socket.py", "subprocess.py"])
def test_the_library_that_asked_tells_what_was_refused(file):
    namespace: dict[str, object] = {}
    source = f"def ask(): raise PermissionError({errno.EPERM}, 'Operation not permitted')"
    exec(compile(source, f"/usr/lib/python3/{file}", "exec"), namespace)
    with pytest.raises(PermissionError) as caught:
        namespace["ask"]()
    assert refusals.hint(caught.value) == (refusals.NETWORK if file == "socket.py" else refusals.PROCESS)


@pytest.mark.parametrize(
    "error", [OSError(2, "No such file"), KeyError("x"), OSError("told by a library"), TimeoutError()]
)
def test_other_errors_have_none(error):
    assert refusals.hint(error) is None


def test_a_command_that_did_not_run_is_warned_of(run):
    attempt = run(
        """
        import os

        def end_function(conv):
            conv.state.status = os.system("exit 127")
        """
    )
    assert attempt.state == {"status": 32512}
    assert any(text.startswith("os.system: the command was not run") for text in attempt.texts)
