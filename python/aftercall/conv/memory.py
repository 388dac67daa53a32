"""What is known of the caller from before: read-only."""

from __future__ import annotations

from collections.abc import Mapping

from aftercall.conv.record import AttributeDict


class Memory:
    """`conv.memory`: a missing key raises KeyError."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, key: str) -> object:
        return self._values[key]

    def get(self, key: str, default: object = None) -> object:
        """The value, or `default`."""
        return self._values.get(key, default)

    def fields(self) -> list[str]:
        """The keys."""
        return list(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Memory({self._values!r})"


class ContextVault(AttributeDict):
    """`conv.context_vault`: fields that the channel vouches for. By attribute or key; a missing one is None."""

    def __missing__(self, _key: str) -> None:
        return None

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("context_vault is read-only")

    def _refuse(self, *_args: object, **_kwargs: object) -> None:
        raise TypeError("context_vault is read-only")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse  # type: ignore[assignment]
    clear = _refuse
    pop = _refuse
    popitem = _refuse  # type: ignore[assignment]
    setdefault = _refuse
    update = _refuse
