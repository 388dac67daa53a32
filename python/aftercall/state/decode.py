"""From state on the wire to Python values. The format is told in the package's own docstring."""

from __future__ import annotations

from collections.abc import Callable

from aftercall.state.encode import Path, render
from aftercall.state.errors import MAX_DEPTH, MAX_KEYS, OTHER_KEYS, TAG, StateError
from aftercall.state.fields import NotPlain, rebuild
from aftercall.state.scalars import MEMBERS, READERS, UnknownZone
from aftercall.state.standard import standard_class
from aftercall.state.standin import StandIn

#: Class name on the wire → the class, or None if it is not the project's.
Resolve = Callable[[str], type | None]
#: Called with a path and a sentence for what was read otherwise than it was written.
Warn = Callable[[str, str], None]


def has_tags(raw: bytes) -> bool:
    """Whether JSON text can hold a tag at all. False is certain: such state needs no decoding."""
    return TAG.encode() in raw or b"\\u0024" in raw


def gen_class(name: str) -> type | None:
    """The class of `_gen` that a name such as ``_gen.Address`` means."""
    module, _, attribute = name.rpartition(".")
    if module != "_gen":
        return None
    from aftercall._names import gen

    found = getattr(gen, attribute, None)
    return found if isinstance(found, type) else None


def decode_state(
    document: dict[str, object], resolve: Resolve | None = None, warn: Warn | None = None
) -> dict[str, object]:
    """The state that `document`, JSON as `json.loads` gives it, stands for.

    `resolve` finds the project's classes; those of `_gen` and the standard ones are found without it. `warn` hears
    of classes and time zones that are not known here. `StateError` with the path for what cannot be read.
    """
    decoder = _Decoder(resolve, warn)
    others = document.get(OTHER_KEYS)
    if TAG not in document and isinstance(others, dict) and others.get(TAG) == "dict":
        return decoder.with_other_keys(document, others)
    value = decoder.decode(document, 1, None)
    if not isinstance(value, dict):
        raise StateError("", f"state must be an object, not {type(value).__name__}")
    return value


class _Decoder:
    __slots__ = ("_resolve", "_warn")

    def __init__(self, resolve: Resolve | None, warn: Warn | None) -> None:
        self._resolve = resolve
        self._warn = warn

    def with_other_keys(self, document: dict[str, object], others: dict[str, object]) -> dict[str, object]:
        """A root that has entries whose keys no JSON object can have."""
        plain = {key: value for key, value in document.items() if key != OTHER_KEYS}
        more: dict[str, object] = self.decode(others, 2, (None, OTHER_KEYS))  # type: ignore[assignment]
        return {**self._members(plain, 1, None), **more}

    def decode(self, value: object, depth: int, path: Path) -> object:
        if isinstance(value, dict):
            if TAG in value:
                return self._tag(value, depth, path)
            return self._members(value, depth, path)
        if isinstance(value, list):
            self._enter(len(value), depth, path, counted=False)
            return [self.decode(item, depth + 1, (path, index)) for index, item in enumerate(value)]
        return value

    def _members(self, value: dict[str, object], depth: int, path: Path) -> dict[str, object]:
        self._enter(len(value), depth, path, counted=True)
        return {key: self.decode(item, depth + 1, (path, key)) for key, item in value.items()}

    def _enter(self, size: int, depth: int, path: Path, *, counted: bool) -> None:
        if depth > MAX_DEPTH:
            raise StateError(render(path), f"nested deeper than {MAX_DEPTH} levels")
        if counted and size > MAX_KEYS:
            raise StateError(render(path), f"{size:,} keys; one object has at most {MAX_KEYS:,}")

    def _tag(self, tag: dict[str, object], depth: int, path: Path) -> object:
        kind = tag[TAG]
        if not isinstance(kind, str) or kind not in MEMBERS:
            raise StateError(render(path), f"unknown {TAG} {kind!r}")
        for name in tag:
            if name != TAG and name not in MEMBERS[kind]:
                raise StateError(render((path, name)), f"{kind} has no member {name!r}")
        reader = READERS.get(kind)
        if reader is not None:
            try:
                return reader(tag)
            except UnknownZone as problem:
                if problem.fallback is None:
                    raise StateError(render(path), str(problem)) from None
                self._tell(path, f"{problem}: the value keeps its fixed offset")
                return problem.fallback
            except ValueError as problem:
                raise StateError(render(path), f"{kind}: {problem}") from None
        if kind in ("tuple", "set", "frozenset"):
            return self._collection(kind, tag, depth, path)
        if kind == "dict":
            return self._pairs(tag, depth, path)
        if kind == "enum":
            return self._enum(tag, path)
        return self._object(tag, depth, path)

    def _items(self, tag: dict[str, object], depth: int, path: Path) -> tuple[list[object], Path]:
        items = tag.get("items")
        if not isinstance(items, list):
            raise StateError(render(path), f"{tag[TAG]}: expected an array 'items'")
        self._enter(len(items), depth, path, counted=tag[TAG] == "dict")
        return items, (path, "items")

    def _collection(self, kind: str, tag: dict[str, object], depth: int, path: Path) -> object:
        items, below = self._items(tag, depth, path)
        values = [self.decode(item, depth + 1, (below, index)) for index, item in enumerate(items)]
        if kind == "tuple":
            return tuple(values)
        try:
            distinct = frozenset(values)
        except TypeError as problem:
            raise StateError(render(path), f"{kind}: {problem}") from None
        if len(distinct) < len(values):
            raise StateError(render(path), f"{kind}: a member is there twice")
        return set(distinct) if kind == "set" else distinct

    def _pairs(self, tag: dict[str, object], depth: int, path: Path) -> dict[object, object]:
        items, below = self._items(tag, depth, path)
        result: dict[object, object] = {}
        for index, pair in enumerate(items):
            here = (below, index)
            if not isinstance(pair, list) or len(pair) != 2:
                raise StateError(render(here), "dict: expected a pair [key, value]")
            key = self.decode(pair[0], depth + 1, (here, 0))
            try:
                result[key] = self.decode(pair[1], depth + 1, (here, 1))
            except TypeError as problem:
                raise StateError(render((here, 0)), f"dict: {problem}") from None
        return result

    def _class(self, tag: dict[str, object], path: Path) -> tuple[str, type | None]:
        name = tag.get("class")
        if not isinstance(name, str):
            raise StateError(render(path), f"{tag[TAG]}: expected a text 'class'")
        found = gen_class(name) or standard_class(name)
        if found is None and self._resolve is not None:
            found = self._resolve(name)
        if found is None:
            self._tell(path, f"the class {name} is not part of this project: a read-only stand-in takes its place")
        return name, found

    def _enum(self, tag: dict[str, object], path: Path) -> object:
        name, kind = self._class(tag, path)
        member = tag.get("name")
        if not isinstance(member, str):
            raise StateError(render(path), "enum: expected a text 'name'")
        if kind is not None:
            members = getattr(kind, "__members__", None)
            parts = member.split("|")
            if members is not None and all(part in members for part in parts):
                value = members[parts[0]]
                for part in parts[1:]:
                    value |= members[part]
                return value
            self._tell(path, f"{name} has no member {member}: a read-only stand-in takes its place")
        return StandIn(name, {"name": member}, "enum")

    def _object(self, tag: dict[str, object], depth: int, path: Path) -> object:
        name, kind = self._class(tag, path)
        raw = tag.get("fields")
        if not isinstance(raw, dict):
            raise StateError(render(path), "object: expected an object 'fields'")
        self._enter(len(raw), depth, path, counted=True)
        below = (path, "fields")
        fields = {key: self.decode(item, depth + 1, (below, key)) for key, item in raw.items()}
        if kind is not None:
            try:
                return rebuild(kind, dict(fields))
            except (NotPlain, ValueError, TypeError) as problem:
                self._tell(path, f"{name} could not be rebuilt ({problem}): a read-only stand-in takes its place")
        return StandIn(name, fields)

    def _tell(self, path: Path, text: str) -> None:
        if self._warn is not None:
            self._warn(render(path), text)
