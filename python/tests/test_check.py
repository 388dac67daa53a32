"""What `aftercall._runtime.check` finds in a project without running it, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from checking import (  # noqa: F401 - fixtures
    ENTRY,
    EXAMPLES,
    Check,
    answer,
    check_fixture,
    one_of,
    short,
    write_fixture,
)
from supervisor import ROOT

from aftercall._names import gen

# The end function


@pytest.mark.parametrize(
    ("code", "says", "line"),
    [
        ("x = 1\ndef end_fuction(conv): ...", "Rename end_fuction", 2),
        ("def other(conv): ...", "def end_function(conv", 1),
        ("\ndef end_function(): ...", "def end_function(conv", 1),
        ("def end_function(conv, more): ...", "def end_function(conv", 1),
        ("def end_function(conv, *, key): ...", "def end_function(conv", 1),
        ("def end_function(conv):\n    yield 1", "Leave out `yield`", 1),
    ],
)
def test_the_end_functions_name_and_shape(check: Check, code: str, says: str, line: int) -> None:
    found = one_of(check, code)
    assert (found["level"], found["code"], found["line"]) == ("error", "AC0202", line)
    assert says in found["fix"]


@pytest.mark.parametrize(
    "code",
    [
        "def end_function(conv, more=1, *rest, key=None, **others): ...",
        "async def end_function(conv): ...",
        "def end_function(*everything): ...",
        "def end_function(conv):\n    def inner():\n        yield 1\n    list(inner())",
        "from .other import end_function",
        "from .other import *",
        "from functools import partial\nfrom .other import two\nend_function = partial(two, more=1)",
        "@func_description('x')\n@func_parameter('conv', 'y')\ndef end_function(conv): ...",
        "def wrap(function):\n    return lambda conv: function()\n\n@wrap\ndef end_function(): ...",
        "class Call:\n    def __call__(self, conv): ...\n\nend_function = Call()",
    ],
)
def test_shapes_that_can_be_called_are_left_alone(check: Check, code: str) -> None:
    other = "def end_function(conv): ...\ndef two(conv, more): ..."
    assert check(code, {"functions/other.py": other}) == []


def test_every_file_that_is_not_python_is_told_at_once(check: Check) -> None:
    found = check(
        "from . import one\n\ndef end_function(conv):\n    from . import two\n",
        {"functions/one.py": "def (", "functions/two.py": "x = 1\nif x\n", "functions/three.py": "never reached ("},
    )
    assert [(one["level"], one["code"], one["file"], one["line"]) for one in found] == [
        ("error", "AC0204", "functions/one.py", 1),
        ("warning", "AC0204", "functions/two.py", 2),
    ]


# Imports


def test_imports_that_lead_nowhere(check: Check) -> None:
    found = check(
        """
        import nowhere_to_be_found
        from .missing import x
        from functions.helper import absent
        from functions import helper, gone
        from ... import outside
        from _gen import Conversatoin
        from plog import critical

        def end_function(conv):
            import yaml_but_other
            if conv.state.x:
                import another_missing
        """,
        {"functions/helper.py": "PRESENT = 1\n"},
    )
    assert {one["code"] for one in found} == {"AC0252"}
    assert [(one["level"], one["line"], one["when"]) for one in found] == [
        *(("error", line, "import") for line in range(1, 8)),
        ("error", 10, "run"),
        ("warning", 12, "run"),
    ]
    fixes = {one["line"]: one["fix"] for one in found}
    assert "requirements.txt" in fixes[1] and "add the file" in fixes[2] and "Did you mean Conversation?" in fixes[6]
    assert "leads out of the project" in found[4]["message"]


def test_imports_that_are_expected_to_fail_or_are_not_made_here(check: Check) -> None:
    code = """
        import sys
        from typing import TYPE_CHECKING
        try:
            import nowhere
        except ImportError:
            nowhere = None
        if TYPE_CHECKING:
            from nowhere.types import Kind
        if sys.platform == "win32":
            import winreg_of_another_world
        import yaml
        import google.cloud.storage
        import os.path, xml.etree.ElementTree, collections.abc, importlib.metadata
        from os import path

        def end_function(conv: "Kind"): ...

        if __name__ == "__main__":
            import only_by_hand
            end_function(only_by_hand.conv)
    """
    assert check(code, {"requirements.txt": "PyYAML>=6\ngoogle-cloud-storage==2.0\n"}) == []


LAYOUT = {
    "functions/__init__.py": "",
    "functions/constants.py": "from _gen import *\nTOPIC = 'x'\n__version__ = '1'\n",
    "functions/helper.py": "def helper(conv, n=1):\n    log.info('bare', kind=UserInput('x'))\n    return conv.id\n",
    "functions/pkg/__init__.py": "from .inner import deep\n",
    "functions/pkg/inner.py": "from ..constants import TOPIC\ndef deep(): return TOPIC\n",
    "flows/refunds/functions/policy.py": "from _gen import *\ndef policy(conv: Conversation, flow: Flow): return 1\n",
    "flows/refunds/function_steps/step.py": "def step(conv): ...\n",
    "utils/dates.py": "def today(): ...\n",
    "shared.py": "VALUE = 1\n",
    "_gen/__init__.py": "raise RuntimeError\n",
    "_gen/sms.py": "raise RuntimeError\n",
    "start_function.py": "this is never (looked at\n",
}


@pytest.mark.parametrize("first", ["from _gen import *  # <AUTO GENERATED>", "from imports import *", ""])
def test_every_layout_of_a_project_is_understood(check: Check, first: str) -> None:
    code = f"""
        {first}
        import plog
        import polyai.voice
        from polyai import attachments
        from polyai.history import UserInput as Said
        import polyai.webchat as webchat, polyai.attachments
        from _gen.sms import SMSTemplate
        import _gen.conversation
        from utils.secret_vault import secret_vault, get_secret
        from utils.dates import today
        from utils import dates
        from . import constants, helper as h
        from .constants import TOPIC, Conversation as C
        from functions.constants import TOPIC as SAME
        import functions.pkg.inner
        from functions.pkg import deep
        from functions.refunds.policy import policy
        from functions.refunds import step
        from flows.refunds.functions.policy import policy as again
        import shared

        @plog.tmp_bind(step="end")
        def end_function(conv: Conversation):
            with plog.tmp_bind(caller=conv.caller_number):
                plog.warn("x", is_pii=True, anything=object())
            log.info(TOPIC, n=SAME)
            conv.functions.helper(2)
            h.helper(conv)
            get_secret("a"), secret_vault.get_secret("b"), today(), dates.today(), shared.VALUE
            Said("x"), SMSTemplate, polyai.voice.CartesiaVoice, _gen.conversation.Conversation
            webchat.ChatCallAction, polyai.attachments.Attachment, attachments.Attachment
            functions.pkg.inner.deep(), deep(), policy, step, again
            C, constants.TOPIC, EmotionKind.ANGER, SupportedLanguageCodes
    """
    assert check(code, LAYOUT) == []


@pytest.mark.parametrize("example", ["demo", "every-field", "support-desk", "typed", "hello"])
def test_nothing_is_found_in_the_examples(example: str) -> None:
    folder = EXAMPLES / example
    entry = ENTRY if (folder / ENTRY).is_file() else "end_function.py"
    found = answer(folder, entry)["findings"]
    assert [one for one in found if one["level"] != "note"] == []


def test_nothing_is_found_in_the_template() -> None:
    assert answer(Path(ROOT).parent / "crates/cli/template")["findings"] == []


def test_a_project_of_one_file(check: Check) -> None:
    code = """
        from .x import y
        import functions.z
        def end_function(conv):
            conv.functions.mine()
            conv.functions.other()
        def mine(conv): ...
    """
    found = check("", {"end_function.py": code}, entry="end_function.py")
    assert short(found) == [("error", "AC0252", 1), ("error", "AC0252", 2), ("error", "AC0255", 5)]
    assert "Make it a folder" in found[0]["fix"] and "Make it a folder" in found[1]["fix"]


# Surroundings


def test_clock_and_chance_at_import(check: Check) -> None:
    found = check(
        """
        import datetime as d
        from datetime import datetime, date as day
        import time, uuid
        from random import choice as pick
        NOW = datetime.now()
        class Job:
            key = uuid.uuid4()
        def end_function(conv, at=time.time()):
            return datetime.now(), pick([1]), d.datetime.utcnow(), day.today()
        WHEN = [d.datetime.utcnow() for _ in range(2)], pick([1, 2]), day.today()
        later = lambda: datetime.now()
        if __name__ == "__main__":
            time.time()
        """
    )
    assert short(found) == [("warning", "AC0250", line) for line in (5, 7, 8, 10, 10, 10)]


def test_the_network_at_import(check: Check) -> None:
    found = check(
        """
        import requests
        from urllib.request import urlopen
        RATES = requests.get("https://rates.example").json()
        try:
            urlopen("https://rates.example")
        except OSError:
            pass
        SESSION = requests.Session()
        def end_function(conv):
            return requests.get("https://rates.example")
        """
    )
    assert short(found) == [("error", "AC0205", 3), ("warning", "AC0205", 5)]


REFUSED = {
    "import subprocess\n": "subprocess.run(['true'])",
    "import os\n": "os.system('true')",
    "import socket\n": "socket.create_connection(('127.0.0.1', 9))",
    "from smtplib import SMTP as Mail\n": "Mail('127.0.0.1')",
    "import shutil\n": "shutil.copy(__file__, '/tmp/copy')",
    "from pathlib import Path\n": "Path('/tmp/x').write_text('x')",
    "": "open('/tmp/report.csv', 'w')",
}


@pytest.mark.parametrize(("first", "call"), REFUSED.items())
def test_what_is_refused_when_the_function_runs(check: Check, first: str, call: str) -> None:
    found = one_of(check, f"{first}def end_function(conv):\n    {call}\n")
    code = "AC0257" if "/tmp" in call else "AC0256"
    assert (found["level"], found["code"], found["line"]) == ("error", code, 2 + bool(first))
    guarded = one_of(check, f"{first}def end_function(conv):\n    try:\n        {call}\n    except OSError: pass\n")
    assert guarded["level"] == "warning"


def test_what_is_allowed_is_left_alone(check: Check) -> None:
    code = """
        import os, socket, subprocess, tempfile, threading
        from pathlib import Path

        def end_function(conv):
            open("report.csv", "w"), open("/etc/hosts"), open(tempfile.mktemp(), "w"), open("/dev/null", "w")
            Path("a").write_text("x"), Path("/etc/hosts").read_text(), os.makedirs("a/b"), socket.gethostname()
            threading.Thread(target=print).start(), subprocess.DEVNULL
    """
    assert check(code) == []


# What a project needs, and the rest


def test_what_a_project_needs_is_named_with_its_place(write: Callable[[str, Mapping[str, str]], Path]) -> None:
    code = """
        import requests, boto3_but_missing
        from utils.secret_vault import secret_vault

        def end_function(conv):
            conv.utils.get_secret("crm_key")
            secret_vault.get_secret(secret_name="vault_key")
            conv.api.crm.create_ticket("1", json={})
            conv.integrations.opentable.lock_slot()
            conv.utils.prompt_llm("x")
    """
    needs = answer(write(code, {}))["needs"]
    at = "functions/end_function.py:"
    assert needs == {
        "secrets": {"crm_key": f"{at}5", "vault_key": f"{at}6"},
        "apis": {"crm.create_ticket": f"{at}7"},
        "integrations": {"opentable": f"{at}8"},
        "model": {"conv.utils.prompt_llm": f"{at}9"},
        "packages": {"requests": f"{at}1"},
        "missing_packages": {"boto3_but_missing": f"{at}1"},
    }


def test_nothing_of_the_project_is_run(check: Check) -> None:
    code = "raise SystemExit(7)\nimport os; os._exit(8)\ndef end_function(conv): ...\n"
    assert check(code) == []


def test_deep_and_odd_files_are_survived(check: Check) -> None:
    deep = "x = " + "+".join(["1"] * 3_000) + "\ny = " + "[" * 90 + "]" * 90 + "\ndef end_function(conv): return x\n"
    assert check(deep) == []
    assert check("\ufeffdef end_function(conv): return 'é'\n") == []
    assert check("# -*- coding: latin-1 -*-\nX = '\\xe9'\ndef end_function(conv): return X\n") == []
    assert check("def end_function(conv): return '\\d'\n") == []
    native = {"native.abi3.so": "\x7fELF\0"}
    assert check("import native\ndef end_function(conv): return native.anything\n", native) == []


def test_every_name_of_gen_is_known(check: Check) -> None:
    assert check(f"def end_function(conv): return {', '.join(gen.__all__)}\n") == []
