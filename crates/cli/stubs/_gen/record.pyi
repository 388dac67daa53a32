# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""The base of the small value classes: fields by name, equal when their fields are."""

from typing import Any

class Record:
    """A plain value. `dataclasses` would say the same, but pulls `inspect` into every zygote (1.5 MB, 10 ms)."""

class AttributeDict(dict[str, Any]):
    """A dict whose keys are attributes too; a missing one is None."""

    def __getattr__(self, name: str) -> Any: ...
