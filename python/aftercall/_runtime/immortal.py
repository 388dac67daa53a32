"""Making what the zygote has loaded immortal, so that its children do not write to it.

Whoever uses an object counts a reference in it, and a count that is written is a page that a forked child must first
copy: a third of all its page faults. CPython 3.12 and later do not count references of *immortal* objects (PEP 683).
Code, functions, classes, names and constants become such objects here: they would live as long as the zygote anyhow.

Only the kinds below: nothing depends on their counts or on when they are freed. Lists, arrays, files and instances of
user classes stay as they are. Where the layout is not the known one, nothing is done.
"""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: CPython versions whose layout is known: the count is the low half of an object's first word, and one whose sign bit
#: is set is never written (`refcount.h`; the value is that of the interpreter's own immortal objects).
VERSIONS = ((3, 12), (3, 13))
_IMMORTAL = 0xFFFF_FFFF

#: Tracked objects of the largest zygote in which this is done: about half a second of work, once.
MAX_OBJECTS = 60_000

_KINDS = (
    str,
    bytes,
    int,
    float,
    complex,
    tuple,
    frozenset,
    dict,
    type,
    types.CodeType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.CellType,
    property,
    classmethod,
    staticmethod,
)


def is_known() -> bool:
    """Whether this interpreter lays objects out as expected: by its version, its build, and by looking."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] not in VERSIONS:
        return False
    if sys.abiflags or sys.maxsize != 2**63 - 1 or sys.byteorder != "little":  # debug and free-threaded builds
        return False
    from ctypes import c_uint32

    probe = object()
    before = c_uint32.from_address(id(probe)).value
    held = [probe] * 1_000
    return c_uint32.from_address(id(probe)).value == before + len(held)


def immortalise() -> int:
    """Does it to all that is loaded, and tells to how many objects. To be called before `gc.freeze`.

    A fifth of a second for a small project: for a zygote that serves, not for one that runs a few conversations.
    """
    import gc

    objects = gc.get_objects()
    if len(objects) > MAX_OBJECTS or not is_known():
        return 0
    seen: set[int] = set()
    _make(objects, seen)
    _make(gc.get_referents(*objects), seen)
    return len(seen)


def _make(items: Iterable[object], seen: set[int]) -> None:
    from ctypes import c_uint32

    for item in items:
        address = id(item)
        if address in seen or not isinstance(item, _KINDS):
            continue
        seen.add(address)
        c_uint32.from_address(address).value = _IMMORTAL
        # What the collector does not track tells nobody what it holds: constants of code, and tuples of constants.
        if isinstance(item, types.CodeType):
            held = (item.co_consts, item.co_names, item.co_varnames, item.co_freevars, item.co_cellvars)
            _make((*held, item.co_filename, item.co_name, item.co_qualname), seen)
        elif isinstance(item, tuple | frozenset):
            _make(item, seen)
