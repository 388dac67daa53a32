"""Names that nothing defines, and uses of the conversation that do not fit it."""

from __future__ import annotations

import pytest
from checking import Check, check_fixture, short, write_fixture  # noqa: F401 - fixtures

from aftercall._runtime.check.members import members
from aftercall.conv.conversation import Conversation

# Names


def test_names_that_nothing_defines(check: Check) -> None:
    found = check(
        """
        import json

        def end_function(conv: Conversation):
            summary = {"id": conv.id}
            try:
                log_to_crm(summary)
                jsn.dumps(summary)
            except Exception as e:
                report(e)
            if conv.state.x:
                datetime.now()
            later()
            helper(conv)
            re.match("a", "b")

        class Order:
            size = SIZE
        """,
        {"functions/helper.py": "def helper(conv): ..."},
    )
    assert {one["code"] for one in found} == {"AC0253"}
    fixes = {one["message"].split("'")[1]: (one["level"], one["line"], one["fix"]) for one in found}
    assert {name: (level, line) for name, (level, line, _) in fixes.items()} == {
        "log_to_crm": ("warning", 6),
        "jsn": ("warning", 7),
        "report": ("warning", 9),
        "datetime": ("warning", 11),
        "later": ("error", 12),
        "helper": ("error", 13),
        "re": ("error", 14),
        "SIZE": ("error", 17),
    }
    assert fixes["helper"][2] == "Import it: `from functions.helper import helper`."
    assert fixes["re"][2] == "Import it: `import re`." and fixes["jsn"][2] == "Did you mean json?"


@pytest.mark.parametrize(
    "body",
    [
        "globals()['made'] = 1\ndef end_function(conv): return made",
        "exec('made = 1')\ndef end_function(conv): return made",
        "try:\n    made\nexcept NameError:\n    made = 1\ndef end_function(conv): return made",
        "def end_function(conv):\n    global made\n    made = 1\n    return late()\ndef late(): return made",
        "def end_function(conv):\n    return [y := x for x in [1]] + y, (lambda a, *b, c=1, **d: (a, b, c, d))",
        "from .consts import *\ndef end_function(conv): return A, B",
        "from math import *\nfrom os.path import *\ndef end_function(conv): return sqrt(2), join('a')",
        "from requests import *\ndef end_function(conv): return anything",
        "class A:\n    x = 1\n    y = [n for n in range(x)] + [x]\n    def m(self): return __class__\n"
        "def end_function(conv): return A, __file__, __name__, __doc__",
        "def end_function(conv):\n    match conv.state.x:\n        case {'k': k, **rest} | [k, *rest]: return k, rest\n"
        "        case A as a: return a\nA = 1",
        "def end_function(conv):\n    try: ...\n    except* ValueError as e: print(e)\n    del conv",
        "from . import consts\nconsts.late = 1\nfrom .consts import late\ndef end_function(conv): return late",
        "import builtins\nbuiltins.made = 1\ndef end_function(conv): return made",
        "def end_function(conv: Order): ...\nclass Order: ...",
        "from __future__ import annotations\ndef end_function(conv: Nothing) -> Else: x: More = 1",
        "def end_function(conv): return exit, quit, print",
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    return inner\n"
        "def end_function(conv): return outer()",
    ],
)
def test_names_that_are_there_in_other_ways(check: Check, body: str) -> None:
    assert check(body, {"functions/consts.py": "A = 1\nfrom .more import B\n", "functions/more.py": "B = 2\n"}) == []


# The conversation


def test_attributes_that_a_conversation_has_not(check: Check) -> None:
    found = check(
        """
        def end_function(conv: Conversation):
            conv.caller_nunber
            if conv.state.anything:
                conv.utils.promt_llm("x")
            conv.log.critical("x")
            log.debug("x")
            helper(conv)
            conv.memory.keys()
            conv.run.deplyment
            conv.metrics_queue = []

        def helper(c: "Conversation"):
            c.historie

        import plog
        def other(conv):
            plog.fatal("x")
        """
    )
    assert {one["code"] for one in found} == {"AC0251"}
    assert [(one["level"], one["line"]) for one in found] == [
        ("error", 2),
        ("warning", 4),
        ("error", 5),
        ("error", 6),
        ("error", 8),
        ("error", 9),
        ("error", 10),
        ("warning", 13),
        ("warning", 17),
    ]
    assert found[0]["fix"] == "Did you mean conv.caller_number?" and "conv.utils.prompt_llm" in found[1]["fix"]


def test_attributes_that_are_asked_for_with_care_or_are_open(check: Check) -> None:
    code = """
        def end_function(conv: Conversation):
            if hasattr(conv, "agent"):
                conv.agent.name
            try:
                conv.newer_thing()
            except AttributeError:
                pass
            conv.mine = 1
            conv.mine
            conv.language = "en"
            conv.state.a.b.c, conv.variant.x, conv.entities.y, conv.translations.z, conv.context_vault.k
            conv.real_time_config.q, conv.api.crm.create("1", json={}), conv.integrations.opentable.lock_slot()
            conv.handoff.destination, conv.webchat.chat_call_actions, conv.run.id, conv.env
            conv.utils.EmailConfig(custom_regex="x"), conv.utils.EntityType.DATE
            conv.knowledge_base.disabled_topics, conv.functions.get("x")
            conv = other()
            conv.whatever

        def other(conv: dict | None = None):
            return conv.whatever

        def nested(conv):
            def inner(conv: int): return conv.bit_length()
            return [conv.id for conv in []]

        class Step:
            conv: Conversation
            def run(self): return self.conv.anything
    """
    assert check(code) == []


def test_calls_that_do_not_fit(check: Check) -> None:
    found = check(
        """
        def end_function(conv):
            conv.write_metric("A", 1, True)
            conv.write_metric(nme="A")
            conv.send_sms("+1", "+2")
            conv.id()
            conv.history()
            conv.utils.get_secret()
            conv.log.info("x", True, 3)
            conv.log("x")
            plog.info()
            conv.set_csat_score(score=5, why="x")
        import plog
        """
    )
    assert short(found) == [("error", "AC0254", line) for line in range(2, 12)]
    assert found[0]["fix"] == "It is called as `conv.write_metric(name, value=None, *, write_once=False)`."
    assert found[3]["fix"] == "It is a str: leave out the brackets."


def test_calls_that_fit(check: Check) -> None:
    code = """
        def end_function(conv):
            args, more = ["+1"], {"content": "x"}
            conv.send_sms(*args, **more)
            conv.send_sms("+1", "+2", content="x", retry_count=2)
            conv.write_metric("A", write_once=True), conv.write_metric(name="A", value=None)
            conv.log.info("x", True, anything=object()), conv.log.error(content="x", is_pii=False)
            conv.utils.prompt_llm("x", show_history=True, return_json=True, model="m")
            conv.utils.prompt_llm(prompt="x"), conv.write_metric("A", True)
            conv.send_content_template("ms", "+1", "id", content_variables={"a": "b"})
            conv.generate_external_event(send_to_llm=True), conv.log_api_response(object())
    """
    assert check(code) == []


def test_functions_of_the_project_that_are_not_there(check: Check) -> None:
    found = check(
        """
        def end_function(conv):
            conv.functions.helper(1)
            conv.functions.helpr(1)
            if conv.id:
                conv.functions.wrong_name()
        """,
        {"functions/helper.py": "def helper(conv, n): ...", "functions/wrong_name.py": "def other(conv): ..."},
    )
    assert short(found) == [("error", "AC0255", 3), ("warning", "AC0255", 5)]


def test_what_comes_too_late_is_a_note(check: Check) -> None:
    found = check(
        """
        def end_function(conv):
            conv.say("bye")
            conv.knowledge_base.enable_all_topics()
            conv.set_timezone("UTC")
        """
    )
    assert short(found) == [("note", "AC0258", 2), ("note", "AC0258", 3)]


def test_a_hand_over_to_a_destination_that_is_not_configured_is_a_warning(check: Check) -> None:
    code = """
        def end_function(conv):
            conv.call_handoff("billing", reason="r")
            conv.call_handoff(destination="biling")
            conv.call_handoff("desk")
            conv.call_handoff(conv.state.where)
            try:
                conv.call_handoff("desk")
            except MissingHandoff:
                pass
            conv.call_handoff()
        """
    found = check(code, more=("", '["billing"]'))
    assert short(found) == [
        ("note", "AC0258", 2),
        ("warning", "AC0254", 3),
        ("warning", "AC0254", 4),
        ("note", "AC0258", 5),
        ("note", "AC0258", 7),
        ("error", "AC0254", 10),
    ]
    assert "'biling') raises MissingHandoff" in found[1]["message"] and "'billing'?" in found[1]["fix"]
    assert "handoffs" in found[2]["fix"] and "MissingHandoff" in found[3]["fix"]


def test_everything_of_during_call_is_known_to_come_too_late() -> None:
    """They are known by what their documentation says; one that is documented otherwise would not be told of."""
    late = {name for name, member in members(Conversation).items() if member.is_too_late}
    assert late >= {"say", "goto_flow", "exit_flow", "set_voice", "call_handoff", "set_background_track"}
    assert "set_timezone" not in late and "write_metric" not in late
