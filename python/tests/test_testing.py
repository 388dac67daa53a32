"""`aftercall.testing`: an end function in a unit test meets what it meets on a server."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from supervisor import ROOT, Zygote

import aftercall
from aftercall import testing
from aftercall.client.document import ConversationDocument, document_text
from aftercall.conv.integrations import NotConfigured

REPOSITORY = ROOT.parent
EXAMPLES = REPOSITORY / "examples"
SCHEMA = json.loads((REPOSITORY / "crates/domain/src/schema/conversation.schema.json").read_text())


@dataclasses.dataclass
class Order:
    size: int
    placed: dt.datetime


def test_a_result_holds_all_that_the_function_did() -> None:
    def end_function(conv: Any) -> None:
        conv.log.warning("late", is_pii=True, by=dt.timedelta(minutes=3))
        print("printed\nand not ended", end="")
        logging.getLogger("crm").error("refused %s", "x")
        conv.write_metric("SIZE", conv.state.order.size)
        conv.send_sms("+15550101001", "+15550100000", f"See you at {conv.state.order.placed:%H:%M}")
        conv.state.order.size += 1
        conv.state.done = True

    order = Order(4, dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC))
    result = testing.run(end_function, testing.conversation(state={"order": order}))
    assert result.error is None and result.raise_for_error() is result
    assert result.metrics == [("SIZE", 4)]
    assert result.actions == [
        {"kind": "sms", "to": "+15550101001", "from": "+15550100000", "content": "See you at 10:00"}
    ]
    assert result.state["order"] == Order(5, order.placed) and result.state["done"] is True
    assert order.size == 4, "the function had a copy that went over the wire"
    late, printed, crm, rest = result.logs
    assert (late.level, late.content, late.is_pii) == ("warning", "late", True)
    assert late.fields == {"by": "datetime.timedelta(seconds=180)"}
    assert [(e.level, e.content, e.logger) for e in (printed, crm, rest)] == [
        ("stdout", "printed", "print"),
        ("error", "refused x", "logging"),
        ("stdout", "and not ended", "print"),
    ]
    assert result.logged("error") == ["refused x"]


def test_what_is_raised_is_the_results_error_and_what_was_done_before_stays() -> None:
    def end_function(conv: Any) -> None:
        conv.write_metric("BEFORE")
        sys.exit(3)

    result = testing.run(end_function, testing.conversation())
    assert isinstance(result.error, SystemExit) and result.metrics == [("BEFORE", None)]
    with pytest.raises(SystemExit):
        result.raise_for_error()


def test_state_that_could_not_be_kept_is_told() -> None:
    def keeps_a_file(conv: Any) -> None:
        conv.state.file = sys.__stdout__

    def replaces(conv: Any) -> None:
        conv.state = None

    result = testing.run(keeps_a_file, testing.conversation())
    assert result.error is None and "conv.state/file" in result.logged("warning")[0]
    assert isinstance(testing.run(replaces, testing.conversation()).error, TypeError)


def test_asynchronous_functions_run_to_their_end_also_within_an_event_loop() -> None:
    async def end_function(conv: Any) -> None:
        await asyncio.sleep(0)
        conv.write_metric("AWAITED")

    async def test() -> testing.Result:
        return testing.run(end_function, testing.conversation())

    assert testing.run(end_function, testing.conversation()).metrics == [("AWAITED", None)]
    assert asyncio.run(test()).metrics == [("AWAITED", None)]


def test_nothing_of_a_run_is_left_behind() -> None:
    out, handlers = sys.stdout, list(logging.getLogger().handlers)
    for _ in range(2):
        result = testing.run(lambda conv: conv.log.info("one"), testing.conversation())
        assert result.logged() == ["one"]
    assert sys.stdout is out and logging.getLogger().handlers == handlers


def test_configured_answers_are_given_and_others_raise_as_documented() -> None:
    import requests

    def end_function(conv: Any) -> None:
        from aftercall._names.secret_vault import secret_vault

        conv.state.summary = conv.utils.prompt_llm("Sum up", show_history=True)
        conv.state.parsed = conv.utils.prompt_llm("As JSON", return_json=True)
        conv.state.text = conv.utils.prompt_llm("As JSON too", return_json=True)
        conv.state.token = secret_vault.get_secret("crm")["token"]
        answer = conv.api.crm.create_ticket("17", json={"topic": "refund"})
        assert isinstance(answer, requests.Response)
        conv.state.ticket = answer.json()["id"]
        conv.state.down = conv.api.crm.close_ticket().status_code
        conv.utils.get_secret("other")

    result = testing.run(
        end_function,
        testing.conversation(),
        llm=["short", '{"topic": "refund"}', "no JSON"],
        secrets={"crm": {"token": "t"}},
        api={
            "crm.create_ticket": lambda ticket, json: {"id": f"T-{ticket}-{json['topic']}"},
            "crm.close_ticket": testing.response(503, text="closed"),
        },
    )
    state = result.state
    assert (state["summary"], state["parsed"], state["text"]) == ("short", {"topic": "refund"}, "no JSON")
    assert (state["token"], state["ticket"], state["down"]) == ("t", "T-17-refund", 503)
    assert type(result.error).__name__ == "SecretNotFound"
    assert [entry.fields["status"] for entry in result.logs] == [200, 503]
    assert result.logs[1].fields["error_body"] == "closed"


def test_answers_may_be_functions_and_errors_and_run_out() -> None:
    def prompts(conv: Any) -> None:
        conv.state.first = conv.utils.prompt_llm("a", model="gpt-5")
        conv.state.second = conv.utils.prompt_llm("b")

    result = testing.run(prompts, testing.conversation(), llm=lambda prompt, **more: {"asked": prompt, **more})
    assert result.state["first"] == '{"asked": "a", "model": "gpt-5"}'
    result = testing.run(prompts, testing.conversation(), llm=["one"])
    assert type(result.error).__name__ == "ChatCompletionError" and "no answer left" in str(result.error)
    result = testing.run(prompts, testing.conversation(), llm=TimeoutError("slow"))
    assert isinstance(result.error, TimeoutError)
    assert isinstance(testing.run(prompts, testing.conversation()).error, NotImplementedError)
    asks = testing.run(lambda conv: conv.api.crm.ask(), testing.conversation(), api={"crm.tell": {}})
    assert isinstance(asks.error, NotConfigured) and "crm.tell" in str(asks.error)


def test_built_conversations_follow_the_published_schema() -> None:
    conversation = testing.conversation(
        "c-1",
        "sms",
        state={"at": dt.datetime(2026, 1, 5), "order": Order(4, dt.datetime(2026, 1, 5))},
        turns=[("user", "Hello"), {"role": "agent", "text": "", "confidence": 0.5}],
        metrics={"INTENT": "refund", "AGAIN": None},
        started_at=dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        caller_number="+15550101001",
        variant="leeds",
        variants={"leeds": {"phone": "1"}},
    )
    validator = Draft202012Validator(SCHEMA)
    validator.validate(json.loads(document_text(conversation)))
    validator.validate(json.loads(document_text(testing.conversation())))
    assert testing.conversation(metrics=[("A", 1), {"name": "A", "value": 2}])["metrics"] == [
        {"name": "A", "value": 1},
        {"name": "A", "value": 2},
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"caler_number": "+1"}, "did you mean caller_number"),
        ({"colour": "red"}, "no field 'colour'"),
        ({"turns": [("bot", "Hello")]}, "a turn is"),
        ({"turns": [("user",)]}, "shorter"),
        ({"turns": [("user", None)]}, "a turn is"),
        ({"metrics": {"A": [1]}}, "a metric is"),
        ({"started_at": dt.datetime(2026, 1, 5)}, "no time zone"),
    ],
)
def test_what_no_conversation_can_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        testing.conversation(**fields)


def test_the_documents_type_has_the_fields_of_the_schema() -> None:
    assert set(ConversationDocument.__annotations__) == set(SCHEMA["properties"])


def test_a_projects_rules_hold_within_the_block_and_leave_nothing(project: Callable[..., Path]) -> None:
    root = project(
        """
        import plog
        from utils.secret_vault import secret_vault
        from .helper import Order

        def end_function(conv: Conversation):
            log.info("bare")
            plog.info("plogged")
            conv.functions.helper(2)
            conv.state.order = Order(conv.state.order.size + 1)
        """,
        {
            "functions/helper.py": """
            from dataclasses import dataclass
            from _gen import *  # <AUTO GENERATED>

            @dataclass
            class Order:
                size: int

            def helper(conv, size):
                conv.write_metric("HELPED", size)
            """,
            "_gen/__init__.py": "raise RuntimeError('the stubs need Python 3.14')",
        },
    )
    ours = type(sys)("functions")
    sys.modules["functions"] = ours
    before, path = set(sys.modules), list(sys.meta_path)
    try:
        with testing.project(root) as tested:
            from functions.helper import Order as Own  # type: ignore[import-not-found]

            result = tested.run(testing.conversation(state={"order": Own(1)})).raise_for_error()
            assert result.metrics == [("HELPED", 2)] and result.state["order"] == Own(2)
            assert result.logged() == ["bare", "plogged"]
            with pytest.raises(RuntimeError, match="the block"), testing.project(EXAMPLES / "hello") as hello:
                assert hello.run(testing.conversation()).metrics == [("CALLER_SPOKE", False)]
                raise RuntimeError("out of the block")
            from functions import helper

            assert helper.Order is Own
        assert sys.modules["functions"] is ours
    finally:
        del sys.modules["functions"]
    left = {name for name in set(sys.modules) - before if not name.startswith(("aftercall.", "importlib", "_py"))}
    assert left == set() and sys.meta_path == path
    with pytest.raises(ModuleNotFoundError):
        import _gen  # type: ignore[import-not-found]  # noqa: F401


def test_a_folder_that_is_no_project_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"functions/end_function\.py nor end_function\.py"),
        testing.project(tmp_path),
    ):
        pass


def conversations() -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted((EXAMPLES / "conversations").glob("*.json"))]
    return [one for one in found if one["id"] not in ("hangs", "slow")]


@pytest.mark.parametrize("name", ["demo", "every-field", "hello", "support-desk"])
def test_examples_do_the_same_in_a_test_as_in_a_child(name: str, tmp_path: Path) -> None:
    given = conversations()
    assert len(given) > 15
    entry = "end_function.py" if name == "hello" else "functions/end_function.py"
    with testing.project(EXAMPLES / name) as tested:
        tried = [tested.run(one) for one in given]
        wired = [aftercall.encode_state(one.state, lambda *_: None) for one in tried]
    with Zygote(EXAMPLES / name, tmp_path, entry=entry) as zygote:
        for conversation, in_test, state in zip(given, tried, wired, strict=True):
            in_child = zygote.run(conversation)
            assert (in_child.outcome == "returned") is (in_test.error is None), conversation["id"]
            assert [(one["name"], one["value"]) for one in in_child.metrics] == in_test.metrics
            assert in_child.actions == in_test.actions
            assert in_child.state == json.loads(json.dumps(state))
            assert [(e["level"], e["content"], e["fields"] or {}) for e in in_child.logs] == [
                (e.level, e.content, e.fields) for e in in_test.logs
            ]


def pytest_of(root: Path, *arguments: str) -> str:
    """A test run of a project by the plugin, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "aftercall.testing.plugin",
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment, timeout=60, check=False)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


TEST = textwrap.dedent("""
    from _gen import MetricEvent
    from aftercall import testing
    from functions.end_function import end_function

    def test_by_import():
        assert testing.run(end_function, testing.conversation()).metrics == [("HELPED", 1)]

    def test_by_fixture(aftercall_project):
        assert aftercall_project.run(testing.conversation()).metrics == [("HELPED", 1)]

    def test_assertions_are_still_rewritten():
        left = [1, 2]
        assert left == [1, 3]
""")


@pytest.fixture
def tested(project: Callable[..., Path]) -> Callable[[str], Path]:
    """A project with a test file at the given place."""

    def make(place: str) -> Path:
        helper = "def helper(conv):\n    conv.write_metric('HELPED', 1)"
        entry = "def end_function(conv: Conversation):\n    conv.functions.helper()"
        return project(entry, {"functions/helper.py": helper, place: TEST, "pytest.ini": "[pytest]"})

    return make


@pytest.mark.parametrize("place", ["tests/test_it.py", "test_it.py"])
def test_the_plugin_makes_a_projects_modules_importable(tested: Callable[[str], Path], place: str) -> None:
    told = pytest_of(tested(place))
    assert told.startswith("1\n") and "1 failed, 2 passed" in told, told
    assert "At index 1 diff: 2 != 3" in told, "pytest has rewritten the test's assertions"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("aftercall_project = project", "1 failed, 2 passed"),
        ("", "No module named '_gen'"),
        ("aftercall_project = nowhere", "is no project"),
    ],
)
def test_the_plugin_is_told_where_the_project_is(tested: Callable[[str], Path], setting: str, told: str) -> None:
    above = tested("test_it.py").parent
    (above / "project/pytest.ini").unlink()
    (above / "pytest.ini").write_text(f"[pytest]\n{setting}\n")
    assert told in pytest_of(above)


def test_a_result_looks_as_it_is_kept() -> None:
    def leave(conv: Any) -> None:
        conv.state.kept = [1, {"file": sys.__stdout__}]

    result = testing.run(leave, testing.conversation())
    assert result.error is None and result.state["kept"][0] == 1
    file = result.state["kept"][1]["file"]
    assert file is not sys.__stdout__ and "class not known here" in repr(file)
    assert any("cannot be kept" in text for text in result.logged("warning"))


def test_what_is_refused_on_a_server_is_an_error_here() -> None:
    def yields(conv: Any) -> Any:
        yield conv

    def large(conv: Any) -> None:
        conv.state.text = "x" * (16 * 1024 * 1024)

    assert "yield" in str(testing.run(yields, testing.conversation()).error)
    assert "larger than 16,777,216 bytes" in str(testing.run(large, testing.conversation()).error)
