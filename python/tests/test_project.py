"""How a project's files are found, imported and checked."""

from __future__ import annotations

import sys

import pytest
from supervisor import ROOT

from aftercall._names import gen


def failure(process):
    assert "failed" in process.answer, process.answer
    return process.answer["failed"]["code"], process.answer["failed"]["error"]


@pytest.mark.parametrize("first", ["from _gen import *  # <AUTO GENERATED>", "from imports import *", ""])
def test_the_names_are_there_however_a_file_begins(run, first):
    code = f"""
        {first}

        def end_function(conv: Conversation):
            log.info("bare log")
            conv.log.info("conv.log")
            conv.state.classes = [MetricEvent("A", 1).name, EmotionKind.ANGER.name, MissingHandoff("x").args[0]]
    """
    attempt = run(code.replace("        \n", "\n"))
    assert attempt.outcome == "returned", attempt.error
    assert attempt.texts == ["bare log", "conv.log"]


def test_helpers_are_imported_relatively_and_absolutely_and_have_the_names_too(run):
    attempt = run(
        """
        from .constants import TOPIC
        from functions.constants import TOPIC as SAME
        from functions import constants
        import functions.constants

        def end_function(conv):
            assert TOPIC is SAME is constants.TOPIC is functions.constants.TOPIC
            constants.note(conv)
        """,
        files={
            "functions/constants.py": """
            TOPIC = object()

            def note(conv: Conversation):
                log.warning("helper", kind=UserInput("x").to_string())
            """
        },
    )
    assert attempt.texts == ["helper"] and attempt.logs[0]["fields"] == {"kind": "User: x"}


def test_ours_win_over_the_projects_own_gen_folder(run):
    attempt = run(
        """
        from _gen import *
        from _gen.sms import SMSTemplate as Template
        import _gen.conversation
        from polyai.voice import CartesiaVoice as Voice
        from polyai.history import UserInput
        from polyai import attachments, voice
        import polyai.webchat

        def end_function(conv):
            assert attachments.Attachment is Attachment and voice.CartesiaVoice is Voice
            assert Template is SMSTemplate and Voice is CartesiaVoice
            assert polyai.webchat.ChatCallAction is ChatCallAction
            assert isinstance(conv, _gen.conversation.Conversation)
            assert "UserInput" in str(conv.history[0].__class__)
        """,
        {"id": "1", "turns": [{"role": "user", "text": "x"}]},
        files={"_gen/__init__.py": "raise AssertionError('the stubs ran')", "_gen/sms.py": "raise AssertionError"},
    )
    assert attempt.outcome == "returned", attempt.error


def test_a_misspelt_name_of_ours_is_no_module(zygote):
    answer = zygote("from _gen import Converzation\n\ndef end_function(conv): pass\n").answer
    assert "Converzation" in answer["failed"]["error"]["message"]


NAMES = """
    Destination AgenticDialConfig AgenticDialData MessageToParent MessageToChild Destinations AgenticDial
    Attachment Utils SMSIntegrationNotFound SMSMissingAssistantAccess MissingTemplate MissingHandoff TTSVoice
    CustomVoice ElevenLabsVoice RimeVoice EmotionKind EmotionIntensity Emotion CartesiaVoice PlayHTVoice
    MinimaxVoice HumeVoice GoogleVoice VoiceWeighting FlowTransition Variant Entities HandoffConfig Handoff
    ApiIntegrationData ASRBiasing State ReadOnlyDict TranslationReplacementProxy RealtimeConfig MetricEvent
    FunctionExecutor ApiExecutor Conversation EmotionKindValue EmotionIntensityValue VoiceType
    SupportedLanguageCodes OutgoingEmail EntityValidationResult Event GenericExternalEvent SMSReceived
    ExternalEvents Transition StepTransition FlowFunctionExecutor Flow UserInput AgentResponse
    ConversationLogger Memory InvalidInput MissingAccess SecretNotFound SMSClientFailure SMSCredentials
    SMSTemplate OutgoingSMSTemplate OutgoingSMS SMSSentEvent SMSClient TwilioSMSClient TelnyxSMSClient SMSObj
    ExtractionError Address EntityType NumericType BaseRangeConfig NonNegativeMaxRangeConfig NumericConfig
    QuantityConfig CurrencyConfig NameConfig FreeTextConfig AlphanumericConfig DateConfig EmailConfig
    TimeConfig PhoneNumberConfig EnumConfig EntityConfig ChatCallAction WebchatInterface func_parameter
    func_description func_latency_control ChatCompletionError Integration Integrations OpenTable Tripleseat
    PromptLLMCallLimitError ContextVault log
"""


def test_every_name_of_the_contract_is_there():
    names = NAMES.split()
    assert set(names) == set(gen.__all__)


def test_plog_writes_to_the_run_and_binds_for_a_while(run):
    attempt = run(
        """
        import plog
        from functions.crm import sync

        @plog.tmp_bind(step="crm")
        def end_function(conv):
            plog.info("a", is_pii=True, n=1)
            with plog.tmp_bind(n=2, caller="x"):
                plog.warn("b", caller="y")
            try:
                1 / 0
            except ZeroDivisionError:
                plog.exception("c")
            sync()
        """,
        files={"functions/crm.py": "import plog\ndef sync(): plog.error('d')"},
    )
    assert [(e["content"], e["level"], e["is_pii"], e["fields"]) for e in attempt.logs] == [
        ("a", "info", True, {"step": "crm", "n": 1}),
        ("b", "warning", False, {"step": "crm", "n": 2, "caller": "y"}),
        ("c", "error", False, {"step": "crm", "exception": "ZeroDivisionError: division by zero"}),
        ("d", "error", False, {"step": "crm"}),
    ]
    assert {e["logger"] for e in attempt.logs} == {"plog"}


def test_logging_reaches_the_run_with_and_without_a_configuration(run):
    code = """
        import logging
        {configure}
        logger = logging.getLogger("crm")

        def end_function(conv):
            logger.info("quiet")
            logger.warning("loud %s", 1)
    """
    plain = run(code.format(configure=""))
    assert [(e["content"], e["level"], e["logger"], e["fields"]) for e in plain.logs] == [
        ("loud 1", "warning", "logging", {"logger": "crm"})
    ]
    configured = run(code.format(configure="logging.basicConfig(level=logging.INFO)"))
    assert configured.texts == ["INFO:crm:quiet", "WARNING:crm:loud 1"]


@pytest.mark.parametrize("own", [{}, {"utils/dates.py": "X = 1"}, {"utils.py": "X = 1"}])
def test_the_secret_vault_is_ours_where_the_project_has_none(run, own):
    attempt = run(
        """
        from utils.secret_vault import secret_vault

        def end_function(conv):
            try:
                secret_vault.get_secret("crm")
            except SecretNotFound as error:
                conv.state.asked = str(error)
        """,
        files=own,
    )
    assert attempt.state == {"asked": "there is no secret 'crm'"}


def test_the_projects_own_secret_vault_is_left_alone(run):
    attempt = run(
        "from utils.secret_vault import get\ndef end_function(conv): conv.state.x = get()",
        files={"utils/secret_vault.py": "def get(): return 'own'"},
    )
    assert attempt.state == {"x": "own"}


def test_a_flows_functions_are_one_module_under_two_names(run):
    attempt = run(
        """
        import flows.booking.functions.slots
        from functions.booking.slots import Slot
        from functions.booking import ask

        def end_function(conv):
            assert flows.booking.functions.slots.Slot is Slot
            assert ask.Slot is Slot
            conv.state.slot = type(conv.state.slot) is Slot and conv.state.slot.hour
        """,
        {
            "id": "1",
            "state": {"slot": {"$type": "object", "class": "functions.booking.slots.Slot", "fields": {"hour": 9}}},
        },
        files={
            "flows/booking/functions/slots.py": "class Slot:\n    hour: int",
            "flows/booking/function_steps/ask.py": "from functions.booking.slots import Slot",
        },
    )
    assert attempt.outcome == "returned", attempt.error
    assert attempt.state == {"slot": 9}


def test_conv_functions_calls_the_projects_functions(run, zygote):
    files = {
        "functions/extract.py": """
            @func_description("told to a model")
            def extract(conv: Conversation, prefix, *, n=1):
                return conv.functions.inner(prefix * n)

            def helper(conv): ...
        """,
        "functions/inner.py": "def inner(conv, text): return f'{text}:{conv.id}'",
        "functions/broken.py": "import no_such_package\ndef broken(conv): ...",
    }
    code = """
        def end_function(conv: Conversation):
            conv.state.got = conv.functions.extract("a", n=2)
            for name in ("missing", "broken"):
                try:
                    conv.functions.broken() if name == "broken" else conv.functions.missing
                except (AttributeError, ImportError) as error:
                    conv.state[name] = str(error)
    """
    attempt = run(code, {"id": "7"}, files)
    assert attempt.state["got"] == "aa:7"
    assert "functions/missing.py" in attempt.state["missing"] and "no_such_package" in attempt.state["broken"]
    warnings = zygote(code, files).answer["ready"]["warnings"]
    assert [(w["code"], w["file"], w["line"]) for w in warnings] == [("AC0203", "functions/broken.py", 1)]


def test_a_single_file_is_a_project(run):
    attempt = run(
        """
        def summarise(conv, n): return n + 1

        def end_function(conv): conv.state.n = conv.functions.summarise(1)
        """,
        entry="end_function.py",
    )
    assert attempt.state == {"n": 2}


SINGLE = """
    import json
    from dataclasses import dataclass

    @dataclass
    class Order:
        n: int

    def summarise(conv, text): return json.dumps([text])

    def end_function(conv):
        conv.state.text = conv.functions.summarise("a")
        conv.state.order = [conv.state.order.n, type(conv.state.order) is Order]
        raise KeyError("here")
"""


@pytest.mark.parametrize("name", [
    "email", "json", "calendar", "types", "sys", "functions", "utils", "plog", "imports", "polyai", "_gen", "aftercall",
    "__main__", "__init__", "end_function.x", "my-project", "1", "numpy",
])  # fmt: skip
def test_a_single_file_may_have_the_name_of_any_module(zygote, name):
    order = {"$type": "object", "class": f"{name}.Order", "fields": {"n": 1}}
    for mode in ("probe", "serve"):
        process = zygote(SINGLE, entry=f"{name}.py", mode=mode)
        assert process.answer.get("ready", process.answer).get("warnings") == [], process.answer
    attempt = process.run({"id": "1", "state": {"order": order}})
    assert attempt.state == {"text": '["a"]', "order": [1, True]}, attempt.error
    frame = attempt.error["frames"][-1]
    assert (frame["file"], frame["line"], frame["source"]) == (f"{name}.py", 14, '    raise KeyError("here")')


def test_a_single_file_that_is_called_like_a_package_gets_the_package(run):
    code = "import jsonschema\ndef end_function(conv): conv.state.x = jsonschema.validate.__name__"
    assert run(code, entry="jsonschema.py").state == {"x": "validate"}


def test_a_single_file_and_what_imports_it_by_name_see_one_module(run):
    attempt = run(
        "import helper\nX = object()\ndef end_function(conv): conv.state.same = helper.look() is X",
        files={"helper.py": "def look():\n    import after\n    return after.X"},
        entry="after.py",
    )
    assert attempt.state == {"same": True}


def test_a_projects_module_never_shadows_the_standard_library(run):
    attempt = run(
        "import colorsys, helper\ndef end_function(conv): conv.state.x = [hasattr(colorsys, 'rgb_to_hsv'), helper.X]",
        files={"colorsys.py": "raise AssertionError", "helper.py": "X = 1"},
    )
    assert attempt.state == {"x": [True, 1]}


def test_a_file_beside_the_code_is_found_by_its_own_path(run):
    attempt = run(
        """
        from pathlib import Path
        import inspect
        TEXT = (Path(__file__).parent / "prompt.txt").read_text()

        def end_function(conv): conv.state.x = [TEXT, inspect.getsource(end_function)[:16]]
        """,
        files={"functions/prompt.txt": "hello"},
    )
    assert attempt.state == {"x": ["hello", "def end_function"]}


FORWARD = """
    from __future__ import division
    from dataclasses import dataclass, fields
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from decimal import Decimal

    @dataclass
    class Node:
        name: str
        next: Node | None = None

        def link(self, other: Later) -> Decimal: ...

    class Later: ...

    def end_function(conv: Conversation) -> Node:
        conv.state.types = [str(f.type) for f in fields(Node)]
"""


def test_an_unquoted_forward_reference_is_no_reason_to_fail(run):
    assert run(FORWARD).state == {"types": ["str", "Node | None"]}


def test_annotations_stay_objects_where_they_can(run):
    code = """
        from dataclasses import dataclass, fields
        import datetime

        @dataclass
        class Order:
            when: datetime.date
            items: "list[Order]"

            def add(self: "Order", x: int = 1) -> None: ...

        for name in ("a",):
            other: int = 3

        def end_function(conv: Conversation):
            assert fields(Order)[0].type is datetime.date
            assert end_function.__annotations__["conv"] is Conversation
    """
    assert run(code).outcome == "returned"


@pytest.mark.parametrize(
    ("code", "expected", "line", "says"),
    [
        ("x = 1", "AC0202", 1, "there is no function end_function"),
        ("end_function = 3", "AC0202", 1, "not a function but int"),
        ("\ndef end_function(): ...", "AC0202", 2, "takes no argument"),
        ("def end_function(conv, other): ...", "AC0202", 1, "takes 2 arguments"),
        ("def end_function(conv, *, key): ...", "AC0202", 1, "without a default: key"),
        ("class end_function:\n    def __init__(self): ...", "AC0202", 1, "cannot be called"),
        ("a = 1\nimport no_such_package", "AC0203", 2, "no_such_package"),
        ("from .other import x", "AC0203", 1, "functions.other"),
        ("def f():\n    raise ValueError('boom')\nf()", "AC0203", 2, "boom"),
        ("import sys\nsys.exit(1)", "AC0203", 2, "1"),
        ("a = 1\ndef f(:\n    pass", "AC0204", 2, "invalid syntax"),
        ("a = '\x00'", "AC0204", None, "null"),
        ("import annotationlib_\nimport annotationlib", "AC0203", 1, "annotationlib_"),
    ],
)
def test_a_project_that_cannot_run_is_refused_with_file_line_and_fix(zygote, code, expected, line, says):
    code_found, error = failure(zygote(code))
    assert code_found == expected, error
    assert says in error["message"]
    assert error["fix"]
    assert (error["type"] == "") == (expected in ("AC0201", "AC0202"))  # what we say is no exception of the user's
    if line is not None:
        assert (error["file"], error["line"]) == ("functions/end_function.py", line)
        assert error["frames"][-1]["file"] == "functions/end_function.py"


def test_a_missing_file_is_refused(zygote, project):
    (project("") / "functions" / "end_function.py").unlink()
    process = zygote("", entry="functions/helper.py", asked="functions/end_function.py")
    code, error = failure(process)
    assert code == "AC0201" and error["file"] == "functions/end_function.py"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it")
@pytest.mark.parametrize(
    ("code", "line"),
    [("type Pair = tuple[int, int]", 1), ("x = 1\ndef f[T](x: T): ...", 2), ("from typing import override", 1)],
)
def test_what_needs_a_newer_python_says_so(zygote, code, line):
    found, error = failure(zygote(code))
    assert found == "AC0206" and error["line"] == line and "Python 3.12" in error["fix"]


@pytest.mark.parametrize(
    "call",
    [
        "urllib.request.urlopen('http://crm.example/x')",
        "http.client.HTTPSConnection('crm.example').request('GET', '/')",
        "requests.get('https://crm.example/x')",
    ],
)
def test_http_at_import_is_refused_where_it_happens(zygote, call):
    pytest.importorskip("requests")
    code = f"import http.client, urllib.request, requests\n\ndef load():\n    return {call}\n\nload()\n"
    found, error = failure(zygote(code))
    assert found == "AC0205" and (error["file"], error["line"]) == ("functions/end_function.py", 4), error
    assert "functions/end_function.py:4" in error["traceback"]


def test_http_at_import_that_is_swallowed_is_a_warning(zygote):
    code = """
        import urllib.request
        try:
            urllib.request.urlopen("http://crm.example/x")
        except Exception:
            pass

        def end_function(conv): ...
    """
    (warning,) = zygote(code).answer["ready"]["warnings"]
    assert (warning["code"], warning["file"], warning["line"]) == ("AC0205", "functions/end_function.py", 4)
    assert "crm.example:80" in warning["message"]


def test_a_probe_warns_of_what_runs_once_and_of_unknown_attributes(zygote):
    code = """
        from datetime import datetime
        import time, uuid; from .helper import helper
        NOW = datetime.now()

        class Job:
            key = uuid.uuid4()

        def end_function(conv: Conversation, at=time.time()):
            datetime.now()
            conv.caller_nunber
            conv.state.anything
            conv.made_up = 1
    """
    files = {"functions/helper.py": "def helper(conv):\n    return conv.historie\n", "functions/unused.py": "def ("}
    warnings = zygote(code, files, mode="probe").answer["ready"]["warnings"]
    assert sorted((w["code"], w["file"], w["line"]) for w in warnings) == [
        ("AC0250", "functions/end_function.py", 4),
        ("AC0250", "functions/end_function.py", 7),
        ("AC0250", "functions/end_function.py", 9),
        ("AC0251", "functions/end_function.py", 11),
        ("AC0251", "functions/helper.py", 2),
    ]
    assert any(w["fix"] == "Did you mean conv.caller_number?" for w in warnings)


def test_what_is_ready_is_told(zygote):
    pytest.importorskip("pydantic")
    ready = zygote("import pydantic, json, datetime\ndef end_function(conv): ...").answer["ready"]
    assert ready["python"] == ".".join(map(str, sys.version_info[:3]))
    assert [name.split(".")[0] for name in ready["extensions"]] == ["pydantic_core"]
    assert ready["threads"] == [] and ready["import_ms"] > 0 and ready["warnings"] == []


def test_a_lean_zygote_imports_little(zygote):
    """What each child's page tables hold is paid for by each child."""
    heavy = {"typing", "dataclasses", "inspect", "ast", "logging", "socket", "threading", "asyncio", "http", "email"}
    process = zygote("import sys\ndef end_function(conv): conv.state.modules = sorted(sys.modules)")
    modules = {name.split(".")[0] for name in process.run().state["modules"]}
    assert not modules & heavy
    assert len(modules) < 90


def test_the_package_is_light_until_it_is_used():
    import subprocess

    code = "import sys; before = set(sys.modules); import aftercall; print(sorted(set(sys.modules) - before))"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert listed.strip() == "['__future__', 'aftercall']"
