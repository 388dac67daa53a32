"""What a case comes to, in words that can be compared: its result, or the type of what it raised."""

from __future__ import annotations

import sys


def _name(value):
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def outcome(case, world):
    """`{"result": …}` or `{"raised": [type, type of what is inside it]}`."""
    try:
        return {"result": case(world)}
    except BaseException as error:
        told = {"raised": _types(error)}
        if "--verbose" in sys.argv:
            import traceback

            told["traceback"] = traceback.format_exc()
        return told


def _types(error):
    """Its type, and of what it carries: libraries wrap what they catch, and code looks inside."""
    names = []
    while isinstance(error, BaseException) and len(names) < 5:
        names.append(_name(error))
        error = next((item for item in _inside(error) if isinstance(item, BaseException)), None)
    return names


def _inside(error):
    yield from (getattr(error, "reason", None), getattr(error, "os_error", None), *error.args)
