# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`conv.state`."""

from collections.abc import Iterable, Mapping
from typing import Any

class State(dict[str, Any]):
    """A dict whose keys are attributes too.

    `state.x = v` is `state["x"] = v`; `state.missing` is None, `state["missing"]` a KeyError.

    The built-in keys (`from_`, `to`, `call_sid`, …) answer when they are asked for and absent, by attribute, key,
    `get` and `in`; they are not listed, counted or kept, so that state after a run holds what was really set.
    """

    def __init__(
        self,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        builtin: Mapping[str, Any] | None = None,
        /,
        **more: object,
    ) -> None: ...
    def __contains__(self, key: object) -> bool: ...
    def get(self, key: str, default: object = None) -> Any:
        """`self[key]`, or `default`."""

    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: object) -> None: ...
    def __delattr__(self, name: str) -> None: ...
    def copy(self) -> State:
        """A shallow copy that is a `State` too."""

class ReadOnlyDict(dict[str, Any]):
    """A dict that raises TypeError when it is changed."""

class RealtimeConfig(ReadOnlyDict):
    """`conv.real_time_config`."""

    def __init__(self, **values: object) -> None: ...
