# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Reading the conversation document: every attribute that is simply in it.

The names of the document's fields are ours; the names of the attributes are those that end functions use.
"""

import datetime
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from _gen.entities import Entities
from _gen.events import GenericExternalEvent
from _gen.handoff import Handoff, HandoffConfig
from _gen.history import AgentResponse, UserInput
from _gen.memory import ContextVault, Memory
from _gen.metrics import MetricEvent
from _gen.record import Record
from _gen.sms import SMSTemplate
from _gen.state import RealtimeConfig, State
from _gen.variant import TranslationReplacementProxy, Variant

class Run(Record):
    """`conv.run`: the run that calls the function."""

    id: str
    attempt: int
    deployment: str

    def __init__(self, id: str, attempt: int, deployment: str) -> None: ...

class ConversationDocument:
    """The read side of `conv`. `document` is the conversation as JSON gives it, `state` its state, already typed.

    `defaults` is what the project's `project.yaml` and `config/*.yaml` say of all its conversations, in the document's
    own members: it holds where the document is silent.
    """

    env: str
    run: Run

    def __init__(
        self, document: Mapping[str, Any], state: Mapping[str, Any], env: str, run: Run, defaults: Mapping[str, Any]
    ) -> None: ...
    @cached_property
    def id(self) -> str:
        """The conversation's id, as the platform that sent it gave it."""

    @cached_property
    def account_id(self) -> str:
        """The account: the conversation's, else the project's; `""` when it is not known."""

    @cached_property
    def project_id(self) -> str:
        """The project: the conversation's, else the project's own word; `""` when it is not known."""

    @cached_property
    def channel_type(self) -> str:
        """`sip.polyai` (voice), `webchat.polyai` (chat), `sms.twilio` (sms), or the channel as it was sent."""

    @cached_property
    def caller_number(self) -> str | None:
        """E.164 on voice; may be another id on chat."""

    @cached_property
    def callee_number(self) -> str | None:
        """The number that was called."""

    @cached_property
    def sip_headers(self) -> dict[str, str]:
        """SIP headers of the call."""

    @cached_property
    def integration_attributes(self) -> dict[str, Any] | None:
        """What an integration gave at the start."""

    @property
    def state(self) -> State:
        """What the call kept; what is written to it is kept on the conversation. A dict may take its place."""

    @state.setter
    def state(self, value: Mapping[str, Any]) -> None: ...
    @cached_property
    def history(self) -> list[UserInput | AgentResponse]:
        """The turns in order."""

    @cached_property
    def metric_events(self) -> list[MetricEvent]:
        """Metrics written during the call, oldest first."""

    @cached_property
    def current_flow(self) -> str | None:
        """The flow that the call ended in."""

    @cached_property
    def current_step(self) -> str | None:
        """The step that the call ended in."""

    @cached_property
    def entities(self) -> Entities:
        """What the call collected, by name."""

    @cached_property
    def variant_name(self) -> str | None:
        """The variant of the call, else the one that is the project's default."""

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """All variants, by name."""

    @property
    def variant(self) -> Variant | None:
        """The attributes of the call's variant."""

    @cached_property
    def language(self) -> str | None:
        """The language of the call, such as `en-GB`."""

    @cached_property
    def timezone(self) -> str | None:
        """The name of the conversation's time zone."""

    @cached_property
    def provider_voice_id(self) -> str | None:
        """The voice that the agent had."""

    @cached_property
    def voice_change(self) -> Any:
        """The change of voice that was asked for, or None."""

    @cached_property
    def transcript_alternatives(self) -> list[str]:
        """What else the recogniser may have heard in the last turn."""

    @cached_property
    def handoffs(self) -> dict[str, HandoffConfig]:
        """The destinations that the call could be handed to."""

    @cached_property
    def sms_templates(self) -> dict[str, SMSTemplate]:
        """The templates for text messages, by name. Senders of the project's own depend on the environment."""

    @cached_property
    def real_time_config(self) -> RealtimeConfig:
        """Configuration that was in force; read-only."""

    @cached_property
    def memory(self) -> Memory:
        """What was known of the caller when the call began."""

    @cached_property
    def context_vault(self) -> ContextVault:
        """Fields that the channel vouches for."""

    @cached_property
    def translations(self) -> TranslationReplacementProxy:
        """Texts in the language of the call, by attribute."""

    @cached_property
    def generic_external_events(self) -> list[GenericExternalEvent]:
        """What was posted to the conversation."""

    @cached_property
    def started_at(self) -> datetime.datetime | None:
        """When the conversation began: aware."""

    @cached_property
    def ended_at(self) -> datetime.datetime | None:
        """When it ended: aware."""

    @cached_property
    def duration(self) -> int:
        """Seconds from start to end, 0 when either is not known."""

    @cached_property
    def direction(self) -> str:
        """`inbound` or `outbound`."""

    @cached_property
    def ended_reason(self) -> str | None:
        """Why it ended, in the platform's word."""

    @cached_property
    def recording(self) -> str | None:
        """Where the recording is, or None."""

    @cached_property
    def handoff(self) -> Handoff | None:
        """The transfer that ended the agent's part, if there was one."""

    @cached_property
    def platform(self) -> str | None:
        """The platform that held the conversation."""
