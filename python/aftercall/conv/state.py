"""`conv.state`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class State(dict[str, object]):
    """A dict whose keys are attributes too.

    `state.x = v` is `state["x"] = v`; `state.missing` is None, `state["missing"]` a KeyError.

    The built-in keys (`from_`, `to`, `call_sid`, …) answer when they are asked for and absent, by attribute, key,
    `get` and `in`; they are not listed, counted or kept, so that state after a run holds what was really set.
    """

    __slots__ = ("_builtin",)

    _builtin: Mapping[str, object]

    def __init__(
        self,
        values: Mapping[str, object] | Iterable[tuple[str, object]] = (),
        builtin: Mapping[str, object] | None = None,
        /,
        **more: object,
    ) -> None:
        super().__init__(values, **more)
        object.__setattr__(self, "_builtin", builtin or {})

    def __missing__(self, key: str) -> object:
        return self._builtin[key]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or key in self._builtin

    def get(self, key: str, default: object = None) -> object:
        """`self[key]`, or `default`."""
        if dict.__contains__(self, key):
            return dict.__getitem__(self, key)
        return self._builtin.get(key, default)

    def __getattr__(self, name: str) -> object:
        # Special names are asked for by `copy`, `pickle` and the like: a None there would be called.
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def copy(self) -> State:
        """A shallow copy that is a `State` too."""
        return State(self, self._builtin)

    def __reduce__(self) -> tuple[type[State], tuple[dict[str, object], dict[str, object]]]:
        return type(self), (dict(self), dict(self._builtin))


class ReadOnlyDict(dict[str, object]):
    """A dict that raises TypeError when it is changed."""

    def __readonly__(self, *_args: object, **_kwargs: object) -> None:
        raise TypeError(f"{type(self).__name__} is read-only")

    __setitem__ = __readonly__
    __delitem__ = __readonly__
    __ior__ = __readonly__  # type: ignore[assignment]
    clear = __readonly__
    pop = __readonly__
    popitem = __readonly__  # type: ignore[assignment]
    setdefault = __readonly__
    update = __readonly__

    def __deepcopy__(self, memo: dict[int, object]) -> ReadOnlyDict:
        from copy import deepcopy

        return type(self)(**{key: deepcopy(value, memo) for key, value in self.items()})

    def __reduce__(self) -> tuple[object, ...]:
        return _read_only, (type(self), dict(self))


class RealtimeConfig(ReadOnlyDict):
    """`conv.real_time_config`."""

    def __init__(self, **values: object) -> None:
        super().__init__(values)


def _read_only(kind: type[ReadOnlyDict], values: dict[str, object]) -> ReadOnlyDict:
    return kind(**values)
