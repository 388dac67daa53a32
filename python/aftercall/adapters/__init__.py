"""Conversations of other frameworks, turned into documents that `aftercall.Client().send` takes.

The frameworks are not imported: what is read are the public attributes of the objects that are handed in.
"""

from __future__ import annotations

from aftercall.adapters.livekit import from_livekit
from aftercall.adapters.pipecat import from_pipecat

__all__ = ["from_livekit", "from_pipecat"]
