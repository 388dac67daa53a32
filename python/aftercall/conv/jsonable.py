"""Any object as data that JSON holds: what a function logs, queues or writes as a metric.

The copy is made by the types that values really have, not by what they say of themselves: a `dict` subclass whose
`items()` raises still gives its content, and `__class__` is not asked.
"""

from __future__ import annotations

from json import JSONEncoder

from aftercall.state.errors import READER_KEYS
from aftercall.texts import MAX_INT_BITS, dict_items, escaped, integer_text, safe_repr, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Levels of dicts and lists. The supervisor reads far deeper; nobody reads a log entry that deep.
MAX_DEPTH = 32
#: Entries of one dict or list: a long one must not take the place of what stands beside it.
MAX_ENTRIES = 1_000
#: Characters of one key.
MAX_KEY = 256

_encoder = JSONEncoder(ensure_ascii=False, allow_nan=False)


class Limits:
    """How much of one object is kept: `values` in all, and characters of each `text`."""

    __slots__ = ("text", "values")

    def __init__(self, values: int, text: int) -> None:
        self.values = values
        self.text = text


def json_text(data: object) -> str:
    """What `jsonable` gave, as JSON."""
    return _encoder.encode(data)


def jsonable(
    value: object, limits: Limits, leaf: Callable[[object], str] = safe_repr, notes: list[str] | None = None
) -> object:
    """`value` as JSON-able data. What JSON lacks becomes text by `leaf`; what goes beyond a limit is cut.

    What was cut is said in its place, and in `notes` with the way to it (``content_variables.order``).
    """
    return _Copy(limits, leaf, notes if notes is not None else []).of(value, 1, "")


class _Copy:
    __slots__ = ("_active", "_leaf", "_left", "_limits", "_notes")

    def __init__(self, limits: Limits, leaf: Callable[[object], str], notes: list[str]) -> None:
        self._limits = limits
        self._leaf = leaf
        self._notes = notes
        self._left = limits.values
        self._active: set[int] = set()

    def of(self, value: object, depth: int, path: str) -> object:
        """The copy. `depth` is the one that `value` has if it is a container."""
        kind = type(value)
        if kind is str:
            return self._text(value, path)  # type: ignore[arg-type]
        if value is None or kind is bool:
            return value
        if issubclass(kind, int):
            return self._integer(int.__index__(value), path)  # type: ignore[arg-type]
        if issubclass(kind, float):
            number = float.__float__(value)  # type: ignore[arg-type]
            return number if number - number == 0.0 else float.__repr__(number)
        if issubclass(kind, str):
            return self._text(str.__str__(value), path)
        if issubclass(kind, dict | list | tuple):
            return self._container(value, kind, depth, path)
        return self._text(self._leaf(value), path)

    def _container(self, value: object, kind: type, depth: int, path: str) -> object:
        if id(value) in self._active:
            return self._note(path, "it contains itself")
        if depth > MAX_DEPTH:
            return self._note(path, f"nested deeper than {MAX_DEPTH} levels")
        self._active.add(id(value))
        try:
            if issubclass(kind, dict):
                return self._dict(dict_items(value), depth, path)  # type: ignore[arg-type]
            if issubclass(kind, list):
                return self._list(list(list.__iter__(value)), depth, path)  # type: ignore[arg-type]
            return self._list(list(tuple.__iter__(value)), depth, path)  # type: ignore[arg-type]
        finally:
            self._active.discard(id(value))

    def _dict(self, items: list[tuple[object, object]], depth: int, path: str) -> dict[str, object]:
        kept: dict[str, object] = {}
        for done, (key, value) in enumerate(items):
            name = self._key(key, kept)
            if self._left <= 0 or done == MAX_ENTRIES:
                kept["…"] = self._note(path, f"{len(items) - done:,} more entries were left out")
                break
            self._left -= 1
            kept[name] = self.of(value, depth + 1, f"{path}.{name}" if path else name)
        return kept

    def _list(self, items: list[object], depth: int, path: str) -> list[object]:
        kept: list[object] = []
        for index, value in enumerate(items):
            if self._left <= 0 or index == MAX_ENTRIES:
                kept.append(self._note(path, f"{len(items) - index:,} more items were left out"))
                break
            self._left -= 1
            kept.append(self.of(value, depth + 1, f"{path}[{index}]"))
        return kept

    def _key(self, key: object, taken: dict[str, object]) -> str:
        """A key as text, as `json` writes it, and different from those before it: 1 and "1" are two keys."""
        kind = type(key)
        if issubclass(kind, str):
            text = str.__str__(key)
        elif key is None or kind is bool:
            text = {None: "null", True: "true", False: "false"}[key]  # type: ignore[index]
        elif issubclass(kind, int) and int.__index__(key).bit_length() <= MAX_INT_BITS:  # type: ignore[arg-type]
            text = int.__repr__(key)
        else:
            text = safe_repr(key)
        text = escaped(shortened(text, MAX_KEY))
        if text in READER_KEYS:
            text = f"\\{text}"
        name, count = text, 1
        while name in taken:
            count += 1
            name = f"{text} ({count})"
        return name

    def _integer(self, value: int, path: str) -> object:
        if value.bit_length() <= MAX_INT_BITS:
            return value
        text = integer_text(value)
        self._notes.append(f"{path}: {text}")
        return text

    def _text(self, text: str, path: str) -> str:
        if len(text) > self._limits.text:
            self._notes.append(f"{path}: {len(text):,} characters; {self._limits.text:,} are kept")
            text = shortened(text, self._limits.text)
        return escaped(text)

    def _note(self, path: str, what: str) -> str:
        self._notes.append(f"{path}: {what}")
        return f"… [{what}]"
