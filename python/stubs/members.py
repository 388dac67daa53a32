"""From a statement of the runtime to the one that a stub shows of it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping

#: Special methods that say what may be done with an object; the others say how it does it.
SHOWN = {
    "__init__", "__getitem__", "__setitem__", "__delitem__", "__getattr__", "__setattr__", "__delattr__",
    "__contains__", "__len__", "__enter__", "__exit__", "__call__",
}  # fmt: skip
_DECORATORS = {"property", "cached_property", "classmethod", "staticmethod", "setter"}
_BUILTIN = {bool: "bool", int: "int", float: "float", str: "str"}


def docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """Its docstring, `""` where there is none; the quotes after one of several lines stand on their own."""
    text = ast.get_docstring(node) or ""
    return f"{text}\n" if "\n" in text else text


def alias_of(node: ast.stmt) -> str | None:
    """The name that an assignment gives, or None."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return None


def is_private(name: str) -> bool:
    """Whether a stub leaves it out."""
    return name.startswith("_") and name not in SHOWN


class Stubs:
    """The stubs of one module's own names."""

    def __init__(self, own: Mapping[str, ast.stmt]) -> None:
        self._own = own

    def of(self, name: str) -> ast.stmt:
        """The statement that a stub has for `name`. LookupError for one that is not understood."""
        node = self._own[name]
        if isinstance(node, ast.ClassDef):
            return self._class(node)
        if isinstance(node, ast.FunctionDef):
            return _function(node)
        if isinstance(node, ast.Assign):
            return self._assigned(name, node.value)
        if isinstance(node, ast.AnnAssign):
            return ast.AnnAssign(ast.Name(name), _given(node.annotation), None, 1)
        raise LookupError(f"{name}: {ast.unparse(node)}")

    def _assigned(self, name: str, value: ast.expr) -> ast.stmt:
        target = ast.Name(name)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            if value.func.id == "TypeVar":
                return ast.Assign([target], value, lineno=1)
            return ast.AnnAssign(target, value.func, None, 1)
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            method = self._method(value.value.id, value.attr)
            if method is not None:
                bound = _function(method)
                bound.name, bound.args.args = name, bound.args.args[1:]
                return bound
        if isinstance(value, ast.Name) and isinstance(self._own.get(value.id), ast.FunctionDef):
            return ast.Assign([target], value, lineno=1)
        return ast.AnnAssign(target, ast.Name("TypeAlias"), _given(value), 1)

    def _method(self, instance: str, name: str) -> ast.FunctionDef | None:
        made = self._own.get(instance)
        if not (isinstance(made, ast.Assign) and isinstance(made.value, ast.Call)):
            return None
        kind = self._own.get(ast.unparse(made.value.func))
        members = kind.body if isinstance(kind, ast.ClassDef) else []
        return next((node for node in members if isinstance(node, ast.FunctionDef) and node.name == name), None)

    def _class(self, node: ast.ClassDef) -> ast.ClassDef:
        body: list[ast.stmt] = []
        if docstring(node):
            body.append(ast.Expr(ast.Constant(docstring(node))))
        methods = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
        is_enum = any(ast.unparse(base).endswith("Enum") for base in node.bases)
        shown = [_class_member(member, is_enum) for member in node.body]
        aliases = [
            member for member in shown if isinstance(member, ast.Assign) and ast.unparse(member.value) in methods
        ]
        body += [member for member in shown if isinstance(member, ast.AnnAssign | ast.Assign) and member not in aliases]
        named = {alias_of(member) for member in body} | methods
        for name, kind in _fields(node):
            if name not in named:
                body.append(ast.AnnAssign(ast.Name(name), kind, None, 1))
        body += [member for member in shown if isinstance(member, ast.FunctionDef)]
        body += aliases
        bases = [_given(base) for base in node.bases]
        return ast.ClassDef(node.name, bases, [], body or [ast.Expr(ast.Constant(...))], [])


def _class_member(member: ast.stmt, of_enum: bool) -> ast.stmt | None:
    if isinstance(member, ast.FunctionDef):
        only_refuses = member.name.startswith("__") and isinstance(member.body[0], ast.Raise)
        return None if is_private(member.name) or only_refuses else _function(member)
    name = alias_of(member)
    if name is None or is_private(name):
        return None
    if isinstance(member, ast.AnnAssign):
        return ast.AnnAssign(ast.Name(name), _given(member.annotation), None, 1)
    assert isinstance(member, ast.Assign)
    value = member.value
    if of_enum:
        return ast.Assign([ast.Name(name)], value, lineno=1)
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and not value.value.id.startswith("_"):
        return ast.AnnAssign(ast.Name(name), value.value, None, 1)  # `entity_type = EntityType.NAME`
    if isinstance(value, ast.Name) and is_private(value.id):
        return None  # the way that something refuses
    if isinstance(value, ast.Name | ast.Attribute):
        return ast.Assign([ast.Name(name)], value, lineno=1)
    kind = _kind(value, {})
    if kind is None:
        raise LookupError(f"the type of {name} = {ast.unparse(value)}")
    return ast.AnnAssign(ast.Name(name), kind, None, 1)


def _function(node: ast.FunctionDef) -> ast.FunctionDef:
    text = docstring(node)
    body: list[ast.stmt] = [ast.Expr(ast.Constant(text))] if text else [ast.Expr(ast.Constant(...))]
    decorators = [one for one in node.decorator_list if ast.unparse(one).rpartition(".")[2] in _DECORATORS]
    arguments = copy.deepcopy(node.args)
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        if argument.annotation is not None:
            argument.annotation = _taken(argument.annotation)
    arguments.defaults = [_default(one) for one in arguments.defaults]
    arguments.kw_defaults = [one and _default(one) for one in arguments.kw_defaults]
    returns = _given(node.returns) if node.returns is not None else None
    return ast.FunctionDef(node.name, arguments, body, decorators, returns, lineno=1)


def _default(value: ast.expr) -> ast.expr:
    """A default value as a reader can know it."""
    return ast.Constant(...) if isinstance(value, ast.Name) and is_private(value.id) else value


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """What `__init__` sets, with its type."""
    make = next((member for member in node.body if getattr(member, "name", None) == "__init__"), None)
    if not isinstance(make, ast.FunctionDef):
        return
    arguments = [*make.args.posonlyargs, *make.args.args, *make.args.kwonlyargs]
    kinds = {one.arg: one.annotation for one in arguments if one.annotation is not None}
    for statement in make.body:
        if not isinstance(statement, ast.AnnAssign | ast.Assign):
            continue
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != "self" or is_private(target.attr):
            continue
        if isinstance(statement, ast.AnnAssign):
            kind: ast.expr | None = statement.annotation
        else:
            # A field made from the parameter of its name is of that parameter's type.
            kind = _kind(statement.value, kinds) or kinds.get(target.attr)
        if kind is None:
            raise LookupError(f"the type of {node.name}.{target.attr} = {ast.unparse(statement)}")
        yield target.attr, _given(kind)


def _kind(value: ast.expr, kinds: Mapping[str, ast.expr]) -> ast.expr | None:
    """The type of an expression, as far as it is plain."""
    if isinstance(value, ast.Name):
        return kinds.get(value.id)
    if isinstance(value, ast.Constant):
        name = _BUILTIN.get(type(value.value))
        return ast.Name(name) if name else None
    if isinstance(value, ast.IfExp):
        # `EntityType(type) if … else type`: the parameter's own type holds both.
        return _kind(value.orelse, kinds) or _kind(value.body, kinds)
    if isinstance(value, ast.BoolOp):
        return _kind(value.values[-1], kinds) or _kind(value.values[0], kinds)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        if value.func.id in ("dict", "list", "tuple") and value.args:
            return _kind(value.args[0], kinds)
        return value.func
    return None


class _Anything(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("Any") if node.id == "object" else node


def _given(annotation: ast.expr) -> ast.expr:
    """The type of what is handed out. `object` promises nothing: users may do with it what they know it can do."""
    return _Anything().visit(copy.deepcopy(annotation))  # type: ignore[no-any-return]


def _taken(annotation: ast.expr) -> ast.expr:
    """The type of what is taken: `object` takes everything, but `dict[str, object]` would refuse a `dict[str, str]`."""
    return annotation if isinstance(annotation, ast.Name) else _given(annotation)
