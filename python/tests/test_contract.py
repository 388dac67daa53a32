"""docs/conv.md is a contract: what its tables say of `conv` is what the code has, name by name."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import aftercall._names.gen as gen
from aftercall.conv.conversation import Conversation
from aftercall.conv.host import Host, current

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conv.md").read_text()

#: One value that each parameter of a method that came too late accepts.
VALID: dict[str, object] = {
    "utterance": "bye",
    "flow_name": "f",
    "voice": gen.CustomVoice("p", "v"),
    "voice_weights": [],
    "language": "en-GB",
    "variant": "v",
    "attachments": [],
    "suggestions": ["yes"],
    "topics": ["prices"],
    "name": "rain",
    "destination": "desk",
    "actions": [],
    "content": "hello",
    "phone_number": "+15550100000",
}


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _cells(text: str) -> Iterator[str]:
    """The first cell of every row, but for heads and rules."""
    for line in text.splitlines():
        cell = re.match(r"\| (`.*?`) \|", line)
        if cell:
            yield cell[1]


ATTRIBUTES = [name for cell in _cells(_section("Reading the conversation")) for name in re.findall(r"`(\w+)`", cell)]
AFTER = [cell.strip("`") for cell in _cells(_section("Doing something after the call"))]
TOO_LATE = [cell.strip("`") for cell in _cells(_section("What comes too late"))]
NAMES = [
    name
    for line in _section("Names without an import").splitlines()
    if line.startswith("| ") and "`" in line
    for name in re.findall(r"`(\w+)`", line)
]


class Kept(Host):
    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        self.entries.append((level, content))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(current, "host", kept)
    return kept


@pytest.fixture
def conv(host: Kept) -> Conversation:
    return Conversation({"id": "c-1", "channel": "voice", "handoffs": {"desk": {"sip_type": "refer"}}}, {}, "live")


def _find(conv: Conversation, path: str) -> object:
    found: object = conv
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _written(signature: str) -> tuple[str, list[tuple[str, str, str]]]:
    """`a.b(c, *, d=1)` → ("a.b", [(name, kind, default), …])"""
    path, _, rest = signature.partition("(")
    function = ast.parse(f"def f({rest}: pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    namespace: dict[str, object] = {}
    exec(compile(ast.Module([function], []), "<page>", "exec"), namespace)  # the page's own words
    return path, _parameters(namespace["f"])


def _parameters(function: object) -> list[tuple[str, str, str]]:
    assert callable(function)
    return [
        (item.name.lstrip("_"), item.kind.name, "" if item.default is inspect.Parameter.empty else repr(item.default))
        for item in inspect.signature(function).parameters.values()
    ]


def test_the_tables_are_found() -> None:
    assert (len(ATTRIBUTES) > 45, len(AFTER) > 25, len(TOO_LATE) > 20, len(NAMES) > 95) == (True,) * 4


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_is_there(conv: Conversation, name: str) -> None:
    getattr(conv, name)


@pytest.mark.parametrize("signature", AFTER + TOO_LATE)
def test_every_method_takes_what_the_page_says(conv: Conversation, signature: str) -> None:
    path, parameters = _written(signature)
    assert _parameters(_find(conv, path)) == parameters


@pytest.mark.parametrize("signature", TOO_LATE)
def test_what_comes_too_late_says_so_and_does_not_raise(conv: Conversation, host: Kept, signature: str) -> None:
    path, parameters = _written(signature)
    given = [VALID[name] for name, kind, default in parameters if not default and kind == "POSITIONAL_OR_KEYWORD"]
    named = {name: VALID[name] for name, kind, default in parameters if not default and kind == "KEYWORD_ONLY"}
    method = _find(conv, path)
    assert callable(method)
    method(*given, **named)
    reads_only = path == "external_events.get_sms_received_history"
    expected = [] if reads_only else [("warning", f"conv.{path} had no effect: the call had ended")]
    assert host.entries == expected


def test_no_public_name_of_conv_is_missing_from_the_page() -> None:
    named = {*ATTRIBUTES, *(signature.partition("(")[0].partition(".")[0] for signature in AFTER + TOO_LATE)}
    public = {name for name in dir(Conversation) if not name.startswith("_")} - {"chat_call_actions"}
    assert public - named == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_gen(name: str) -> None:
    assert hasattr(gen, name)


def test_no_name_of_gen_is_missing_from_the_page() -> None:
    assert set(gen.__all__) - {*NAMES, "log"} == set()


def test_keys_that_state_always_has(conv: Conversation) -> None:
    listed = _section("Reading the conversation").split("### Keys that state always has")[1]
    keys = re.findall(r"`(\w+)`", listed)
    assert len(keys) == 13
    assert all(key in conv.state for key in keys) and list(conv.state) == []


ERRORS, CHOICES = _section("Errors and choices").split("| enumeration |")


@pytest.mark.parametrize("signature", [cell.strip("`") for cell in _cells(ERRORS)])
def test_errors_are_made_as_the_page_says(signature: str) -> None:
    name, parameters = _written(signature)
    kind = getattr(gen, name)
    assert issubclass(kind, Exception) and _parameters(kind) == parameters
    assert str(kind(*(f"<{parameter}>" for parameter, _, _ in parameters))) != ""


@pytest.mark.parametrize("row", [line for line in CHOICES.splitlines() if line.startswith("| `")])
def test_enumerations_have_the_members_of_the_page(row: str) -> None:
    name, *members = re.findall(r"`(\w+)`", row)
    assert [member.name for member in getattr(gen, name)] == members


#: The same interface as its vendor's users know it, kept beside the project by those who restate it.
SHARED = Path(__file__).resolve().parents[3] / "shared" / "conv-api.md"
beside_it = pytest.mark.skipif(not SHARED.is_file(), reason=f"{SHARED} is not there")


def _shared(title: str) -> str:
    return SHARED.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0] if SHARED.is_file() else ""


def _first_column(text: str) -> Iterator[str]:
    return (line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `"))


SHARED_ATTRIBUTES = [name for cell in _first_column(_shared("Attributes")) for name in re.findall(r"`(\w+)`", cell)]
SHARED_METHODS = [
    signature
    for cell in _first_column(_shared("Methods that do something after the call"))
    for signature in re.findall(r"`([\w.]+\(.*?\))`", cell)
]
SHARED_NAMES = [
    name
    for paragraph in re.split(r"\. (?=The three|Enums)|\n(?=Also|Enums)", _shared("Names in `_gen`"))[:2]
    for name in re.findall(r"\b(?!Also\b|also\b)\w+", paragraph)
]


@beside_it
def test_the_interface_beside_is_found() -> None:
    assert (len(SHARED_ATTRIBUTES) > 35, len(SHARED_METHODS) > 15, len(SHARED_NAMES) > 95) == (True,) * 3


@beside_it
@pytest.mark.parametrize("name", SHARED_ATTRIBUTES)
def test_every_attribute_of_the_interface_beside_is_there(conv: Conversation, name: str) -> None:
    assert name in ATTRIBUTES
    getattr(conv, name)


@beside_it
@pytest.mark.parametrize("signature", SHARED_METHODS)
def test_every_method_of_the_interface_beside_takes_what_it_says(conv: Conversation, signature: str) -> None:
    path, parameters = _written(signature)
    assert _parameters(_find(conv, path)) == parameters


@beside_it
@pytest.mark.parametrize("name", SHARED_NAMES)
def test_every_name_of_the_interface_beside_is_in_gen(name: str) -> None:
    assert hasattr(gen, name)
