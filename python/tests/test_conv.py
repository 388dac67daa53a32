"""`conv`: what end functions read, and what they queue."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest

from aftercall._names.gen import *  # noqa: F403
from aftercall._names.gen import Conversation
from aftercall.conv.document import Run
from aftercall.conv.host import Host, current

DOCUMENT: dict[str, Any] = {
    "id": "call-1",
    "account_id": "acme",
    "project_id": "bookings",
    "channel": "voice",
    "direction": "outbound",
    "started_at": "2026-01-05T10:00:00Z",
    "ended_at": "2026-01-05T10:02:03.9+00:00",
    "caller_number": "+15550001",
    "callee_number": None,
    "language": "en-GB",
    "state": {"name": "Ada", "state": "CA"},
    "turns": [{"role": "agent", "text": "Hello"}, {"role": "user", "text": ""}, {"role": "user", "text": "Hi"}],
    "metrics": [{"name": "INTENT", "value": "book"}, {"name": "INTENT", "value": None}],
    "current_flow": "booking",
    "entities": {"size": {"id": "e1", "valid": True, "value": "4", "type": "numeric"}},
    "variant": "leeds",
    "variants": {"leeds": {"phone": "+1555777", "open": 9}, "york": {}},
    "handoffs": {"desk": {"sip_type": "refer", "sip_config": {"uri": "sip:x"}}},
    "handoff": {"destination": "desk", "reason": "asked"},
    "sms_templates": {"bye": {"content": "Bye {{vrbl:name}} $name ${phone} $unknown", "phone_number": "+1555999"}},
    "real_time_config": {"open": True},
    "memory": {"REPEAT_CALLER_CONV_ID": "call-0"},
    "context_vault": {"tier": "gold"},
    "translations": {"bye": {"en-GB": "Cheerio", "es": "Adiós"}},
    "generic_external_events": [{"ext_event_id": "x", "send_to_llm": False, "data": "{}"}],
    "knowledge_base": {"disabled_topics": ["prices"]},
    "recording": {"url": "https://r.example/1"},
    "sip_headers": {"X-Id": 7},
}


class Kept(Host):
    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str]] = []

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        self.entries.append((level, logger, content))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(current, "host", kept)
    return kept


@pytest.fixture
def conv(host: Kept) -> Conversation:
    return Conversation(DOCUMENT, copy.deepcopy(DOCUMENT["state"]), "pre-release", Run("run-1", 2, "d-1"))


def test_attributes_are_what_the_document_says(conv: Conversation) -> None:
    assert (conv.id, conv.account_id, conv.project_id, conv.env) == ("call-1", "acme", "bookings", "pre-release")
    assert (conv.channel_type, conv.direction, conv.caller_number, conv.callee_number) == (
        "sip.polyai",
        "outbound",
        "+15550001",
        None,
    )
    assert conv.started_at == dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC) and conv.duration == 123
    assert (conv.current_flow, conv.current_step) == ("booking", None)
    assert conv.entities.size.value == "4" and conv.entities.missing is None  # type: ignore[attr-defined]
    assert conv.variant is not None and conv.variant.open == "9" and conv.variant.missing is None
    assert conv.handoff is not None and conv.handoff.destination == "desk"
    assert conv.memory["REPEAT_CALLER_CONV_ID"] == "call-0" and "x" not in conv.memory and len(conv.memory) == 1
    assert conv.context_vault.tier == "gold" and conv.context_vault["missing"] is None
    assert conv.translations.bye == "Cheerio" and conv.translations.missing is None
    assert conv.generic_external_events[0].data == conv.generic_external_events[0]["data"] == "{}"
    assert conv.knowledge_base.disabled_topics == ["prices"] and conv.recording == "https://r.example/1"
    assert conv.sip_headers == {"X-Id": "7"} and conv.integration_attributes is None
    assert (conv.run.id, conv.run.attempt, conv.run.deployment) == ("run-1", 2, "d-1")
    assert [e.name for e in conv.metric_events] == ["INTENT", "INTENT"]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("voice", "sip.polyai"), ("chat", "webchat.polyai"), ("sms", "sms.twilio"), ("VOICE", "VOICE"), ("web", "web")],
)
def test_channels_have_the_names_that_code_tests_for(channel: str, expected: str) -> None:
    assert Conversation({"channel": channel}, {}).channel_type == expected


def test_an_empty_document_has_every_attribute() -> None:
    conv = Conversation({}, {})
    silent = {"functions", "log"}
    for name in dir(Conversation):
        if not name.startswith("_") and name not in silent:
            getattr(conv, name)
    assert (conv.history, conv.duration, conv.handoffs, conv.variant, conv.handoff) == ([], 0, {}, None, None)


def test_history_is_as_code_reads_it(conv: Conversation) -> None:
    agent, silence, user = conv.history
    assert (agent.role, agent.text, user.role, silence.text) == ("agent", "Hello", "user", "")
    assert agent.to_dict() == {"type": "agent", "text": "Hello"} and user.to_string() == "User: Hi"
    assert "AgentResponse" in str(agent.__class__) and user == type(user)("Hi") and user != agent


def test_builtin_state_keys_answer_when_they_are_absent(conv: Conversation) -> None:
    state = conv.state
    assert (state.from_, state["to"], state.call_sid, state.get("asr_lang_code")) == (
        "+15550001",
        None,
        "call-1",
        "en-GB",
    )
    assert state.state == "CA" and getattr(state, "nothing", None) is None
    assert dict(state) == DOCUMENT["state"]


def test_metrics_follow_their_rules(conv: Conversation, host: Kept) -> None:
    conv.write_metric("A")
    conv.write_metric("A", 2, write_once=True)
    conv.write_metric("INTENT", "x", write_once=True)
    conv.write_metric("B", 2.5, write_once=True)
    conv.write_metric("C", True)
    for value in ({"a": {1, 2}}, float("nan"), [object], 10**2000):
        conv.write_metric("ODD", value)
    assert conv.metrics_queue[:3] == [
        {"name": "A", "value": None},
        {"name": "B", "value": 2.5, "write_once": True},
        {"name": "C", "value": True},
    ]
    odd = [metric["value"] for metric in conv.metrics_queue[3:]]
    assert odd[0] == '{"a": "{1, 2}"}' and odd[1] == "nan" and all(isinstance(value, str) for value in odd)
    assert [entry[:2] for entry in host.entries] == [("warning", "runtime")] * 4


def test_messages_are_queued_and_nothing_else(conv: Conversation) -> None:
    assert conv.send_sms("+1", "+2", "hi") is None
    conv.send_sms_template("+1", "bye")
    conv.send_email("a@b.example", "body", subject="s")
    conv.send_whatsapp("+1", "+2", "HX1")
    conv.send_content_template("MG1", "+1", "HX1", content_variables={"1": "x"}, whatsapp=True)
    conv.set_csat_eligibility(False, "angry")
    conv.set_csat_score(5)
    conv.discard_recording()
    assert conv._actions == [
        {"kind": "sms", "to": "+1", "from": "+2", "content": "hi"},
        {"kind": "sms", "to": "+1", "from": "+1555999", "content": "Bye Ada Ada +1555777 $unknown", "template": "bye"},
        {"kind": "email", "to": "a@b.example", "subject": "s", "body": "body"},
        {"kind": "whatsapp", "to": "+1", "from": "+2", "content_id": "HX1"},
        {
            "kind": "content_template",
            "messaging_service_id": "MG1",
            "to": "+1",
            "content_id": "HX1",
            "whatsapp": True,
            "content_variables": {"1": "x"},
        },
        {"kind": "csat_eligibility", "eligible": False, "reason": "angry"},
        {"kind": "csat_score", "score": 5},
        {"kind": "discard_recording"},
    ]
    assert len(conv.sms_queue) == 4
    with pytest.raises(MissingTemplate, match="there are: bye"):  # noqa: F405
        conv.send_sms_template("+1", "hello")
    with pytest.raises(ValueError, match="from 1 to 5"):
        conv.set_csat_score(6)


def test_what_came_too_late_warns_and_does_not_raise(conv: Conversation, host: Kept) -> None:
    conv.say("x")
    conv.goto_flow("x")
    conv.set_voice(CartesiaVoice("v", speed=1.5))  # noqa: F405
    conv.call_handoff("desk", reason="r", utterance="u", sip_headers={}, route="x")
    conv.webchat.set_chat_call_actions([ChatCallAction("+1")])  # noqa: F405
    conv.agentic_dial.destinations.add(name="a", phone_number="+1")
    conv.knowledge_base.enable_all_topics()
    assert [entry[2].split()[0] for entry in host.entries] == [
        "conv.say",
        "conv.goto_flow",
        "conv.set_voice",
        "conv.call_handoff",
        "conv.webchat.set_chat_call_actions",
        "conv.agentic_dial.destinations.add",
        "conv.knowledge_base.enable_all_topics",
    ]
    assert all("had ended" in entry[2] for entry in host.entries)
    with pytest.raises(MissingHandoff):  # noqa: F405
        conv.call_handoff("nobody")


def test_what_is_not_configured_says_so(conv: Conversation) -> None:
    with pytest.raises(NotImplementedError, match="gpt-4o"):
        conv.utils.prompt_llm("x")
    with pytest.raises(SecretNotFound):  # noqa: F405
        conv.utils.get_secret("x")
    with pytest.raises(ExtractionError):  # noqa: F405
        conv.utils.extract_address()
    with pytest.raises(RuntimeError, match=r"conv\.api\.crm"):
        conv.api.crm.create()  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="opentable"):
        conv.integrations.opentable.lock_slot()  # type: ignore[operator]


def test_read_only_things_are(conv: Conversation) -> None:
    for change in (
        lambda: conv.real_time_config.update(a=1),
        lambda: conv.real_time_config.__setitem__("a", 1),
        lambda: conv.context_vault.__setitem__("a", 1),
        lambda: setattr(conv.context_vault, "a", 1),
    ):
        with pytest.raises(TypeError):
            change()
    assert copy.deepcopy(conv.real_time_config) == {"open": True}


def test_an_api_response_is_logged(conv: Conversation, host: Kept) -> None:
    class Response:
        status_code, url, text = 500, "https://x.example", "no"
        elapsed = dt.timedelta(seconds=1.5)
        request = type("Request", (), {"method": "GET"})

    conv.log_api_response(Response())
    assert host.entries == [("error", "conversation_logger", "GET https://x.example: 500")]


def test_exceptions_take_what_the_vendors_take() -> None:
    made = [
        SMSIntegrationNotFound("s", "twilio"),  # noqa: F405
        SMSMissingAssistantAccess("s", "a", "twilio"),  # noqa: F405
        MissingAccess("a", "s"),  # noqa: F405
        InvalidInput("a", "s"),  # noqa: F405
        SMSClientFailure("twilio", "r"),  # noqa: F405
        ChatCompletionError("m"),  # noqa: F405
    ]
    assert all(str(error) for error in made)


def test_decorators_leave_the_function_alone() -> None:
    def function() -> None: ...

    assert func_description("x")(func_parameter("a", "b")(func_latency_control(delay=1)(function))) is function  # noqa: F405
