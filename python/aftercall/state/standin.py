"""What stands where a class is not known here: the fields, readable, not changeable."""

from __future__ import annotations


class StandIn:
    """A value whose class is not known to this project.

    The fields are attributes. It cannot be changed, it equals another one of the same class and fields, and it is
    written as it was read, so that a run that only passes it on loses nothing.
    """

    __slots__ = ("_class_name", "_fields", "_kind")

    _class_name: str
    _fields: dict[str, object]
    _kind: str

    def __init__(self, class_name: str, fields: dict[str, object], kind: str = "object") -> None:
        object.__setattr__(self, "_class_name", class_name)
        object.__setattr__(self, "_fields", fields)
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name: str) -> object:
        # `copy` and `pickle` ask for special names before the slots are filled.
        if name.startswith("__") or name in StandIn.__slots__:
            raise AttributeError(name)
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(
                f"{self._class_name} (its class is not part of this project) has no field {name!r}"
            ) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self._class_name} is not part of this project: its fields are read-only")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self._class_name} is not part of this project: its fields are read-only")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StandIn):
            return NotImplemented
        return (self._kind, self._class_name, self._fields) == (other._kind, other._class_name, other._fields)

    def __hash__(self) -> int:
        # Fields may be unhashable; an enum member (the usual dict key) has its name alone.
        return hash((self._kind, self._class_name, len(self._fields)))

    def __reduce__(self) -> tuple[type[StandIn], tuple[str, dict[str, object], str]]:
        return StandIn, (self._class_name, self._fields, self._kind)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields})

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in self._fields.items())
        return f"<{self._class_name}({inner}), class not known here>"
