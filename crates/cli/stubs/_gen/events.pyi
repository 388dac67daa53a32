# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""What reached the conversation from outside while it ran."""

from collections.abc import Mapping
from typing import Any

from _gen.dial import TooLate
from _gen.record import Record

class Event(Record):
    """The base of all events."""

class GenericExternalEvent(Event):
    """A payload that was posted to the conversation. Readable as an object and as a dict."""

    ext_event_id: str
    send_to_llm: bool
    created_at: str | None
    data: str | None
    content_type: str | None

    def __init__(
        self,
        ext_event_id: str,
        send_to_llm: bool,
        created_at: str | None = None,
        data: str | None = None,
        content_type: str | None = None,
    ) -> None: ...
    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> GenericExternalEvent:
        """From a dict with the names of the fields."""

    def keys(self) -> list[str]:
        """The names of the fields."""

    def get(self, key: str, default: object = None) -> Any:
        """The field of that name, or `default`."""

    def __getitem__(self, key: str) -> Any: ...
    def __contains__(self, key: object) -> bool: ...

class SMSReceived(Event):
    """A text message that came in."""

    from_number: str
    to_number: str
    text: str

    def __init__(self, from_number: str, to_number: str, text: str) -> None: ...

class ExternalEvents:
    """Waiting for events during the call."""

    def __init__(self, sms_received: list[SMSReceived], too_late: TooLate = ...) -> None: ...
    def listen_for_sms_next_turn(self, timeout: float = 20) -> None:
        """Only during the call."""

    def get_sms_received_history(self) -> list[SMSReceived]:
        """Messages that came in during the call."""
