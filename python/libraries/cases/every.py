"""All cases of a library by name, and what they come to."""

from __future__ import annotations

from importlib import import_module

from functions.common import cases
from functions.outcome import outcome


def table(library):
    """Name → case."""
    module = import_module(f"functions.{library}_cases")
    return module.ALL if hasattr(module, "ALL") else cases(module)


def one(library, name, world, side):
    """What a case comes to; its addresses are below a folder of its own, by which the server knows it."""
    folder = f"/{side}/{library}/{name}"
    own = {key: url + folder if url.startswith("http") else url for key, url in world.items()}
    return outcome(table(library)[name], own)


def run(library, world, wanted=None):
    """What all cases come to, in a plain interpreter."""
    return {name: one(library, name, world, "outside") for name in wanted or table(library)}
