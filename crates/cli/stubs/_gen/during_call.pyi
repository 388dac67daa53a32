# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""What only makes sense while somebody is there to hear it.

None of it raises for valid arguments: shared helper code calls it, and the run must not fail because the call is
over. Each leaves a warning on the run that names it.
"""

from collections.abc import Iterable
from functools import cached_property

from _gen.dial import AgenticDial
from _gen.document import ConversationDocument
from _gen.events import ExternalEvents
from _gen.voice import VoiceType, VoiceWeighting
from _gen.webchat import Attachment, ChatCallAction, WebchatInterface

class KnowledgeBase:
    """`conv.knowledge_base`."""

    def __init__(self, disabled_topics: Iterable[str]) -> None: ...
    @property
    def disabled_topics(self) -> list[str]:
        """Topics that the agent did not answer about."""

    def disable_topics(self, names: Iterable[str]) -> None:
        """Only during the call."""

    def enable_topics(self, names: Iterable[str]) -> None:
        """Only during the call."""

    def enable_all_topics(self) -> None:
        """Only during the call."""

class DuringCall(ConversationDocument):
    """The calls of `conv` that came too late."""

    @cached_property
    def webchat(self) -> WebchatInterface:
        """What a web chat can show."""

    @property
    def chat_call_actions(self) -> list[ChatCallAction]:
        """The buttons that were set on the chat."""

    @cached_property
    def agentic_dial(self) -> AgenticDial:
        """Bringing others into the call."""

    @cached_property
    def external_events(self) -> ExternalEvents:
        """Waiting for events."""

    @cached_property
    def knowledge_base(self) -> KnowledgeBase:
        """Topics that the agent answers about."""

    @cached_property
    def attachments(self) -> list[Attachment]:
        """What would have gone with the next message."""

    @cached_property
    def response_suggestions(self) -> list[str]:
        """What would have been suggested as an answer."""

    def say(self, utterance: str) -> None:
        """Only during the call."""

    def goto_flow(self, flow_name: str) -> None:
        """Only during the call."""

    def exit_flow(self) -> None:
        """Only during the call."""

    def set_voice(self, voice: VoiceType) -> None:
        """Only during the call."""

    def randomize_voice(self, voice_weights: list[VoiceWeighting]) -> None:
        """Only during the call."""

    def set_language(self, language: str) -> None:
        """Only during the call."""

    def set_asr_biasing(self, keywords: list[str] | None = None, custom_biases: dict[str, float] | None = None) -> None:
        """Only during the call."""

    def clear_asr_biasing(self) -> None:
        """Only during the call."""

    def set_variant(self, variant: str) -> None:
        """Only during the call."""

    def set_timezone(self, name: str) -> None:
        """Sets `timezone` for what the function does after it. A zone that nobody knows leaves a warning."""

    def add_attachments(self, attachments: list[Attachment]) -> None:
        """Only during the call."""

    def set_response_suggestions(self, suggestions: list[str]) -> None:
        """Only during the call."""

    def disable_kb_topics(self, topics: list[str]) -> None:
        """Only during the call."""

    def clear_disabled_kb_topics(self) -> None:
        """Only during the call."""

    def set_background_track(self, name: str, loudness: float = -40) -> None:
        """Only during the call."""

    def call_handoff(
        self,
        destination: str,
        reason: str | None = None,
        utterance: str | None = None,
        sip_headers: dict[str, str] | None = None,
        route: str | None = None,
    ) -> None:
        """Only during the call. `MissingHandoff` for a destination that the project does not have."""
