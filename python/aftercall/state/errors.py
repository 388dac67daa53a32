"""The limits of state on the wire, and the one error both directions raise."""

from __future__ import annotations

#: Values nest at most this deep; the root is 1. The same number stands in the Rust side.
MAX_DEPTH = 64
#: Keys of one dict, or fields of one object.
MAX_KEYS = 10_000
#: Digits of one integer: CPython's own default limit for converting text to int.
MAX_INT_DIGITS = 4_300
#: Integers up to this size are exact in every JSON reader (IEEE 754 doubles).
MAX_PLAIN_INT = 2**53
#: The key that marks a tag.
TAG = "$type"
#: The key of the root that holds, as a ``dict`` tag, the entries whose keys no JSON object can have.
OTHER_KEYS = "$other_keys"
#: Keys that the supervisor's JSON reader takes for marks of its own.
READER_KEYS = frozenset({"$serde_json::private::Number", "$serde_json::private::RawValue"})


class StateError(ValueError):
    """State that cannot be read, or a value that cannot be written.

    `path` is a JSON pointer to the place (``""`` is the root); `reason` says what is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or '(root)'}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[StateError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


def pointer(path: str, key: object) -> str:
    """`path` extended by one step, escaped as RFC 6901 says."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
