"""Taking objects apart, and putting them together again without calling `__init__`.

Dataclasses, pydantic models (v2, and v1 with `pydantic.v1`), named tuples, dicts of `_gen`, and plain classes:
told apart by what the class has, so that pydantic is never imported here.
"""

from __future__ import annotations

import sys

from aftercall.state.standard import STANDARD_FIELDS, STANDARD_REBUILD

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the class was made by a `class` statement
_FIELDS_SET = "__pydantic_fields_set__"


class NotPlain(TypeError):
    """An object that is more than its attributes; the text says why."""


def class_name(kind: type) -> str:
    """The class on the wire: module and qualified name, with `_gen.` for what `_gen` has, wherever it really lives."""
    name = kind.__qualname__
    if kind.__module__.startswith("aftercall.conv."):
        return f"_gen.{name}"
    gen = sys.modules.get("_gen")
    if gen is not None and getattr(gen, name, None) is kind:
        return f"_gen.{name}"
    return f"{kind.__module__}.{name}"


def object_fields(value: object) -> dict[str, object]:
    """The attributes of `value` that make it what it is. `NotPlain` if attributes do not tell the whole."""
    kind = type(value)
    standard = STANDARD_FIELDS.get(f"{kind.__module__}.{kind.__qualname__}")
    if standard is not None:
        return standard(value)
    if "__dataclass_fields__" not in dir(kind):
        if hasattr(kind, "__pydantic_core_schema__"):
            return _pydantic_fields(value)
        if hasattr(kind, "__fields_set__") and hasattr(kind, "__fields__"):
            return _pydantic_v1_fields(value)
        _refuse_special(kind)
    return _attributes(value)


def rebuild(kind: type, fields: dict[str, object]) -> object:
    """An object of `kind` with `fields`, made without `__init__` and without any setter of the class.

    `NotPlain` when the class's instances cannot be made from attributes.
    """
    standard = STANDARD_REBUILD.get(f"{kind.__module__}.{kind.__qualname__}")
    if standard is not None:
        return standard(kind, fields)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        missing = [name for name in kind._fields if name not in fields]
        if missing:
            raise NotPlain(f"field {missing[0]!r} is missing")
        return tuple.__new__(kind, [fields[name] for name in kind._fields])
    if issubclass(kind, dict):
        mapping = dict.__new__(kind)
        dict.update(mapping, fields)
        return mapping
    if "__dataclass_fields__" not in dir(kind):
        if hasattr(kind, "__pydantic_core_schema__"):
            return _rebuild_pydantic(kind, fields)
        if hasattr(kind, "__fields_set__") and hasattr(kind, "__fields__"):
            return _rebuild_pydantic_v1(kind, fields)
        _refuse_special(kind)
    return _with_attributes(kind, fields)


def _refuse_special(kind: type) -> None:
    """Attributes are the whole of an object only if no base is written in C and nothing says how to pickle it."""
    for base in kind.__mro__[:-1] or kind.__mro__:
        if not base.__flags__ & _HEAP_TYPE or base.__module__ == "builtins":
            raise NotPlain(f"{base.__qualname__} is more than its attributes")
    special = ("__reduce__", "__reduce_ex__", "__getstate__")
    if any(getattr(kind, name) is not getattr(object, name) for name in special):
        raise NotPlain(f"{kind.__qualname__} has a way of its own to be copied")


def _slots(kind: type) -> list[str]:
    names = []
    for base in kind.__mro__:
        declared = base.__dict__.get("__slots__", ())
        for name in (declared,) if isinstance(declared, str) else declared:
            if name.startswith("__") and not name.endswith("__"):
                names.append(f"_{base.__name__.lstrip('_')}{name}")  # as the compiler mangles it
            elif name not in ("__dict__", "__weakref__"):
                names.append(name)
    return names


def _attributes(value: object) -> dict[str, object]:
    kind = type(value)
    fields: dict[str, object] = {}
    for name in _slots(kind):
        try:
            fields[name] = object.__getattribute__(value, name)
        except AttributeError:
            continue  # declared, never set
    fields.update(getattr(value, "__dict__", {}))
    return fields


def _with_attributes(kind: type, fields: dict[str, object]) -> object:
    value: object = object.__new__(kind)
    slots = set(_slots(kind))
    own = value.__dict__ if hasattr(value, "__dict__") else None
    for name, field in fields.items():
        if name in slots:
            object.__setattr__(value, name, field)
        elif own is not None:
            own[name] = field
        else:
            raise NotPlain(f"{kind.__qualname__} has no field {name!r}")
    return value


def _model_fields(kind: type) -> dict[str, object]:
    fields: dict[str, object] = getattr(kind, "__pydantic_fields__", None) or kind.model_fields  # type: ignore[attr-defined]
    return fields


def _pydantic_fields(value: object) -> dict[str, object]:
    known = _model_fields(type(value))
    # What else is in __dict__ are caches (cached_property), which pydantic leaves out too.
    fields = {name: item for name, item in value.__dict__.items() if name in known}
    given: set[str] = value.__pydantic_fields_set__  # type: ignore[attr-defined]
    whole = set(fields)
    for more in (value.__pydantic_extra__, value.__pydantic_private__):  # type: ignore[attr-defined]
        if more:
            fields.update(more)
    extra = value.__pydantic_extra__  # type: ignore[attr-defined]
    if given != whole | set(extra or ()):
        fields[_FIELDS_SET] = set(given)
    return fields


def _rebuild_pydantic(kind: type, fields: dict[str, object]) -> object:
    known = _model_fields(kind)
    privates: dict[str, object] = getattr(kind, "__private_attributes__", None) or {}
    given = fields.pop(_FIELDS_SET, None)
    own = {name: item for name, item in fields.items() if name in known}
    private = {name: item for name, item in fields.items() if name in privates}
    rest = {name: item for name, item in fields.items() if name not in known and name not in privates}
    allows_extra = kind.model_config.get("extra") == "allow"  # type: ignore[attr-defined]
    if rest and not allows_extra:
        raise NotPlain(f"{kind.__qualname__} has no field {next(iter(rest))!r}")
    value: object = object.__new__(kind)
    object.__setattr__(value, "__dict__", own)
    object.__setattr__(value, "__pydantic_extra__", rest if allows_extra else None)
    object.__setattr__(value, "__pydantic_private__", private if privates else None)
    object.__setattr__(value, _FIELDS_SET, given if isinstance(given, set) else set(own) | set(rest))
    return value


def _pydantic_v1_fields(value: object) -> dict[str, object]:
    fields = dict(value.__dict__)
    for name in getattr(type(value), "__private_attributes__", {}):
        try:
            fields[name] = object.__getattribute__(value, name)
        except AttributeError:
            continue
    given: set[str] = value.__fields_set__  # type: ignore[attr-defined]
    if given != set(value.__dict__):
        fields[_FIELDS_SET] = set(given)
    return fields


def _rebuild_pydantic_v1(kind: type, fields: dict[str, object]) -> object:
    privates = getattr(kind, "__private_attributes__", {})
    given = fields.pop(_FIELDS_SET, None)
    value: object = object.__new__(kind)
    own = {name: item for name, item in fields.items() if name not in privates}
    object.__setattr__(value, "__dict__", own)
    object.__setattr__(value, "__fields_set__", given if isinstance(given, set) else set(own))
    for name in privates:
        if name in fields:
            object.__setattr__(value, name, fields[name])
    return value
