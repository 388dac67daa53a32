import datetime
from pathlib import Path

import pytest
from aftercall import testing

from functions.end_function import end_function

CONVERSATIONS = sorted((Path(__file__).parents[1] / "conversations").glob("*.json"))


def test_a_resolved_conversation_is_counted_and_summed_up():
    conversation = testing.conversation(
        turns=[("agent", "How can I help?"), ("user", "Are you open on Saturday?")],
        state={"resolved": True},
    )
    result = testing.run(end_function, conversation).raise_for_error()
    assert result.metrics == [("USER_TURNS", 1), ("RESOLVED", True)]
    assert result.state["summary"] == "2 turns; the caller began with 'Are you open on Saturday?'"
    assert result.actions == []


def test_a_call_back_is_announced_by_text_message():
    conversation = testing.conversation(
        caller_number="+15550101203",
        callee_number="+15550100000",
        state={"call_back_on": datetime.date(2026, 1, 8)},
    )
    (message,) = testing.run(end_function, conversation).raise_for_error().actions
    assert (message["kind"], message["to"]) == ("sms", "+15550101203")
    assert message["content"] == "We will call you back on Thursday, 08 January."


@pytest.mark.parametrize("file", CONVERSATIONS, ids=lambda file: file.stem)
def test_every_example_succeeds(file):
    testing.run(end_function, file.read_text()).raise_for_error()
