"""Web chat: what can be attached to a message."""

from __future__ import annotations

from aftercall.conv.dial import TooLate, _unheard
from aftercall.conv.record import Record


class Attachment(Record):
    """Something shown beside a message. `content_type`: image, weblink, video, graph or unspecified."""

    def __init__(
        self,
        content_url: str | None = None,
        content_type: str = "unspecified",
        title: str | None = None,
        preview_image_url: str | None = None,
        call_to_action: str | None = None,
        chart_spec: dict[str, object] | None = None,
    ) -> None:
        self.content_url = content_url
        self.content_type = content_type
        self.title = title
        self.preview_image_url = preview_image_url
        self.call_to_action = call_to_action
        self.chart_spec = chart_spec

    def to_dict(self) -> dict[str, object]:
        """The fields by name."""
        return dict(self.__dict__)


class ChatCallAction(Record):
    """A button that calls a number."""

    def __init__(self, contact_number: str, title: str | None = None) -> None:
        self.contact_number = contact_number
        self.title = title

    def to_dict(self) -> dict[str, object]:
        """The fields by name."""
        return dict(self.__dict__)


class WebchatInterface:
    """`conv.webchat`."""

    def __init__(self, too_late: TooLate = _unheard) -> None:
        self._too_late = too_late
        self._actions: list[ChatCallAction] = []

    @property
    def chat_call_actions(self) -> list[ChatCallAction]:
        """The buttons that were set."""
        return list(self._actions)

    def set_chat_call_actions(self, actions: list[ChatCallAction]) -> None:
        """Only during the call."""
        self._actions = list(actions)
        self._too_late("webchat.set_chat_call_actions")
