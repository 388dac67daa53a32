"""`from_livekit` on a session of the real package: its agent speaks by a model of this file's own, in text."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from listener import listening, load_example
from livekit.agents import Agent, AgentSession, APIConnectOptions, JobContext, function_tool, llm
from livekit.agents.voice.events import CloseEvent, CloseReason
from livekit.rtc import AudioFrame
from schema import check

import aftercall


class Scripted(llm.LLM):
    """Says what it was given, in order; a pair is a call of a tool."""

    def __init__(self, *replies: str | tuple[str, dict[str, Any]]) -> None:
        super().__init__()
        self.replies = list(replies)

    def chat(self, *, chat_ctx: llm.ChatContext, tools: list[Any] | None = None, **_more: Any) -> llm.LLMStream:
        return Said(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=APIConnectOptions())


class Said(llm.LLMStream):
    async def _run(self) -> None:
        reply = self._llm.replies.pop(0)
        if isinstance(reply, str):
            delta = llm.ChoiceDelta(role="assistant", content=reply)
        else:
            name, arguments = reply
            call = llm.FunctionToolCall(name=name, arguments=json.dumps(arguments), call_id="call-1")
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk", delta=delta))


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You take orders. Be brief.")

    @function_tool
    async def table(self, size: int) -> str:
        """Finds a table."""
        return f"table 7 for {size}"


async def call() -> tuple[Any, Any]:
    """A session in which something was said, and the report that a job makes of it."""
    session: Any = AgentSession(llm=Scripted("How can I help?", ("table", {"size": 4}), "Table 7 is yours — enjoy."))
    await session.start(Desk())
    await session.run(user_input="Hello")
    await session.run(user_input="A table for four, please")
    history = session.history.copy()
    await session.aclose()
    job = SimpleNamespace(id="AJ_17", room=SimpleNamespace(sid="RM_3", name="front-desk"), agent_name="")
    context: Any = SimpleNamespace(job=job, _tagger=SimpleNamespace(tags=set()), _primary_agent_session=session)
    report = JobContext.make_session_report(context)
    assert [item.id for item in report.chat_history.items] == [item.id for item in history.items]
    return session, report


SAID = [
    {"role": "user", "text": "Hello"},
    {"role": "agent", "text": "How can I help?"},
    {"role": "user", "text": "A table for four, please"},
    {"role": "agent", "text": "Table 7 is yours — enjoy."},
]


def test_a_report_of_a_real_session_is_a_conversation() -> None:
    _, report = asyncio.run(call())
    assert {item.type for item in report.chat_history.items} > {"message", "function_call", "function_call_output"}
    document = aftercall.from_livekit(report, caller_number="+15550101001", state={"size": 4})
    assert document["turns"] == SAID
    assert (document["id"], document["platform"], document["channel"]) == ("AJ_17", "livekit", "voice")
    assert (document["caller_number"], document["state"]) == ("+15550101001", {"size": 4})
    assert document["ended_reason"] == "user_initiated"
    assert "started_at" in document and "ended_at" in document
    assert str(document["started_at"]) < str(document["ended_at"])
    assert aftercall.from_livekit(report, caller_number="+15550101001", state={"size": 4}) == document
    check(document)


def test_a_session_alone_needs_to_be_told_its_id() -> None:
    session, _ = asyncio.run(call())
    document = aftercall.from_livekit(session, id="AJ_18", channel="chat", ended_at="2030-01-01T00:00:00Z")
    assert document["turns"] == SAID and (document["id"], document["channel"]) == ("AJ_18", "chat")
    assert document["ended_at"] == "2030-01-01T00:00:00Z"
    check(document)
    with pytest.raises(ValueError, match=r"ctx\.job\.id"):
        aftercall.from_livekit(session)


def test_what_is_in_a_history_beside_words() -> None:
    history = llm.ChatContext.empty()
    history.add_message(role="system", content="Be brief.", created_at=100.0)
    history.add_message(role="assistant", content=["Hel", "lo"], interrupted=True, created_at=101.5)
    frame = AudioFrame(b"\0\0", 16_000, 1, 1)
    heard = llm.AudioContent(frame=[frame], transcript="Good day")
    history.add_message(role="user", content=[heard], created_at=102.0)
    history.add_message(role="user", content=[llm.AudioContent(frame=[frame])], created_at=103.0)
    history.add_message(role="user", content="", created_at=104.0)
    report: Any = SimpleNamespace(chat_history=history, job_id="AJ_1", started_at=99.0, timestamp=200.0, events=[])
    document = aftercall.from_livekit(report)
    assert document["turns"] == [
        {"role": "agent", "text": "Hel\nlo", "interrupted": True},
        {"role": "user", "text": "Good day"},
        {"role": "user", "text": ""},
    ]
    assert document["started_at"] == "1970-01-01T00:01:39+00:00"
    assert document["ended_at"] == "1970-01-01T00:03:20+00:00" and "ended_reason" not in document
    report.events.append(CloseEvent(reason=CloseReason.PARTICIPANT_DISCONNECTED, created_at=150.25))
    document = aftercall.from_livekit(report)
    assert document["ended_at"] == "1970-01-01T00:02:30.250000+00:00"
    assert document["ended_reason"] == "participant_disconnected"
    check(document)


def test_nothing_said_is_a_conversation_too() -> None:
    report: Any = SimpleNamespace(chat_history=llm.ChatContext.empty(), job_id="AJ_1")
    document = aftercall.from_livekit(report)
    assert document["turns"] == [] and "started_at" not in document
    check(document)
    with pytest.raises(TypeError, match="AgentSession"):
        aftercall.from_livekit(object())  # type: ignore[arg-type]


def test_the_example_hands_over_when_a_session_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    example = load_example("livekit/agent.py")
    _, report = asyncio.run(call())
    with listening(monkeypatch) as sent:
        asyncio.run(example["hand_over"](SimpleNamespace(make_session_report=lambda: report)))
    assert example["server"]._session_end_fnc is example["hand_over"]
    assert [(one["id"], one["turns"]) for one in sent] == [("AJ_17", SAID)]
