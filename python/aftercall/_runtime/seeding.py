"""Randomness of a child.

A fork copies the zygote's generators: without this every conversation would draw the same numbers. Python's own
at-fork handlers would reseed `random`, but the fast fork skips them, and nobody reseeds numpy's.
"""

from __future__ import annotations

import sys


def reseed(seed: bytes) -> None:
    """Seeds what the zygote has loaded from the attempt's 32 bytes. `os.urandom` is the kernel's and needs nothing."""
    modules = sys.modules
    random = modules.get("random")
    if random is not None:
        random.seed(int.from_bytes(seed, "big"))
    uuid = modules.get("uuid")
    if uuid is not None:
        # Two children forked in one tick of the clock must not make the same uuid1.
        uuid._last_timestamp = None  # type: ignore[attr-defined]
        uuid._generate_time_safe = None  # type: ignore[attr-defined]
    numpy_random = modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(int.from_bytes(seed[:4], "big"))
    tempfile = modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None  # type: ignore[attr-defined]  # may have been found while importing; the child has a folder of its own
