"""The base of the small value classes: fields by name, equal when their fields are."""

from __future__ import annotations


class Record:
    """A plain value. `dataclasses` would say the same, but pulls `inspect` into every zygote (1.5 MB, 10 ms)."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name.lstrip('_')}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"


class AttributeDict(dict[str, object]):
    """A dict whose keys are attributes too; a missing one is None."""

    def __getattr__(self, name: str) -> object:
        # Special names are asked for by `copy`, `pickle` and the like: a None there would be called.
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)
