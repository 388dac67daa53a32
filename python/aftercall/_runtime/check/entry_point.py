"""Whether there is an end function, of the right name and shape, in a file that is Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches

from aftercall._runtime.check.findings import Finding, Level
from aftercall._runtime.check.names import defined_names
from aftercall._runtime.check.sources import Source, Sources
from aftercall._runtime.project import FUNCTION, NO_YIELD, SHAPE, newer_syntax

#: Decorators that hand a function back as it was.
_TRANSPARENT = ("func_parameter", "func_description", "func_latency_control", "tmp_bind", "wraps")
_SHAPE = "AC0202"


def check(sources: Sources) -> Iterator[Finding]:
    """What is wrong with the entry; the import tells of the rest."""
    reached = sources.reached()
    if not reached:
        yield _finding(
            "AC0201", sources.entry, 1, f"there is no {sources.entry}", f"Create it, with `{FUNCTION}` in it."
        )
        return
    entry = reached[0]
    if entry.failure is not None:
        return
    function = _function(entry)
    if function is None:
        names = defined_names(entry, sources)
        if names is not None and FUNCTION not in names:
            yield _missing(entry)
        return
    if all(_is_transparent(one) for one in function.decorator_list):
        problem, fix = _shape(function)
        if problem:
            yield _finding(_SHAPE, entry.file, function.lineno, problem, fix)


def syntax(source: Source, failure: SyntaxError | ValueError, *, at_start: bool) -> Finding:
    """A file that is not Python, or not this one's."""
    line = failure.lineno if isinstance(failure, SyntaxError) else 1
    version = newer_syntax(failure) if isinstance(failure, SyntaxError) else None
    message = failure.msg if isinstance(failure, SyntaxError) else str(failure)
    code, fix = ("AC0206", f"This needs Python {version}.") if version else ("AC0204", "Correct the line.")
    level: Level = "error" if at_start else "warning"
    return Finding(level, code, f"{type(failure).__name__}: {message}", source.file, line or 1, fix, "import")


def _function(entry: Source) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    found = None
    for node in entry.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION:
            found = node
    return found


def _missing(entry: Source) -> Finding:
    functions = {
        node.name: node for node in entry.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    close = get_close_matches(FUNCTION, functions, 1)
    if close:
        line, fix = functions[close[0]].lineno, f"Rename {close[0]} to {FUNCTION}."
    else:
        line, fix = 1, SHAPE
    return _finding(_SHAPE, entry.file, line, f"there is no function {FUNCTION}", fix)


def _shape(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str]:
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    keywords = [argument.arg for argument, default in pairs if default is None]
    if _yields(function):
        return f"{FUNCTION} is a generator: it has `yield` in it, so that calling it runs none of its body", NO_YIELD
    if keywords:
        return f"{FUNCTION} has a keyword argument without a default: {keywords[0]}", SHAPE
    if not arguments.posonlyargs and not arguments.args and arguments.vararg is None:
        return f"{FUNCTION} takes no argument; it is called with the conversation", SHAPE
    if required > 1:
        return f"{FUNCTION} takes {required} arguments; it is called with one, the conversation", SHAPE
    return "", ""


def _yields(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    stack: list[ast.AST] = [*function.body]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(node)
    return False


def _is_transparent(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")) in _TRANSPARENT


def _finding(code: str, file: str, line: int, message: str, fix: str) -> Finding:
    return Finding("error", code, message, file, line, fix, "import")
