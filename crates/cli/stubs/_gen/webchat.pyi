# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Web chat: what can be attached to a message."""

from typing import Any

from _gen.dial import TooLate
from _gen.record import Record

class Attachment(Record):
    """Something shown beside a message. `content_type`: image, weblink, video, graph or unspecified."""

    content_url: str | None
    content_type: str
    title: str | None
    preview_image_url: str | None
    call_to_action: str | None
    chart_spec: dict[str, Any] | None

    def __init__(
        self,
        content_url: str | None = None,
        content_type: str = "unspecified",
        title: str | None = None,
        preview_image_url: str | None = None,
        call_to_action: str | None = None,
        chart_spec: dict[str, Any] | None = None,
    ) -> None: ...
    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""

class ChatCallAction(Record):
    """A button that calls a number."""

    contact_number: str
    title: str | None

    def __init__(self, contact_number: str, title: str | None = None) -> None: ...
    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""

class WebchatInterface:
    """`conv.webchat`."""

    def __init__(self, too_late: TooLate = ...) -> None: ...
    @property
    def chat_call_actions(self) -> list[ChatCallAction]:
        """The buttons that were set."""

    def set_chat_call_actions(self, actions: list[ChatCallAction]) -> None:
        """Only during the call."""
