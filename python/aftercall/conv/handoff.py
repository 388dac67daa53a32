"""Hand-off: where a call can be, and was, transferred to."""

from __future__ import annotations

from collections.abc import Mapping

from aftercall.conv.record import Record


class HandoffConfig(Record):
    """How a destination is reached."""

    def __init__(
        self,
        sip_type: str,
        sip_config: dict[str, object] | None = None,
        sip_headers: dict[str, object] | None = None,
    ) -> None:
        self.sip_type = sip_type
        self.sip_config = dict(sip_config or {})
        self.sip_headers = dict(sip_headers or {})

    @classmethod
    def from_dict(cls, d: Mapping[str, object]) -> HandoffConfig:
        """From `sip_type`, `sip_config`, `sip_headers`."""
        config, headers = d.get("sip_config"), d.get("sip_headers")
        return cls(
            str(d.get("sip_type", "")),
            dict(config) if isinstance(config, dict) else None,
            dict(headers) if isinstance(headers, dict) else None,
        )


class Handoff(Record):
    """A transfer: to where, and why. `handoff` says how, if that is known."""

    def __init__(self, handoff: HandoffConfig | None, reason: str | None, destination: str | None = None) -> None:
        self.handoff = handoff
        self.reason = reason
        self.destination = destination

    @classmethod
    def from_dict(cls, d: Mapping[str, object]) -> Handoff:
        """From `destination`, `reason` and, if it is there, `handoff`."""
        config, reason, destination = d.get("handoff"), d.get("reason"), d.get("destination")
        return cls(
            HandoffConfig.from_dict(config) if isinstance(config, dict) else None,
            None if reason is None else str(reason),
            None if destination is None else str(destination),
        )

    def to_response(self) -> dict[str, object]:
        """`handoff`, `reason`, `destination` as plain data."""
        return {
            "handoff": dict(self.handoff.__dict__) if self.handoff else None,
            "reason": self.reason,
            "destination": self.destination,
        }
