"""Agentic dial: destinations that the agent could bring into the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from aftercall.conv.record import Record


class Destination(Record):
    """Someone to call."""

    def __init__(self, name: str, phone_number: str, sip_headers: dict[str, str] | None = None) -> None:
        self.name = name
        self.phone_number = phone_number
        self.sip_headers = dict(sip_headers or {})

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Destination:
        """From `name`, `phone_number` and `sip_headers`."""
        headers = data.get("sip_headers")
        return cls(str(data["name"]), str(data["phone_number"]), dict(headers) if isinstance(headers, dict) else None)

    def to_dict(self) -> dict[str, object]:
        """`name`, `phone_number`, `sip_headers`."""
        return {"name": self.name, "phone_number": self.phone_number, "sip_headers": dict(self.sip_headers)}


class AgenticDialConfig(Record):
    """The destinations that are configured."""

    def __init__(self, destinations: list[Destination] | None = None) -> None:
        self.destinations = list(destinations or [])

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> AgenticDialConfig:
        """From `{"destinations": […]}`."""
        items = data.get("destinations")
        return cls([Destination.from_dict(item) for item in items] if isinstance(items, list) else [])


class AgenticDialData(Record):
    """What the call knew of dialling when it ended."""

    def __init__(
        self,
        config: AgenticDialConfig | None = None,
        active_dial_destinations: list[str] | None = None,
        dial_id: str | None = None,
    ) -> None:
        self.config = config or AgenticDialConfig()
        self.active_dial_destinations = list(active_dial_destinations or [])
        self.dial_id = dial_id

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> AgenticDialData:
        """From `{"config", "active_dial_destinations", "dial_id"}`."""
        config, active, dial = (data.get(key) for key in ("config", "active_dial_destinations", "dial_id"))
        return cls(
            AgenticDialConfig.from_dict(config) if isinstance(config, dict) else None,
            [str(name) for name in active] if isinstance(active, list) else None,
            dial if isinstance(dial, str) else None,
        )


class MessageToParent(Record):
    """Words for the agent that dialled."""

    def __init__(self, content: str) -> None:
        self.content = content


class MessageToChild(Record):
    """Words for an agent that was dialled."""

    def __init__(self, destination: str, content: str) -> None:
        self.destination = destination
        self.content = content


#: Called with the name of what the code tried that only makes sense during the call.
TooLate = Callable[[str], None]


def _unheard(_what: str) -> None:
    """Where no conversation is at hand, nobody hears that the call had ended."""


class Destinations:
    """The destinations by name."""

    def __init__(self, destinations: list[Destination], too_late: TooLate = _unheard) -> None:
        self._destinations = {destination.name: destination for destination in destinations}
        self._too_late = too_late

    def __iter__(self) -> Iterator[Destination]:
        return iter(self._destinations.values())

    def __len__(self) -> int:
        return len(self._destinations)

    def __getitem__(self, name: str) -> Destination:
        return self._destinations[name]

    def add(self, *, name: str, phone_number: str, sip_headers: dict[str, str] | None = None) -> None:
        """Adds one; the call has ended, so nobody will dial it."""
        self._destinations[name] = Destination(name, phone_number, sip_headers)
        self._too_late("agentic_dial.destinations.add")

    def clear(self) -> None:
        """Removes all."""
        self._destinations.clear()
        self._too_late("agentic_dial.destinations.clear")


class AgenticDial:
    """`conv.agentic_dial`."""

    def __init__(self, data: AgenticDialData | None = None, too_late: TooLate = _unheard) -> None:
        data = data or AgenticDialData()
        self._active = list(data.active_dial_destinations)
        self._too_late = too_late
        self.destinations = Destinations(data.config.destinations, too_late)

    @property
    def active_destinations(self) -> list[str]:
        """Names of those that were in the call when it ended."""
        return list(self._active)

    def send_to_parent(self, content: str) -> None:
        """Only during the call."""
        self._too_late("agentic_dial.send_to_parent")

    def send_to_child(self, destination: str, content: str) -> None:
        """Only during the call."""
        self._too_late("agentic_dial.send_to_child")

    def unsubscribe_from_destination(self, destination: str) -> None:
        """Only during the call."""
        self._too_late("agentic_dial.unsubscribe_from_destination")
