"""From Python values to state on the wire. The format is told in the package's own docstring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aftercall.state.errors import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_PLAIN_INT,
    OTHER_KEYS,
    READER_KEYS,
    TAG,
    StateError,
    pointer,
)
from aftercall.state.fields import NotPlain, class_name, object_fields
from aftercall.state.scalars import SCALARS, base64
from aftercall.state.standin import StandIn
from aftercall.texts import dict_items, kind_name, safe_repr, safe_str

#: Called with path, value and reason for what cannot be written; a note takes the value's place.
OnUnsupported = Callable[[str, object, str], None]
#: The way to a value: (way to its container, key), or None at the root. Made into text only for an error.
Path = tuple[object, object] | None

#: Values of one state. A structure that shares its parts can stand for far more than it holds in memory; a result of
#: 16 MiB has no room for more than one value in two bytes.
MAX_VALUES = 8 * 1024 * 1024
#: The key under which a note stands for what a state of more than `MAX_KEYS` entries has beyond them.
MORE_KEYS = "…"


def encode_state(state: Mapping[str, object], on_unsupported: OnUnsupported | None = None) -> dict[str, object]:
    """`state` as JSON-able data, ready for `json.dumps`.

    Without `on_unsupported`, a value that cannot be written (an open file, a function, a value nested too deep)
    raises `StateError` with its path. With it, it is called with path, value and reason, and a note with the value's
    `repr` is written instead: a run that has finished must not be lost because of what it left in state.
    """
    return _Encoder(on_unsupported).root(state)


def render(path: Path) -> str:
    """`path` as a JSON pointer."""
    keys: list[object] = []
    while path is not None:
        keys.append(path[1])
        path = path[0]  # type: ignore[assignment]  # the alias cannot name itself
    text = ""
    for key in reversed(keys):
        text = pointer(text, key if isinstance(key, str | int) else safe_repr(key))
    return text


class _Unsupported(Exception):
    """The value at hand cannot be written; the text says why."""


class _Encoder:
    __slots__ = ("_active", "_on_unsupported", "_values")

    def __init__(self, on_unsupported: OnUnsupported | None) -> None:
        self._on_unsupported = on_unsupported
        self._active: set[int] = set()
        self._values = 0

    def encode(self, value: object, depth: int, path: Path) -> object:
        """`value` on the wire. `depth` is the one it has if it is a container."""
        kind = type(value)
        try:
            if kind is str:
                return value if value.isascii() else _text(value)  # type: ignore[attr-defined,arg-type]
            if value is None or kind is bool:
                return value
            if kind is int:
                return _integer(value)  # type: ignore[arg-type]
            if kind is float:
                return _float(value)  # type: ignore[arg-type]
            if kind is dict:
                return self._dictionary(value, depth, path)  # type: ignore[arg-type]
            if kind is list:
                return self._sequence(value, list(value), depth, path)  # type: ignore[call-overload]
            return self._other(value, kind, depth, path)
        except _Unsupported as problem:
            return self._note(value, path, str(problem))
        except (StateError, MemoryError):
            raise
        except BaseException as error:  # a property of the user's, a time zone, an `__iter__`: never the run's end
            return self._note(value, path, f"looking at it raised {kind_name(error)}: {safe_str(error)[:200]}")

    def root(self, state: Mapping[str, object]) -> dict[str, object]:
        """The whole. It stays a JSON object: entries whose keys none can have are beside the others, as pairs."""
        entries: list[tuple[object, object]] = dict_items(state) if isinstance(state, dict) else [*state.items()]
        more: list[tuple[object, object]] = []
        if len(entries) > MAX_KEYS:
            if self._on_unsupported is None:
                raise StateError("", f"{len(entries):,} keys; one dict keeps at most {MAX_KEYS:,}")
            entries, more = entries[: MAX_KEYS - 2], entries[MAX_KEYS - 2 :]
        self._enter(state, len(entries), 1)
        kept: dict[str, object] = {}
        others: dict[object, object] = {}
        for key, item in entries:
            name = _plain_key(key)
            if name is None or name == OTHER_KEYS:
                others[key] = item
            else:
                kept[name] = self.encode(item, 2, (None, key))
        if others:
            kept[OTHER_KEYS] = self.encode(others, 2, None)
        if more:
            kept[MORE_KEYS] = self._note(dict(more), (None, MORE_KEYS), f"one dict keeps at most {MAX_KEYS:,} keys")
        return kept

    def _dictionary(self, value: dict[object, object], depth: int, path: Path) -> dict[str, object]:
        """A dict: a JSON object where its keys allow that, else tagged pairs."""
        entries = dict_items(value)
        self._enter(value, len(entries), depth)
        if len(entries) > MAX_KEYS:
            raise _Unsupported(f"{len(entries):,} keys; one dict keeps at most {MAX_KEYS:,}")
        try:
            kept: dict[str, object] = {}
            for key, item in entries:
                name = _plain_key(key)
                if name is None:
                    return self._pairs(entries, depth, path)
                kept[name] = self.encode(item, depth + 1, (path, key))
            return kept
        finally:
            self._active.discard(id(value))

    def _pairs(self, entries: list[tuple[object, object]], depth: int, path: Path) -> dict[str, object]:
        pairs = []
        for key, item in entries:
            step = (path, key)
            pairs.append([self.encode(key, depth + 1, step), self.encode(item, depth + 1, step)])
        _refuse_twins([_canonical(key) for key, _ in pairs], "keys")
        return {TAG: "dict", "items": pairs}

    def _sequence(self, value: object, items: Sequence[object], depth: int, path: Path) -> list[object]:
        """`items` are the members of `value`, as they were when they were read: a thread may go on adding."""
        self._enter(value, len(items), depth)
        try:
            return [self.encode(item, depth + 1, (path, index)) for index, item in enumerate(items)]
        finally:
            self._active.discard(id(value))

    def _enter(self, value: object, size: int, depth: int) -> None:
        self._values += size
        if self._values > MAX_VALUES:
            raise StateError("", f"state stands for more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise _Unsupported(f"nested deeper than {MAX_DEPTH} levels")
        if id(value) in self._active:
            raise _Unsupported("it contains itself")
        self._active.add(id(value))

    def _other(self, value: object, kind: type, depth: int, path: Path) -> object:
        """Everything that is not JSON's own type exactly: by class, the nearest base first."""
        if kind is StandIn:
            return self._stand_in(value, depth, path)  # type: ignore[arg-type]
        names = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
        if "enum.Enum" in names:
            return _enum(value)
        if kind.__module__.startswith("aftercall.conv.") and "builtins.dict" in names:
            return self._object(class_name(kind), dict(dict_items(value)), value, depth, path)  # type: ignore[arg-type]
        if "builtins.tuple" in names and hasattr(kind, "_fields"):
            fields = dict(zip(kind._fields, value, strict=True))  # type: ignore[call-overload]
            return self._object(class_name(kind), fields, value, depth, path)
        for name in names[:-1]:
            if name in SCALARS:
                try:
                    return SCALARS[name](value)
                except ValueError as problem:
                    raise _Unsupported(str(problem)) from None
            members = _MEMBERS.get(name)
            if members is not None:
                items = self._sequence(value, members(value), depth, path)
                if name != "builtins.tuple":
                    items.sort(key=_canonical)
                    _refuse_twins([_canonical(item) for item in items], "members")
                return {TAG: name.removeprefix("builtins."), "items": items}
            if name == "builtins.list":
                return self._sequence(value, list(list.__iter__(value)), depth, path)  # type: ignore[arg-type]
            if name == "builtins.dict":
                return self._dictionary(value, depth, path)  # type: ignore[arg-type]
            plain = _PLAIN_BASES.get(name)
            if plain is not None:
                return self.encode(plain(value), depth, path)
        try:
            fields = object_fields(value)
        except NotPlain as problem:
            raise _Unsupported(str(problem)) from None
        return self._object(class_name(kind), fields, value, depth, path)

    def _object(self, name: str, fields: dict[str, object], value: object, depth: int, path: Path) -> object:
        self._enter(fields, len(fields), depth)
        if id(value) in self._active:
            raise _Unsupported("it contains itself")
        if len(fields) > MAX_KEYS:
            raise _Unsupported(f"{len(fields):,} fields; one object keeps at most {MAX_KEYS:,}")
        self._active.add(id(value))
        try:
            encoded = {
                key: self.encode(item, depth + 1, (path, key)) for key, item in fields.items() if type(key) is str
            }
            return {TAG: "object", "class": name, "fields": encoded}
        finally:
            self._active.discard(id(value))
            self._active.discard(id(fields))

    def _stand_in(self, value: StandIn, depth: int, path: Path) -> object:
        name, fields, kind = value.__reduce__()[1]
        if kind == "enum":
            return {TAG: "enum", "class": name, "name": fields["name"]}
        return self._object(name, fields, value, depth, path)

    def _note(self, value: object, path: Path, reason: str) -> object:
        if self._on_unsupported is None:
            raise StateError(render(path), f"{kind_name(value)} cannot be kept in state: {reason}")
        self._on_unsupported(render(path), value, reason)
        try:
            name = class_name(type(value))
        except BaseException:  # a class may say anything of itself
            name = "builtins.object"
        return {TAG: "object", "class": name, "fields": {"repr": safe_repr(value)}}


def _refuse_twins(texts: list[str], what: str) -> None:
    """Objects that compare by identity can be written alike; a reader would take them for one."""
    if len(set(texts)) < len(texts):
        raise _Unsupported(f"two {what} that are written alike")


def _plain_key(key: object) -> str | None:
    """The key as a JSON object has it; None if none can. A `str` subclass that compares as text is that text."""
    kind = type(key)
    if kind is not str:
        if not issubclass(kind, str) or kind.__eq__ is not str.__eq__ or kind.__hash__ is not str.__hash__:
            return None
        key = str.__str__(key)
    text: str = key  # type: ignore[assignment]
    if text == TAG or text in READER_KEYS or not (text.isascii() or _is_unicode(text)):
        return None
    return text


def _is_unicode(text: str) -> bool:
    """Whether `text` can be UTF-8, i.e. holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: str) -> object:
    if _is_unicode(value):
        return value
    return {TAG: "str", "value": base64(value.encode("utf-16-le", "surrogatepass"))}


def _integer(value: int) -> object:
    if -MAX_PLAIN_INT <= value <= MAX_PLAIN_INT:
        return value
    try:
        return {TAG: "int", "value": str(value)}
    except ValueError as error:  # more digits than the interpreter converts
        raise _Unsupported(str(error)) from None


def _float(value: float) -> object:
    if value - value == 0.0:  # finite: neither nan - nan nor inf - inf is zero
        return value
    return {TAG: "float", "value": "nan" if value != value else "inf" if value > 0 else "-inf"}


def _enum(value: object) -> object:
    name = value.name  # type: ignore[attr-defined]
    if not isinstance(name, str):  # flags with bits that no member names
        raise _Unsupported("a combination of flags that has no name")
    return {TAG: "enum", "class": class_name(type(value)), "name": name}


def _canonical(item: object) -> str:
    from json import dumps

    return dumps(item, sort_keys=True, separators=(",", ":"))


#: Subclasses of JSON's scalars are written as what they are a kind of.
_PLAIN_BASES: dict[str, Callable[..., object]] = {
    "builtins.str": str.__str__,
    "builtins.int": int.__index__,
    "builtins.float": float.__float__,
    "builtins.mappingproxy": dict,
}
#: What the collections hold, without asking an `__iter__` of a subclass.
_MEMBERS: dict[str, Callable[..., list[object]]] = {
    "builtins.tuple": lambda value: list(tuple.__iter__(value)),
    "builtins.set": lambda value: list(set.__iter__(value)),
    "builtins.frozenset": lambda value: list(frozenset.__iter__(value)),
}
