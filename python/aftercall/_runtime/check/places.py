"""Walking a file's syntax with the knowledge of when each part of it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
#: Conditions on these mean another machine or version than this one.
_MACHINE = ("sys.platform", "sys.version_info", "os.name", "platform.system")
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Place:
    """When a part of a file runs."""

    #: The functions around it, the outermost first. None around it: it runs when the file is imported.
    functions: tuple[Function, ...] = ()
    #: It runs whenever what is around it runs, and what it raises is not caught there.
    certain: bool = True
    #: Names of the exceptions that are caught around it, within its function.
    catches: frozenset[str] = frozenset()
    #: It does not run here: type checking, `__main__`, another machine.
    skipped: bool = False

    @property
    def at_import(self) -> bool:
        """It runs when the file is imported."""
        return not self.functions

    def catching(self, *names: str) -> bool:
        """Whether one of these exceptions, or all of them, is caught."""
        return bool(self.catches & {*names, "Exception", "BaseException"})

    def catching_by_name(self, *names: str) -> bool:
        """Whether one of these exceptions is expected: named by who catches it."""
        return bool(self.catches & set(names))


def walk(tree: ast.Module) -> Iterator[tuple[ast.AST, Place]]:
    """Every node of a file with its place, in the order of the text. Types in annotations are left out."""
    stack: list[tuple[ast.AST, Place]] = [*reversed(_block(tree.body, Place()))]
    while stack:
        node, place = stack.pop()
        yield node, place
        stack.extend(reversed(_children(node, place)))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of names and attributes, `""` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _children(node: ast.AST, place: Place) -> list[tuple[ast.AST, Place]]:
    maybe = replace(place, certain=False)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return _of_function(node, place)
    if isinstance(node, ast.ClassDef):
        around = [*node.decorator_list, *node.bases, *node.keywords]
        return [*((one, place) for one in around), *_block(node.body, place)]
    if isinstance(node, ast.If):
        test, body, orelse = (
            (node.test, place),
            replace(maybe, skipped=place.skipped or _is_elsewhere(node.test)),
            maybe,
        )
        return [test, *_block(node.body, body), *_block(node.orelse, orelse)]
    if isinstance(node, ast.For | ast.AsyncFor):
        inside = [*_block(node.body, maybe), *_block(node.orelse, maybe)]
        return [(node.iter, place), (node.target, place), *inside]
    if isinstance(node, ast.While):
        return [(node.test, place), *_block(node.body, maybe), *_block(node.orelse, maybe)]
    if isinstance(node, ast.Try | ast.TryStar):
        return _of_try(node, place)
    if isinstance(node, ast.With | ast.AsyncWith):
        suppressed = frozenset(name for item in node.items for name in _suppressed(item.context_expr))
        inside_place = replace(maybe, catches=place.catches | suppressed) if suppressed else place
        return [*((item, place) for item in node.items), *_block(node.body, inside_place)]
    if isinstance(node, ast.Match):
        return [(node.subject, place), *((case, maybe) for case in node.cases)]
    if isinstance(node, ast.match_case):
        guard = [node.guard] if node.guard else []
        return [(node.pattern, place), *((one, place) for one in guard), *_block(node.body, place)]
    return _of_expression(node, place, maybe)


def _of_expression(node: ast.AST, place: Place, maybe: Place) -> list[tuple[ast.AST, Place]]:
    if isinstance(node, ast.BoolOp):
        return [(node.values[0], place), *((value, maybe) for value in node.values[1:])]
    if isinstance(node, ast.IfExp):
        return [(node.test, place), (node.body, maybe), (node.orelse, maybe)]
    if isinstance(node, _COMPREHENSIONS):
        first, *others = node.generators
        rest = [child for child in ast.iter_child_nodes(node) if child is not first and child not in others]
        return [(first.iter, place), (first.target, maybe), *((one, maybe) for one in [*first.ifs, *others, *rest])]
    if isinstance(node, ast.AnnAssign):
        return [(node.target, place), *([(node.value, place)] if node.value else [])]
    if isinstance(node, ast.Assert):
        return [(node.test, place), *([(node.msg, maybe)] if node.msg else [])]
    return [(child, place) for child in ast.iter_child_nodes(node)]


def _of_function(node: Function, place: Place) -> list[tuple[ast.AST, Place]]:
    inside = Place(functions=(*place.functions, node), skipped=place.skipped)
    arguments = node.args
    defaults = [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]
    if isinstance(node, ast.Lambda):
        return [*((one, place) for one in defaults), (node.body, replace(inside, certain=False))]
    return [*((one, place) for one in [*node.decorator_list, *defaults]), *_block(node.body, inside)]


def _of_try(node: ast.Try | ast.TryStar, place: Place) -> list[tuple[ast.AST, Place]]:
    maybe = replace(place, certain=False)
    caught = frozenset(name for handler in node.handlers for name in _exceptions(handler.type))
    body = replace(maybe, catches=place.catches | caught) if node.handlers else place
    parts = _block(node.body, body)
    for handler in node.handlers:
        parts += [*([(handler.type, maybe)] if handler.type else []), *_block(handler.body, maybe)]
    return [*parts, *_block(node.orelse, maybe), *_block(node.finalbody, place)]


def _block(body: list[ast.stmt], place: Place) -> list[tuple[ast.AST, Place]]:
    """The statements of a block. Behind one that may leave it, nothing is certain."""
    placed: list[tuple[ast.AST, Place]] = []
    for statement in body:
        placed.append((statement, place))
        if place.certain and _may_leave(statement):
            place = replace(place, certain=False)
    return placed


def _may_leave(statement: ast.stmt) -> bool:
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(node)
    return False


def _exceptions(node: ast.expr | None) -> list[str]:
    if node is None:
        return ["BaseException"]
    if isinstance(node, ast.Tuple):
        return [name for item in node.elts for name in _exceptions(item)]
    # What is computed may be anything.
    return [dotted(node).rpartition(".")[2] or "BaseException"]


def _suppressed(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "suppress":
        return [name for argument in node.args for name in _exceptions(argument)]
    return []


def _is_elsewhere(test: ast.expr) -> bool:
    for node in ast.walk(test):
        name = dotted(node)
        if name == "__name__" or name.rpartition(".")[2] == "TYPE_CHECKING" or name in _MACHINE:
            return True
    return False
