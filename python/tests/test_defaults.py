"""What a project's `project.yaml` and `config/*.yaml` say: `conv` shows it where a conversation is silent."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server import EXAMPLES, TIMEOUT_S, binary, environment

from aftercall import testing
from aftercall.testing.defaults import ConfigurationUnreadable

DESK = EXAMPLES / "support-desk"
SILENT = testing.conversation(entities={"order_number": {"value": "A-1", "valid": True}})
TOLD = testing.conversation(
    account_id="theirs",
    variant="paris",
    variants={"paris": {"currency": "EUR"}},
    handoffs={"desk": {"sip_type": "bye"}},
    sms_templates={"bye": {"content": "Bye", "phone_number": "+15550100099"}},
)
CODE = """
def end_function(conv):
    conv.state.shown = [
        conv.account_id, conv.project_id, conv.variant_name, conv.variant.currency,
        {
            name: [one.sip_type, one.sip_config.get("phone_number"), one.sip_headers]
            for name, one in conv.handoffs.items()
        },
        {name: [one.content, one.phone_number] for name, one in conv.sms_templates.items()},
        {name: str(one.type) for name, one in conv.entities.items()},
        conv.entities.delivery_date,
    ]
    conv.state.ticket_reference = "T-1"
    conv.send_sms_template("+15550101001", next(iter(conv.sms_templates)))
    conv.call_handoff(next(iter(conv.handoffs)))
"""
TICKET = "Northwind Home: we opened ticket {{vrbl:ticket_reference}} for you."
SHOWN_OF_SILENT = [
    "northwind-home",
    "support-desk",
    "london",
    "GBP",
    {"billing": ["refer", "+15550100010", {"X-Queue": "billing"}], "general": ["refer", "+15550100011", {}]},
    {"ticket_opened": [TICKET, "+15550100000"]},
    {"order_number": "alphanumeric"},
    None,
]
SHOWN_OF_TOLD = [
    "theirs",
    "support-desk",
    "paris",
    "EUR",
    {"desk": ["bye", None, {}]},
    {"bye": ["Bye", "+15550100099"]},
    {},
    None,
]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The example's configuration around a function that tells what it sees."""
    binary()  # which reads the YAML
    folder = tmp_path / "desk"
    shutil.copytree(DESK / "config", folder / "config")
    shutil.copy(DESK / "project.yaml", folder)
    (folder / "functions").mkdir()
    (folder / "functions/end_function.py").write_text(CODE)
    return folder


@pytest.mark.parametrize(("given", "shown"), [(SILENT, SHOWN_OF_SILENT), (TOLD, SHOWN_OF_TOLD)])
def test_under_invoke_and_under_test_conv_shows_the_same(desk: Path, given: Any, shown: list[Any]) -> None:
    done = subprocess.run(
        [binary(), "invoke", str(desk), "-", "--env", "live", "--json"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout.splitlines()[0]) if done.stdout.count("\n") < 3 else json.loads(done.stdout)
    with testing.project(desk) as tested:
        result = tested.run(given, environment="live").raise_for_error()
    assert result.state["shown"] == shown
    assert result.actions[0]["from"] == shown[5][next(iter(shown[5]))][1]
    assert (report["state"], report["actions"]) == (dict(result.state), result.actions)


def test_the_zygote_reads_defaults_that_take_many_packets(zygote: Callable[..., Any]) -> None:
    texts = {f"line_{number}": {"en-GB": "é" * 1_000} for number in range(100)}
    process = zygote(
        "def end_function(conv):\n    conv.write_metric('LETTERS', len(conv.translations.line_99))",
        defaults={"translations": texts},
    )
    for _ in range(2):
        assert process.run({"id": "c", "language": "en-GB"}).metrics == [{"name": "LETTERS", "value": 1_000}]


def test_senders_are_those_of_the_environment(desk: Path) -> None:
    with testing.project(desk) as tested:
        senders = {
            name: tested.run(SILENT, environment=name).conv.sms_templates["ticket_opened"].phone_number
            for name in ("sandbox", "pre-release", "live", "draft")
        }
    assert senders == {"sandbox": "", "pre-release": "+15550100001", "live": "+15550100000", "draft": ""}


def test_a_file_that_cannot_be_read_is_told_with_its_line(desk: Path) -> None:
    (desk / "config/handoffs.yaml").write_text("handoffs:\n  - name: billing\n    sip_config: [refer]\n")
    with testing.project(desk) as tested, pytest.raises(ConfigurationUnreadable, match=r"config/handoffs\.yaml:3"):
        tested.run(SILENT)
    done = subprocess.run(
        [binary(), "check", str(desk)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1 and "AC0211" in done.stderr and "config/handoffs.yaml:3" in done.stderr


def test_without_the_command_a_warning_says_what_is_not_read(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftercall.testing.defaults._command", lambda: None)
    with testing.project(desk) as tested, pytest.warns(RuntimeWarning, match=r"config/handoffs\.yaml.*not read"):
        assert tested.defaults == {}
