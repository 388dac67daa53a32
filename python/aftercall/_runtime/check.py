"""What can be told about a project without running it: used when it is deployed.

Warnings only; what keeps a project from running is told by `aftercall._runtime.project.load`.
"""

from __future__ import annotations

import ast
import os
from difflib import get_close_matches

from aftercall._runtime.imports import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

Finding = dict[str, object]

#: Files of one project that are looked at.
MAX_FILES = 2_000

#: Calls that give another value each time; at module level they run once, in the zygote, for all conversations.
_CLOCK_OR_RANDOM = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime",
    "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "os.urandom",
    "random.random", "random.randint", "random.choice", "random.uniform", "random.sample", "random.randrange",
    "secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "secrets.choice",
}  # fmt: skip


def check_project(project: Project, entry: str) -> list[Finding]:
    """Findings in the project's Python files: `code`, `message`, `file`, `line`."""
    findings: list[Finding] = []
    known = _conversation_attributes()
    for file in _files(project, entry):
        with open(os.path.join(project.root, file), "rb") as stream:
            source = stream.read()
        try:
            tree = ast.parse(source, file)
        except (SyntaxError, ValueError):
            continue  # importing it tells, if it is imported at all
        findings += _clock_and_random(tree, file)
        findings += _unknown_attributes(tree, file, known)
    return findings


def _files(project: Project, entry: str) -> Iterator[str]:
    yield entry
    if "/" not in entry:
        return
    count = 0
    for folder, folders, files in os.walk(os.path.join(project.root, "functions")):
        folders.sort()
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), project.root)
            if name.endswith(".py") and path != entry and count < MAX_FILES:
                count += 1
                yield path


def _conversation_attributes() -> set[str]:
    from aftercall.conv.conversation import Conversation

    return {name for name in dir(Conversation) if not name.startswith("_")} | {"run", "env"}


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _clock_and_random(tree: ast.Module, file: str) -> Iterator[Finding]:
    """Calls that run at import: module and class bodies, default values, decorators; not bodies of functions."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call) and (name := _dotted(node.func)) in _CLOCK_OR_RANDOM:
            yield {
                "code": "AC0250",
                "message": f"{name}() runs once, when the project is imported, and gives every conversation the same "
                "value: call it inside the function",
                "file": file,
                "line": node.lineno,
            }
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            stack += [
                *arguments.defaults,
                *(item for item in arguments.kw_defaults if item),
                *node.decorator_list,
            ]
        elif isinstance(node, ast.Lambda) or _is_main_guard(node):
            continue
        else:
            stack += ast.iter_child_nodes(node)


def _is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and _dotted(node.test.left) == "__name__"


def _unknown_attributes(tree: ast.Module, file: str, known: set[str]) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = _conversation_argument(node)
            if name is not None:
                yield from _attributes_of(node, name, file, known)


def _conversation_argument(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The argument that is the conversation: the first, when it is called `conv` or annotated as one."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return None
    first = arguments[0]
    annotation = first.annotation
    text = annotation.value if isinstance(annotation, ast.Constant) else _dotted(annotation) if annotation else ""
    named = first.arg == "conv" and not annotation
    return first.arg if named or str(text).rpartition(".")[2] == "Conversation" else None


def _attributes_of(function: ast.AST, name: str, file: str, known: set[str]) -> Iterator[Finding]:
    for node in ast.walk(function):
        is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
        if not is_own or not isinstance(node, ast.Attribute) or node.attr in known or node.attr.startswith("_"):
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        close = get_close_matches(node.attr, sorted(known), 1)
        hint = f": did you mean {name}.{close[0]}?" if close else ""
        yield {
            "code": "AC0251",
            "message": f"a conversation has no attribute {node.attr!r}{hint}",
            "file": file,
            "line": node.lineno,
        }
