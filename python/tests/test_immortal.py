"""What the zygote makes immortal, and that children cost less for it where the interpreter knows of that."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from supervisor import ROOT, Zygote

from aftercall._runtime import immortal

WHOLE = """
import gc, sys, types
from aftercall._runtime.immortal import immortalise

class Own:
    pass

def function(text="a default that nobody else has"):
    return text, ("a", ("constant", "of constants"))

own, items = Own(), [1, 2]
before = sys.getrefcount(own), sys.getrefcount(items)
assert immortalise() > 1_000
gc.collect()
code = function.__code__
immortal = [function, code, code.co_consts, function.__defaults__[0], Own, types, types.__dict__]
assert all(sys.getrefcount(item) > 1 << 31 for item in immortal), [sys.getrefcount(item) for item in immortal]
assert (sys.getrefcount(own), sys.getrefcount(items)) == before
assert function() == ("a default that nobody else has", ("a", ("constant", "of constants")))
import dataclasses, json, threading
assert json.loads(json.dumps({"a": [1, None]})) == {"a": [1, None]}
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
"""

KNOWN = sys.version_info[:2] in immortal.VERSIONS


def test_it_is_done_by_exactly_the_interpreters_that_are_known() -> None:
    assert immortal.is_known() == KNOWN


@pytest.mark.skipif(KNOWN, reason="for interpreters whose layout is not known")
def test_elsewhere_nothing_is_touched() -> None:
    assert immortal.immortalise() == 0
    assert sys.getrefcount(immortal.is_known) < 1 << 16


@pytest.mark.skipif(not KNOWN, reason="for CPython 3.12 and 3.13")
def test_code_and_constants_become_immortal_and_users_objects_do_not() -> None:
    # In a process of its own: it cannot be undone.
    subprocess.run([sys.executable, "-c", WHOLE], check=True, env={"PYTHONPATH": str(ROOT)})


@pytest.mark.skipif(not KNOWN, reason="for CPython 3.12 and 3.13")
def test_children_of_a_settled_zygote_copy_fewer_pages(project: Callable[..., Path], tmp_path: Path) -> None:
    folder = project("def end_function(conv):\n    conv.write_metric('A', 1)\n")
    faults = {}
    for settle in (False, True):
        with Zygote(folder, tmp_path, settle=settle) as zygote:
            faults[settle] = statistics.median(zygote.run().usage["faults"] for _ in range(9))
    assert faults[True] < 0.9 * faults[False], faults
