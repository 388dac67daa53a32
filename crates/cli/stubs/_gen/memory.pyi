# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""What is known of the caller from before: read-only."""

from collections.abc import Mapping
from typing import Any

from _gen.record import AttributeDict

class Memory:
    """`conv.memory`: a missing key raises KeyError."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None: ...
    def __getitem__(self, key: str) -> Any: ...
    def get(self, key: str, default: object = None) -> Any:
        """The value, or `default`."""

    def fields(self) -> list[str]:
        """The keys."""

    def __contains__(self, key: object) -> bool: ...
    def __len__(self) -> int: ...

class ContextVault(AttributeDict):
    """`conv.context_vault`: fields that the channel vouches for. By attribute or key; a missing one is None."""
