"""What only makes sense while somebody is there to hear it.

None of it raises for valid arguments: shared helper code calls it, and the run must not fail because the call is
over. Each leaves a warning on the run that names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from aftercall.conv.dial import AgenticDial
from aftercall.conv.document import ConversationDocument
from aftercall.conv.errors import MissingHandoff
from aftercall.conv.events import ExternalEvents
from aftercall.conv.host import current
from aftercall.conv.voice import VoiceType, VoiceWeighting
from aftercall.conv.webchat import Attachment, ChatCallAction, WebchatInterface
from aftercall.texts import safe_str


def too_late(what: str) -> None:
    """Leaves the warning that `what` had no effect."""
    current.host.log("warning", f"conv.{what} had no effect: the call had ended", False, "runtime", None)


class KnowledgeBase:
    """`conv.knowledge_base`."""

    def __init__(self, disabled_topics: Iterable[str]) -> None:
        self._disabled = list(disabled_topics)

    @property
    def disabled_topics(self) -> list[str]:
        """Topics that the agent did not answer about."""
        return list(self._disabled)

    def disable_topics(self, names: Iterable[str]) -> None:
        """Only during the call."""
        self._disabled += [name for name in names if name not in self._disabled]
        too_late("knowledge_base.disable_topics")

    def enable_topics(self, names: Iterable[str]) -> None:
        """Only during the call."""
        enabled = set(names)
        self._disabled = [name for name in self._disabled if name not in enabled]
        too_late("knowledge_base.enable_topics")

    def enable_all_topics(self) -> None:
        """Only during the call."""
        self._disabled = []
        too_late("knowledge_base.enable_all_topics")


class DuringCall(ConversationDocument):
    """The calls of `conv` that came too late."""

    @cached_property
    def webchat(self) -> WebchatInterface:
        """What a web chat can show."""
        return WebchatInterface(too_late)

    @property
    def chat_call_actions(self) -> list[ChatCallAction]:
        """The buttons that were set on the chat."""
        return self.webchat.chat_call_actions

    @cached_property
    def agentic_dial(self) -> AgenticDial:
        """Bringing others into the call."""
        return AgenticDial(self._agentic_dial_data, too_late)

    @cached_property
    def external_events(self) -> ExternalEvents:
        """Waiting for events."""
        return ExternalEvents(self._sms_received, too_late)

    @cached_property
    def knowledge_base(self) -> KnowledgeBase:
        """Topics that the agent answers about."""
        topics = self._mapping("knowledge_base").get("disabled_topics")
        return KnowledgeBase([str(topic) for topic in topics] if isinstance(topics, list) else [])

    @cached_property
    def attachments(self) -> list[Attachment]:
        """What would have gone with the next message."""
        return [Attachment(**item) for item in self._records("attachments")]  # type: ignore[arg-type]

    @cached_property
    def response_suggestions(self) -> list[str]:
        """What would have been suggested as an answer."""
        return [str(text) for text in self._list("response_suggestions")]

    def say(self, utterance: str) -> None:
        """Only during the call."""
        too_late("say")

    def goto_flow(self, flow_name: str) -> None:
        """Only during the call."""
        too_late("goto_flow")

    def exit_flow(self) -> None:
        """Only during the call."""
        too_late("exit_flow")

    def set_voice(self, voice: VoiceType) -> None:
        """Only during the call."""
        too_late("set_voice")

    def randomize_voice(self, voice_weights: list[VoiceWeighting]) -> None:
        """Only during the call."""
        too_late("randomize_voice")

    def set_language(self, language: str) -> None:
        """Only during the call."""
        too_late("set_language")

    def set_asr_biasing(self, keywords: list[str] | None = None, custom_biases: dict[str, float] | None = None) -> None:
        """Only during the call."""
        too_late("set_asr_biasing")

    def clear_asr_biasing(self) -> None:
        """Only during the call."""
        too_late("clear_asr_biasing")

    def set_variant(self, variant: str) -> None:
        """Only during the call."""
        too_late("set_variant")

    def set_timezone(self, name: str) -> None:
        """Sets `timezone` for what the function does after it. A zone that nobody knows leaves a warning."""
        from zoneinfo import ZoneInfo

        self.timezone = name
        try:
            ZoneInfo(name)
        except Exception as error:  # whatever was given: what is wrong with it is told, and no reason to end the run
            text = f"set_timezone: there is no time zone {safe_str(name)!r} ({type(error).__name__})"
            current.host.log("warning", text, False, "runtime", None)

    def add_attachments(self, attachments: list[Attachment]) -> None:
        """Only during the call."""
        self.attachments.extend(attachments)
        too_late("add_attachments")

    def set_response_suggestions(self, suggestions: list[str]) -> None:
        """Only during the call."""
        self.response_suggestions = list(suggestions)
        too_late("set_response_suggestions")

    def disable_kb_topics(self, topics: list[str]) -> None:
        """Only during the call."""
        too_late("disable_kb_topics")

    def clear_disabled_kb_topics(self) -> None:
        """Only during the call."""
        too_late("clear_disabled_kb_topics")

    def set_background_track(self, name: str, loudness: float = -40) -> None:
        """Only during the call."""
        too_late("set_background_track")

    def call_handoff(
        self,
        destination: str,
        reason: str | None = None,
        utterance: str | None = None,
        sip_headers: dict[str, str] | None = None,
        route: str | None = None,
    ) -> None:
        """Only during the call. `MissingHandoff` for a destination that the project does not have."""
        if destination not in self.handoffs:
            raise MissingHandoff(destination)
        too_late("call_handoff")
