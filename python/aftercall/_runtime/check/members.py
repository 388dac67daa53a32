"""What the objects of the runtime have: read from their classes, so that it cannot be out of date."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from aftercall.conv.conversation import Conversation

_RUNTIME = "aftercall.conv."
_TOO_LATE = "Only during the call"
_PLAIN = ("str", "int", "bool", "float", "list", "dict")


@dataclass(frozen=True)
class Member:
    """An attribute of an object of the runtime."""

    #: What can be called. Of a method the first parameter, the object, is not counted.
    function: Callable[..., Any] | None = None
    is_method: bool = False
    #: The class of the value, where it is one whose members are all known.
    kind: type | None = None
    #: Said of a value that cannot be called: `a str`.
    uncallable: str = ""
    #: A property without a way to set it.
    is_fixed: bool = False
    #: It was for the call, which is over.
    is_too_late: bool = False


@cache
def members(kind: type) -> dict[str, Member]:
    """The public attributes of an object of that class."""
    found = {name: Member() for name in _set_in_init(kind)}
    for name in dir(kind):
        if not name.startswith("_"):
            found[name] = _member(kind, name)
    if kind is Conversation:
        found["run"] = Member(kind=sys.modules[f"{_RUNTIME}document"].Run)
    return found


def is_open(kind: type) -> bool:
    """Whether any attribute may be asked for."""
    return "__getattr__" in dir(kind) or issubclass(kind, dict)


def _member(kind: type, name: str) -> Member:
    value = inspect.getattr_static(kind, name)
    if isinstance(value, property | cached_property):
        get = value.fget if isinstance(value, property) else value.func
        said = str(inspect.get_annotations(get).get("return", "")) if get is not None else ""
        is_fixed = isinstance(value, property) and value.fset is None
        said = said.removesuffix(" | None")
        inner = getattr(sys.modules[get.__module__], said, None) if get is not None and said.isidentifier() else None
        if isinstance(inner, type) and inner.__module__.startswith(_RUNTIME) and not is_open(inner):
            return Member(kind=inner, uncallable=f"a {inner.__name__}", is_fixed=is_fixed)
        word = said.partition("[")[0]
        return Member(uncallable=f"a {word}" if word in _PLAIN else "", is_fixed=is_fixed)
    if isinstance(value, classmethod | staticmethod) or not callable(value):
        return Member()
    is_too_late = (getattr(value, "__doc__", "") or "").startswith(_TOO_LATE)
    is_method = not isinstance(value, type)
    return Member(function=value, is_method=is_method, is_too_late=is_too_late and is_method)


def _set_in_init(kind: type) -> set[str]:
    names: set[str] = set()
    for base in kind.__mro__:
        make = vars(base).get("__init__")
        code = getattr(make, "__code__", None)
        if code is not None:
            names |= {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return {name for name in names if not name.startswith("_")}


def call_problem(member: Member, positional: int, keywords: list[str], *, partial: bool) -> str:
    """Why a call does not fit the method, or `""`. `partial`: it has `*args` or `**kwargs`, so some may be given so."""
    if member.function is None:
        return ""
    first = (None,) if member.is_method else ()
    signature = inspect.signature(member.function)
    try:
        bind = signature.bind_partial if partial else signature.bind
        bind(*first, *[None] * positional, **dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return ""


def shown(member: Member, name: str) -> str:
    """A method as it is to be called: `write_metric(name, value=None, *, write_once=False)`."""
    assert member.function is not None
    signature = inspect.signature(member.function)
    parameters = list(signature.parameters.values())[member.is_method :]
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in parameters]
    return f"{name}{signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)}"
