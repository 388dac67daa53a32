"""`from_pipecat` on a context that a real pipeline has filled, by frames as a call's services push them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from listener import listening, load_example
from pipecat.frames.frames import (
    EndFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.workers.runner import WorkerRunner
from schema import check

import aftercall


async def call(context: Any) -> None:
    pair = LLMContextAggregatorPair(context)
    frames: list[Any] = [
        LLMFullResponseStartFrame(),
        LLMTextFrame("How can "),
        LLMTextFrame("I help?"),
        LLMFullResponseEndFrame(),
        SleepFrame(),
        UserStartedSpeakingFrame(),
        TranscriptionFrame(text="A table for four", user_id="u", timestamp="now"),
        SleepFrame(),
        UserStoppedSpeakingFrame(),
        SleepFrame(sleep=1.0),
    ]
    await run_test(Pipeline([pair.user(), pair.assistant()]), frames_to_send=frames)


def test_a_context_that_a_pipeline_filled_is_a_conversation() -> None:
    context: Any = LLMContext([{"role": "system", "content": "Be brief."}])
    asyncio.run(call(context))
    document = aftercall.from_pipecat(context, id="CA1", started_at="2026-01-05T10:00:00Z", state={"size": 4})
    assert document["turns"] == [
        {"role": "agent", "text": "How can I help?"},
        {"role": "user", "text": "A table for four"},
    ]
    assert (document["id"], document["platform"], document["channel"]) == ("CA1", "pipecat", "voice")
    check(document)


def test_what_is_in_a_context_beside_words() -> None:
    context: Any = LLMContext([{"role": "developer", "content": "Today is Monday."}])
    calls = [{"id": "t", "type": "function", "function": {"name": "table", "arguments": "{}"}}]
    context.add_message({"role": "assistant", "tool_calls": calls})
    context.add_message({"role": "tool", "tool_call_id": "t", "content": '"table 7"'})
    context.add_message(LLMSpecificMessage(llm="anthropic", message={"role": "assistant", "content": "thinking"}))
    context.add_message(LLMContext.create_image_url_message(url="https://x.example/1.png", text="Look"))
    context.add_message(LLMContext.create_image_url_message(url="https://x.example/1.png"))
    context.add_message(
        {"role": "assistant", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}
    )
    document = aftercall.from_pipecat(context, id="CA2", channel="chat")
    assert document["turns"] == [{"role": "user", "text": "Look"}, {"role": "agent", "text": "A B"}]
    assert aftercall.from_pipecat(context.messages, id="CA2", channel="chat") == document
    check(document)


@pytest.mark.parametrize("wrong", [object(), "text", {}])
def test_something_else_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="LLMContext"):
        aftercall.from_pipecat(wrong, id="x")


def test_the_example_hands_over_when_its_pipeline_has_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    example = load_example("pipecat/bot.py")
    context: Any = LLMContext([{"role": "user", "content": "Hello"}])

    async def run() -> None:
        worker = PipelineWorker(Pipeline([LLMContextAggregatorPair(context).user()]))
        example["hand_over_when_finished"](worker, context, "CA3")
        runner = WorkerRunner()
        await runner.add_workers(worker)
        await worker.queue_frame(EndFrame())
        await runner.run()

    with listening(monkeypatch) as sent:
        asyncio.run(run())
    assert [(one["id"], one["turns"]) for one in sent] == [("CA3", [{"role": "user", "text": "Hello"}])]
