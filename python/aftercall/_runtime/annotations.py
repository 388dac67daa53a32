"""Whether a module's annotations name something that does not exist yet when they are evaluated.

Up to Python 3.13 an annotation is evaluated where it stands; the platform that projects come from evaluates it on
demand. The tree is walked without the `ast` module, which no zygote needs otherwise.
"""

from __future__ import annotations

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

_ONLY_AST = 0x0400  # ast.PyCF_ONLY_AST
_FUNCTIONS = ("FunctionDef", "AsyncFunctionDef")


def needs_postponing(source: bytes, file: str) -> bool:
    """True if importing the module would fail on an annotation. False too for what does not compile at all."""
    if sys.version_info >= (3, 14) or b":" not in source:
        return False
    try:
        tree: ast.Module = compile(source, file, "exec", _ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError):
        return False  # compiling it for good tells why
    scope = _Scope()
    return scope.body(tree.body, frozenset())


class _Scope:
    """Names bound so far at module level, as the body is walked in order."""

    def __init__(self) -> None:
        from aftercall._names import gen

        self._bound = set(dir(builtins)) | set(gen.__all__) | {"__file__", "__name__", "__doc__", "__spec__"}
        self._anything = False  # after `from x import *` any name may exist

    def body(self, statements: list[ast.stmt], local: frozenset[str]) -> bool:
        """Whether a statement has an annotation that cannot be evaluated. `local`: names of the class around."""
        inside = set(local)
        for statement in statements:
            kind = type(statement).__name__
            if kind in _FUNCTIONS:
                if any(self._missing(part, inside) for part in _signature(statement)):
                    return True
                self._bind(statement.name, inside, local)  # type: ignore[attr-defined]
            elif kind == "ClassDef":
                if self.body(statement.body, frozenset(inside | {"__qualname__", "__module__"})):  # type: ignore[attr-defined]
                    return True
                self._bind(statement.name, inside, local)  # type: ignore[attr-defined]
            elif kind == "AnnAssign":
                if self._missing(statement.annotation, inside):  # type: ignore[attr-defined]
                    return True
                for name in _names(statement.target):  # type: ignore[attr-defined]
                    self._bind(name, inside, local)
            elif kind == "If" and _is_type_checking(statement.test):  # type: ignore[attr-defined]
                if self.body(statement.orelse, frozenset(inside)):  # type: ignore[attr-defined]
                    return True
            else:
                if self._nested(statement, inside):
                    return True
                self._bind_all(statement, inside, local)
        return False

    def _nested(self, statement: ast.stmt, inside: set[str]) -> bool:
        """Bodies of `if`, `try`, `with`, `for`: what they bind counts as bound afterwards."""
        for field in ("body", "handlers", "orelse", "finalbody"):
            parts = getattr(statement, field, None)
            if not isinstance(parts, list):
                continue
            for part in parts:
                block = part.body if type(part).__name__ == "ExceptHandler" else [part]
                if self.body(block, frozenset(inside)):
                    return True
        return False

    def _bind(self, name: str, inside: set[str], local: frozenset[str]) -> None:
        inside.add(name)
        if not local:
            self._bound.add(name)

    def _bind_all(self, statement: ast.stmt, inside: set[str], local: frozenset[str]) -> None:
        for node in _walk(statement):
            kind = type(node).__name__
            if kind == "alias":
                name = node.asname or node.name.partition(".")[0]  # type: ignore[attr-defined]
                self._anything = self._anything or (name == "*" and not _is_ours(statement))
                self._bind(name, inside, local)
            elif kind == "Name" and type(node.ctx).__name__ == "Store":  # type: ignore[attr-defined]
                self._bind(node.id, inside, local)  # type: ignore[attr-defined]
            elif kind in (*_FUNCTIONS, "ClassDef"):
                self._bind(node.name, inside, local)  # type: ignore[attr-defined]

    def _missing(self, annotation: ast.AST, inside: set[str]) -> bool:
        if self._anything:
            return False
        return any(name not in self._bound and name not in inside for name in _names(annotation))


def _is_ours(statement: ast.stmt) -> bool:
    """`from _gen import *` brings names that are counted as bound from the start."""
    module = getattr(statement, "module", None)
    return module is not None and module.partition(".")[0] in ("_gen", "imports", "polyai")


def _is_type_checking(test: ast.expr) -> bool:
    """`TYPE_CHECKING` and `typing.TYPE_CHECKING`: what is imported below never exists."""
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def _signature(function: ast.stmt) -> Iterator[ast.AST]:
    arguments = function.args  # type: ignore[attr-defined]
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    for argument in every:
        if argument is not None and argument.annotation is not None:
            yield argument.annotation
    if function.returns is not None:  # type: ignore[attr-defined]
        yield function.returns  # type: ignore[attr-defined]


def _names(node: ast.AST) -> Iterator[str]:
    for part in _walk(node):
        if type(part).__name__ == "Name":
            yield part.id  # type: ignore[attr-defined]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    stack = [node]
    while stack:
        part = stack.pop()
        yield part
        for field in part._fields:
            value: object = getattr(part, field, None)
            if isinstance(value, list):
                stack.extend(item for item in value if hasattr(item, "_fields"))
            elif hasattr(value, "_fields"):
                stack.append(value)  # type: ignore[arg-type]
