"""Calls that need configuration, or somebody after the run: what each promises when there is only the run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import aftercall._names.gen as gen
from aftercall import testing
from aftercall.conv.integrations import NotConfigured

Call = Callable[[Any], object]

#: An operation, the exception that it raises where nothing is configured, and what its text names.
UNCONFIGURED: list[tuple[Call, type[Exception], str]] = [
    (lambda conv: conv.utils.extract_address([gen.Address(city="Leeds")]), gen.ExtractionError, "extract_address"),
    (lambda conv: conv.utils.extract_city(["Leeds"], ["Yorkshire"], "GB"), gen.ExtractionError, "extract_city"),
    (lambda conv: conv.utils.geocode_address(gen.Address(city="Leeds")), NotConfigured, "geocoding"),
    (lambda conv: conv.utils.extract_and_geocode_address(country="GB"), NotConfigured, "geocoding"),
    (lambda conv: conv.integrations.proxy_request("crm", "/leads", "POST", body={"a": 1}), NotConfigured, "'crm'"),
    (lambda conv: conv.integrations.crm.proxy_request("/leads", "POST"), NotConfigured, "'crm'"),
    *(
        (lambda conv, name=name: getattr(conv.integrations.tripleseat, name)(), NotConfigured, "'tripleseat'")
        for name in ("create_lead", "get_bookings")
    ),
    *(
        (lambda conv, name=name: getattr(conv.integrations.opentable, name)(), NotConfigured, "'opentable'")
        for name in (
            "check_availability",
            "check_availability_v2",
            "lock_slot",
            "make_reservation",
            "lookup_bookings",
            "update_reservation",
            "cancel_booking",
            "get_reservation",
            "get_experiences",
        )
    ),
]

#: A call, and the one action that it queues.
QUEUED: list[tuple[Call, dict[str, object]]] = [
    (
        lambda conv: conv.set_csat_phone_number("+15550100000"),
        {"kind": "csat_phone_number", "phone_number": "+15550100000"},
    ),
    (lambda conv: conv.set_csat_survey_entered(), {"kind": "csat_survey_entered"}),
    (lambda conv: conv.goto_csat_flow(), {"kind": "csat_survey"}),
]

#: Calls on the knowledge base, and the topics that are disabled after them; `prices` was before.
TOPICS: list[tuple[Call, set[str]]] = [
    (lambda topics: topics.disable_topics(["parking", "prices"]), {"parking", "prices"}),
    (lambda topics: topics.enable_topics(["prices", "unheard of"]), set()),
    (lambda topics: (topics.disable_topics(["parking"]), topics.enable_topics(["prices"])), {"parking"}),
    (lambda topics: (topics.disable_topics(["parking"]), topics.enable_all_topics()), set()),
]


@pytest.mark.parametrize(("call", "error", "names"), UNCONFIGURED)
def test_what_is_not_configured_says_what_is_missing(call: Call, error: type[Exception], names: str) -> None:
    result = testing.run(call, testing.conversation())
    assert type(result.error) is error and names in str(result.error) and "configured" in str(result.error)
    assert result.actions == []


def test_a_prebuilt_integration_has_no_other_operation() -> None:
    result = testing.run(lambda conv: conv.integrations.opentable.invent(), testing.conversation())
    assert isinstance(result.error, AttributeError) and "'opentable' has no operation 'invent'" in str(result.error)


@pytest.mark.parametrize(("call", "action"), QUEUED)
def test_what_others_do_after_the_run_is_queued(call: Call, action: dict[str, object]) -> None:
    result = testing.run(call, testing.conversation()).raise_for_error()
    assert result.actions == [action]


@pytest.mark.parametrize("send_to_llm", [False, True])
def test_an_external_event_has_an_id_that_nobody_guesses(send_to_llm: bool) -> None:
    def end_function(conv: Any) -> None:
        conv.state.ids = [conv.generate_external_event(send_to_llm=send_to_llm) for _ in range(2)]

    result = testing.run(end_function, testing.conversation()).raise_for_error()
    first, second = result.state["ids"]
    assert first != second and all(re.fullmatch(r"[0-9a-f]{32}", one) for one in (first, second))
    assert result.actions == [
        {"kind": "external_event", "id": one, "send_to_llm": send_to_llm} for one in (first, second)
    ]


@pytest.mark.parametrize(("call", "disabled"), TOPICS)
def test_topics_are_disabled_for_the_rest_of_the_function(call: Call, disabled: set[str]) -> None:
    def end_function(conv: Any) -> None:
        call(conv.knowledge_base)
        conv.state.disabled = sorted(conv.knowledge_base.disabled_topics)

    given = testing.conversation()
    given["knowledge_base"] = {"disabled_topics": ["prices"]}  # type: ignore[typeddict-unknown-key]
    result = testing.run(end_function, given).raise_for_error()
    assert result.state["disabled"] == sorted(disabled)


@pytest.mark.parametrize("llm", ["yes", None])
def test_past_its_limit_a_run_may_not_ask_the_model(llm: str | None) -> None:
    def end_function(conv: Any) -> None:
        for _ in range(3):
            try:
                conv.utils.prompt_llm("Was it solved?")
                conv.write_metric("ASKED")
            except NotImplementedError:
                conv.write_metric("NO_MODEL")

    result = testing.run(end_function, testing.conversation(), llm=llm, llm_calls=2)
    assert isinstance(result.error, gen.PromptLLMCallLimitError) and "2" in str(result.error)
    assert result.metrics == [("ASKED" if llm else "NO_MODEL", None)] * 2
    assert testing.run(end_function, testing.conversation(), llm=llm, llm_calls=3).error is None
    with pytest.raises(ValueError, match="llm_calls"):
        testing.run(end_function, testing.conversation(), llm_calls=-1)
