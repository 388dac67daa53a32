# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Hand-off: where a call can be, and was, transferred to."""

from collections.abc import Mapping
from typing import Any

from _gen.record import Record

class HandoffConfig(Record):
    """How a destination is reached."""

    sip_type: str
    sip_config: dict[str, Any] | None
    sip_headers: dict[str, Any] | None

    def __init__(
        self, sip_type: str, sip_config: dict[str, Any] | None = None, sip_headers: dict[str, Any] | None = None
    ) -> None: ...
    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> HandoffConfig:
        """From `sip_type`, `sip_config`, `sip_headers`."""

class Handoff(Record):
    """A transfer: to where, and why. `handoff` says how, if that is known."""

    handoff: HandoffConfig | None
    reason: str | None
    destination: str | None

    def __init__(self, handoff: HandoffConfig | None, reason: str | None, destination: str | None = None) -> None: ...
    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Handoff:
        """From `destination`, `reason` and, if it is there, `handoff`."""

    def to_response(self) -> dict[str, Any]:
        """`handoff`, `reason`, `destination` as plain data."""
