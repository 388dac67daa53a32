"""Reading the conversation document: every attribute that is simply in it.

The names of the document's fields are ours; the names of the attributes are those that end functions use.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cached_property

from aftercall.conv.dial import AgenticDialData
from aftercall.conv.entities import Entities, EntityValidationResult
from aftercall.conv.events import GenericExternalEvent, SMSReceived
from aftercall.conv.handoff import Handoff, HandoffConfig
from aftercall.conv.history import AgentResponse, UserInput
from aftercall.conv.memory import ContextVault, Memory
from aftercall.conv.metrics import MetricEvent
from aftercall.conv.record import Record
from aftercall.conv.sms import SMSTemplate
from aftercall.conv.state import RealtimeConfig, State
from aftercall.conv.variant import TranslationReplacementProxy, Variant

#: The document's channels as end functions know them; any other channel is given as it is.
CHANNEL_TYPES = {"voice": "sip.polyai", "chat": "webchat.polyai", "sms": "sms.twilio"}


class Run(Record):
    """`conv.run`: the run that calls the function."""

    def __init__(self, id: str, attempt: int, deployment: str) -> None:
        self.id = id
        self.attempt = attempt
        self.deployment = deployment


class ConversationDocument:
    """The read side of `conv`. `document` is the conversation as JSON gives it, `state` its state, already typed.

    `defaults` is what the project's `project.yaml` and `config/*.yaml` say of all its conversations, in the document's
    own members: it holds where the document is silent.
    """

    def __init__(
        self,
        document: Mapping[str, object],
        state: Mapping[str, object],
        env: str,
        run: Run,
        defaults: Mapping[str, object],
    ) -> None:
        self._document = document
        self._defaults = defaults
        self._typed_state = state
        self._state: State | None = None
        self.env = env
        self.run = run

    def _text(self, key: str) -> str | None:
        value = self._document.get(key)
        return value if isinstance(value, str) else None

    def _mapping(self, key: str) -> dict[str, object]:
        value = self._document.get(key)
        return value if isinstance(value, dict) else {}

    def _list(self, key: str) -> list[object]:
        value = self._document.get(key)
        return value if isinstance(value, list) else []

    def _records(self, key: str) -> list[dict[str, object]]:
        return [item for item in self._list(key) if isinstance(item, dict)]

    def _named_records(self, key: str) -> dict[str, dict[str, object]]:
        return _records_of(self._mapping(key))

    def _given(self, key: str) -> object:
        """What the document says; where it is silent, what the project does."""
        value = self._document.get(key)
        return self._defaults.get(key) if value is None else value

    def _given_text(self, key: str) -> str | None:
        value = self._given(key)
        return value if isinstance(value, str) else None

    def _given_records(self, key: str) -> dict[str, dict[str, object]]:
        return _records_of(self._given(key))

    def _moment(self, key: str) -> datetime.datetime | None:
        text = self._text(key)
        return datetime.datetime.fromisoformat(text) if text else None

    @cached_property
    def id(self) -> str:
        """The conversation's id, as the platform that sent it gave it."""
        return self._text("id") or ""

    @cached_property
    def account_id(self) -> str:
        """The account: the conversation's, else the project's; `""` when it is not known."""
        return self._given_text("account_id") or ""

    @cached_property
    def project_id(self) -> str:
        """The project: the conversation's, else the project's own word; `""` when it is not known."""
        return self._given_text("project_id") or ""

    @cached_property
    def channel_type(self) -> str:
        """`sip.polyai` (voice), `webchat.polyai` (chat), `sms.twilio` (sms), or the channel as it was sent."""
        channel = self._text("channel") or ""
        return CHANNEL_TYPES.get(channel, channel)

    @cached_property
    def caller_number(self) -> str | None:
        """E.164 on voice; may be another id on chat."""
        return self._text("caller_number")

    @cached_property
    def callee_number(self) -> str | None:
        """The number that was called."""
        return self._text("callee_number")

    @cached_property
    def sip_headers(self) -> dict[str, str]:
        """SIP headers of the call."""
        return {name: str(value) for name, value in self._mapping("sip_headers").items()}

    @cached_property
    def integration_attributes(self) -> dict[str, object] | None:
        """What an integration gave at the start."""
        value = self._document.get("integration_attributes")
        return value if isinstance(value, dict) else None

    @property
    def state(self) -> State:
        """What the call kept; what is written to it is kept on the conversation. A dict may take its place."""
        if self._state is None:
            self._state = State(self._typed_state, self._builtin_state())
        return self._state

    @state.setter
    def state(self, value: Mapping[str, object]) -> None:
        if not isinstance(value, Mapping):
            raise TypeError(f"conv.state is a dict; it cannot be replaced by {type(value).__name__}")
        self._state = value if isinstance(value, State) else State(value, self._builtin_state())

    def _builtin_state(self) -> dict[str, object]:
        language = self._text("language")
        handoff = self._document.get("handoff")
        return {
            "from_": self.caller_number,
            "to": self.callee_number,
            "call_sid": self.id,
            "shared_id": self.id,
            "asr_lang_code": language,
            "tts_lang_code": language,
            "handoff": handoff,
            "disable_recordings": False,
            "stop_recording": False,
            "use_tts_for_responses": False,
            "listen_for_sms": False,
            "asr_provider": None,
            "asr_config": None,
        }

    @cached_property
    def history(self) -> list[UserInput | AgentResponse]:
        """The turns in order."""
        return [
            (UserInput if turn.get("role") == "user" else AgentResponse)(str(turn.get("text") or ""))
            for turn in self._records("turns")
        ]

    @cached_property
    def metric_events(self) -> list[MetricEvent]:
        """Metrics written during the call, oldest first."""
        return [
            MetricEvent(str(metric.get("name")), metric.get("value"))  # type: ignore[arg-type]
            for metric in self._records("metrics")
        ]

    @cached_property
    def current_flow(self) -> str | None:
        """The flow that the call ended in."""
        return self._text("current_flow")

    @cached_property
    def current_step(self) -> str | None:
        """The step that the call ended in."""
        return self._text("current_step")

    @cached_property
    def entities(self) -> Entities:
        """What the call collected, by name."""
        types = self._defaults.get("entity_types")
        known = {name: {"type": kind} for name, kind in types.items()} if isinstance(types, dict) else {}
        records = self._named_records("entities")
        return Entities(
            {
                name: EntityValidationResult.from_dict({"name": name, **known.get(name, {}), **item})
                for name, item in records.items()
            }
        )

    @cached_property
    def variant_name(self) -> str | None:
        """The variant of the call, else the one that is the project's default."""
        return self._given_text("variant")

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """All variants, by name."""
        records = self._given_records("variants")
        return {
            name: Variant({key: None if value is None else str(value) for key, value in item.items()})
            for name, item in records.items()
        }

    @property
    def variant(self) -> Variant | None:
        """The attributes of the call's variant."""
        return self.variants.get(self.variant_name) if self.variant_name else None

    @cached_property
    def language(self) -> str | None:
        """The language of the call, such as `en-GB`."""
        return self._text("language")

    @cached_property
    def timezone(self) -> str | None:
        """The name of the conversation's time zone."""
        return self._text("timezone")

    @cached_property
    def provider_voice_id(self) -> str | None:
        """The voice that the agent had."""
        return self._text("provider_voice_id")

    @cached_property
    def voice_change(self) -> object:
        """The change of voice that was asked for, or None."""
        return self._document.get("voice_change")

    @cached_property
    def transcript_alternatives(self) -> list[str]:
        """What else the recogniser may have heard in the last turn."""
        return [str(text) for text in self._list("transcript_alternatives")]

    @cached_property
    def handoffs(self) -> dict[str, HandoffConfig]:
        """The destinations that the call could be handed to."""
        return {name: HandoffConfig.from_dict(item) for name, item in self._given_records("handoffs").items()}

    @cached_property
    def sms_templates(self) -> dict[str, SMSTemplate]:
        """The templates for text messages, by name. Senders of the project's own depend on the environment."""
        return {
            name: SMSTemplate(
                str(item.get("name") or name),
                str(item.get("content") or ""),
                str(item.get("phone_number") or self._sender(item.get("phone_numbers"))),
            )
            for name, item in self._given_records("sms_templates").items()
        }

    def _sender(self, by_environment: object) -> object:
        return by_environment.get(self.env, "") if isinstance(by_environment, dict) else ""

    @cached_property
    def real_time_config(self) -> RealtimeConfig:
        """Configuration that was in force; read-only."""
        return RealtimeConfig(**self._mapping("real_time_config"))

    @cached_property
    def memory(self) -> Memory:
        """What was known of the caller when the call began."""
        return Memory(self._mapping("memory"))

    @cached_property
    def context_vault(self) -> ContextVault:
        """Fields that the channel vouches for."""
        return ContextVault(self._mapping("context_vault"))

    @cached_property
    def translations(self) -> TranslationReplacementProxy:
        """Texts in the language of the call, by attribute."""
        texts = {
            name: {language: str(text) for language, text in item.items() if text is not None}
            for name, item in self._given_records("translations").items()
        }
        return TranslationReplacementProxy(texts, self.language)

    @cached_property
    def generic_external_events(self) -> list[GenericExternalEvent]:
        """What was posted to the conversation."""
        return [
            GenericExternalEvent.from_dict(item)
            for item in self._records("generic_external_events")
            if "ext_event_id" in item
        ]

    @cached_property
    def _sms_received(self) -> list[SMSReceived]:
        return [
            SMSReceived(*(str(item.get(key) or "") for key in ("from_number", "to_number", "text")))
            for item in self._records("sms_received")
        ]

    @cached_property
    def _agentic_dial_data(self) -> AgenticDialData:
        return AgenticDialData.from_dict(self._mapping("agentic_dial"))

    @cached_property
    def started_at(self) -> datetime.datetime | None:
        """When the conversation began: aware."""
        return self._moment("started_at")

    @cached_property
    def ended_at(self) -> datetime.datetime | None:
        """When it ended: aware."""
        return self._moment("ended_at")

    @cached_property
    def duration(self) -> int:
        """Seconds from start to end, 0 when either is not known."""
        if self.started_at is None or self.ended_at is None:
            return 0
        return int((self.ended_at - self.started_at).total_seconds())

    @cached_property
    def direction(self) -> str:
        """`inbound` or `outbound`."""
        return self._text("direction") or "inbound"

    @cached_property
    def ended_reason(self) -> str | None:
        """Why it ended, in the platform's word."""
        return self._text("ended_reason")

    @cached_property
    def recording(self) -> str | None:
        """Where the recording is, or None."""
        return self._text("recording") or (str(self._mapping("recording").get("url") or "") or None)

    @cached_property
    def handoff(self) -> Handoff | None:
        """The transfer that ended the agent's part, if there was one."""
        record = self._mapping("handoff")
        return Handoff.from_dict(record) if record else None

    @cached_property
    def platform(self) -> str | None:
        """The platform that held the conversation."""
        return self._text("platform")


def _records_of(value: object) -> dict[str, dict[str, object]]:
    return {name: item for name, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else {}
