"""What reached the conversation from outside while it ran."""

from __future__ import annotations

from collections.abc import Mapping

from aftercall.conv.dial import TooLate, _unheard
from aftercall.conv.record import Record


class Event(Record):
    """The base of all events."""


class GenericExternalEvent(Event):
    """A payload that was posted to the conversation. Readable as an object and as a dict."""

    def __init__(
        self,
        ext_event_id: str,
        send_to_llm: bool,
        created_at: str | None = None,
        data: str | None = None,
        content_type: str | None = None,
    ) -> None:
        self.ext_event_id = ext_event_id
        self.send_to_llm = send_to_llm
        self.created_at = created_at
        self.data = data
        self.content_type = content_type

    @classmethod
    def from_dict(cls, d: Mapping[str, object]) -> GenericExternalEvent:
        """From a dict with the names of the fields."""
        created, data, content_type = (d.get(key) for key in ("created_at", "data", "content_type"))
        return cls(
            str(d["ext_event_id"]),
            bool(d.get("send_to_llm", False)),
            None if created is None else str(created),
            None if data is None else str(data),
            None if content_type is None else str(content_type),
        )

    def keys(self) -> list[str]:
        """The names of the fields."""
        return list(self.__dict__)

    def get(self, key: str, default: object = None) -> object:
        """The field of that name, or `default`."""
        return self.__dict__.get(key, default)

    def __getitem__(self, key: str) -> object:
        return self.__dict__[key]

    def __contains__(self, key: object) -> bool:
        return key in self.__dict__


class SMSReceived(Event):
    """A text message that came in."""

    def __init__(self, from_number: str, to_number: str, text: str) -> None:
        self.from_number = from_number
        self.to_number = to_number
        self.text = text


class ExternalEvents:
    """Waiting for events during the call."""

    def __init__(self, sms_received: list[SMSReceived], too_late: TooLate = _unheard) -> None:
        self._sms_received = list(sms_received)
        self._too_late = too_late

    def listen_for_sms_next_turn(self, timeout: float = 20) -> None:
        """Only during the call."""
        self._too_late("external_events.listen_for_sms_next_turn")

    def get_sms_received_history(self) -> list[SMSReceived]:
        """Messages that came in during the call."""
        return list(self._sms_received)
