"""Aftercall: ``end_function(conv)``, once for every finished conversation.

Importing this package is cheap on purpose: a zygote imports it before the project, and every page
that it touches is a page that each child may have to copy. What is exported is loaded on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall import adapters, client, testing
    from aftercall.adapters import from_livekit, from_pipecat
    from aftercall.client import (
        Accepted,
        AftercallError,
        AsyncClient,
        Client,
        ConversationConflict,
        ConversationDocument,
        InvalidConversation,
        NotAllowed,
        NotFound,
        Problem,
        Retry,
        Run,
        ServerBusy,
        ServerUnreachable,
        UnexpectedAnswer,
        UnwritableConversation,
    )
    from aftercall.state import StateError, decode_state, encode_state

__version__ = "0.1.0"
__all__ = [
    "Accepted",
    "AftercallError",
    "AsyncClient",
    "Client",
    "ConversationConflict",
    "ConversationDocument",
    "InvalidConversation",
    "NotAllowed",
    "NotFound",
    "Problem",
    "Retry",
    "Run",
    "ServerBusy",
    "ServerUnreachable",
    "StateError",
    "UnexpectedAnswer",
    "UnwritableConversation",
    "__version__",
    "adapters",
    "client",
    "decode_state",
    "encode_state",
    "from_livekit",
    "from_pipecat",
    "testing",
]

#: Where each name is that is not of `aftercall.client`.
_HOMES = {
    "StateError": "state",
    "decode_state": "state",
    "encode_state": "state",
    "from_livekit": "adapters",
    "from_pipecat": "adapters",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'aftercall' has no attribute {name!r}")
    from importlib import import_module

    if name in ("adapters", "client", "testing"):
        return import_module(f"aftercall.{name}")
    return getattr(import_module(f"aftercall.{_HOMES.get(name, 'client')}"), name)
