# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Agentic dial: destinations that the agent could bring into the call."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from _gen.record import Record

class Destination(Record):
    """Someone to call."""

    name: str
    phone_number: str
    sip_headers: dict[str, str] | None

    def __init__(self, name: str, phone_number: str, sip_headers: dict[str, str] | None = None) -> None: ...
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Destination:
        """From `name`, `phone_number` and `sip_headers`."""

    def to_dict(self) -> dict[str, Any]:
        """`name`, `phone_number`, `sip_headers`."""

class AgenticDialConfig(Record):
    """The destinations that are configured."""

    destinations: list[Destination] | None

    def __init__(self, destinations: list[Destination] | None = None) -> None: ...
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AgenticDialConfig:
        """From `{"destinations": […]}`."""

class AgenticDialData(Record):
    """What the call knew of dialling when it ended."""

    config: AgenticDialConfig
    active_dial_destinations: list[str] | None
    dial_id: str | None

    def __init__(
        self,
        config: AgenticDialConfig | None = None,
        active_dial_destinations: list[str] | None = None,
        dial_id: str | None = None,
    ) -> None: ...
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AgenticDialData:
        """From `{"config", "active_dial_destinations", "dial_id"}`."""

class MessageToParent(Record):
    """Words for the agent that dialled."""

    content: str

    def __init__(self, content: str) -> None: ...

class MessageToChild(Record):
    """Words for an agent that was dialled."""

    destination: str
    content: str

    def __init__(self, destination: str, content: str) -> None: ...

TooLate: TypeAlias = Callable[[str], None]

class Destinations:
    """The destinations by name."""

    def __init__(self, destinations: list[Destination], too_late: TooLate = ...) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, name: str) -> Destination: ...
    def add(self, *, name: str, phone_number: str, sip_headers: dict[str, str] | None = None) -> None:
        """Adds one; the call has ended, so nobody will dial it."""

    def clear(self) -> None:
        """Removes all."""

class AgenticDial:
    """`conv.agentic_dial`."""

    destinations: Destinations

    def __init__(self, data: AgenticDialData | None = None, too_late: TooLate = ...) -> None: ...
    @property
    def active_destinations(self) -> list[str]:
        """Names of those that were in the call when it ended."""

    def send_to_parent(self, content: str) -> None:
        """Only during the call."""

    def send_to_child(self, destination: str, content: str) -> None:
        """Only during the call."""

    def unsubscribe_from_destination(self, destination: str) -> None:
        """Only during the call."""
