"""Aftercall: ``end_function(conv)``, once for every finished conversation.

Importing this package is cheap on purpose: a zygote imports it before the project, and every page
that it touches is a page that each child may have to copy. What is exported is loaded on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall.state import StateError, decode_state, encode_state

__version__ = "0.1.0"
__all__ = ["StateError", "__version__", "decode_state", "encode_state"]

_LAZY = frozenset({"StateError", "decode_state", "encode_state"})


def __getattr__(name: str) -> object:
    if name in _LAZY:
        import aftercall.state

        return getattr(aftercall.state, name)
    raise AttributeError(f"module 'aftercall' has no attribute {name!r}")
