"""Uses of the conversation that do not fit it: attributes that it has not, calls that its methods do not take,
functions of the project that are not there, and what comes too late after the call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches

from aftercall._names import plog
from aftercall._runtime.check import certainty
from aftercall._runtime.check.findings import Finding
from aftercall._runtime.check.members import Member, call_problem, is_open, members, shown
from aftercall._runtime.check.names import defined_names
from aftercall._runtime.check.places import Function, Place, dotted
from aftercall._runtime.check.sources import Source, Sources
from aftercall.conv.conversation import Conversation
from aftercall.conv.log import ConversationLogger

UNKNOWN = "AC0251"
BAD_CALL = "AC0254"
NO_HANDOFF = "AC0254"
NO_FUNCTION = "AC0255"
TOO_LATE = "AC0258"
_HANDOFF = "call_handoff"
_GUARDS = {"hasattr", "getattr", "setattr", "delattr"}


def check(source: Source, sources: Sources) -> Iterator[Finding]:
    """Each use, by name or through `log` and `plog`."""
    if "excused" not in sources.notes:
        sources.notes["excused"] = _excused(sources)
    look = _Look(source, sources, sources.notes["excused"])
    for node, place in source.nodes:
        if isinstance(node, ast.Attribute):
            yield from look.attribute(node, place)
        elif isinstance(node, ast.Call):
            yield from look.call(node, place)


class _Look:
    def __init__(self, source: Source, sources: Sources, excused: set[str]) -> None:
        self._source = source
        self._sources = sources
        self._excused = excused
        self._conversations: dict[ast.AST, set[str]] = {}
        self._bound: dict[ast.AST, set[str]] = {}
        self._names = defined_names(source, sources)

    def attribute(self, node: ast.Attribute, place: Place) -> Iterator[Finding]:
        """An attribute that is asked for or set."""
        if node.attr.startswith("_") or place.catching_by_name("AttributeError"):
            return
        if dotted(node.value).endswith(".functions") and self._kind(node.value, place, "functions") is not None:
            yield from self._function(node, place)
            return
        if self._is_plog(node.value):
            if not hasattr(plog, node.attr):
                yield self._unknown(node, place, "plog", {name for name in vars(plog) if not name.startswith("_")})
            return
        kind = self._kind(node.value, place)
        if kind is None:
            return
        known = members(kind)
        member = known.get(node.attr)
        if isinstance(node.ctx, ast.Load):
            if member is None and node.attr not in self._excused:
                yield self._unknown(node, place, dotted(node.value), set(known))
            elif member is not None and member.is_too_late and node.attr != _HANDOFF:
                yield self._too_late(node, place)
        elif member is not None and (member.is_fixed or isinstance(node.ctx, ast.Del)):
            message = f"{dotted(node)} cannot be set"
            yield self._finding(UNKNOWN, message, "Keep the value elsewhere: `conv.state` holds anything.", node, place)

    def call(self, node: ast.Call, place: Place) -> Iterator[Finding]:
        """A call of a method."""
        if not isinstance(node.func, ast.Attribute) or place.catching_by_name("TypeError"):
            return
        member: Member | None
        if self._is_plog(node.func.value):
            function = getattr(plog, node.func.attr, None)
            member = Member(function=function) if callable(function) else None
        else:
            kind = self._kind(node.func.value, place)
            member = members(kind).get(node.func.attr) if kind is not None else None
        if member is None or node.func.attr in self._excused:
            return
        name = dotted(node.func)
        if member.uncallable:
            fix = f"It is {member.uncallable}: leave out the brackets."
            yield self._finding(BAD_CALL, f"{name} cannot be called", fix, node, place)
            return
        spread = any(isinstance(one, ast.Starred) for one in node.args)
        keywords = [one.arg for one in node.keywords if one.arg is not None]
        partial = spread or len(keywords) < len(node.keywords)
        positional = sum(not isinstance(one, ast.Starred) for one in node.args)
        problem = call_problem(member, positional, keywords, partial=partial)
        if problem:
            fix = f"It is called as `{shown(member, name)}`."
            yield self._finding(BAD_CALL, f"{name}(…): {problem}", fix, node, place)
        elif node.func.attr == _HANDOFF:
            yield self._handoff(node, node.func, place)

    def _handoff(self, node: ast.Call, func: ast.Attribute, place: Place) -> Finding:
        """A hand-over: it comes too late, but only a destination that is there is passed over in silence."""
        named = next((one.value for one in node.keywords if one.arg == "destination"), (*node.args, None)[0])
        name = named.value if isinstance(named, ast.Constant) else None
        when = certainty.when(place)
        if not isinstance(name, str):
            message = f"{dotted(func)} hands nobody over: the call is over"
            fix = "Leave it out here; it raises MissingHandoff for a destination that is not in conv.handoffs."
            return Finding("note", TOO_LATE, message, self._source.file, node.lineno, fix, when)
        if name in self._sources.handoffs or place.catching_by_name("MissingHandoff"):
            return self._too_late(func, place)
        message = f"{dotted(func)}({name!r}) raises MissingHandoff: config/handoffs.yaml has no such destination"
        close = get_close_matches(name, sorted(self._sources.handoffs), 1)
        way = f"Did you mean {close[0]!r}?" if close else f"Leave it out here, or add {name!r} there."
        fix = f"{way} A conversation that brings `handoffs` of its own needs it there."
        return Finding("warning", NO_HANDOFF, message, self._source.file, node.lineno, fix, when)

    def _function(self, node: ast.Attribute, place: Place) -> Iterator[Finding]:
        """`conv.functions.<name>`."""
        if hasattr(dict, node.attr):
            return
        name = node.attr
        file = self._sources.function_file(name)
        if self._sources.is_single_file:
            where, names = self._sources.entry, defined_names(file, self._sources) if file is not None else set()
        else:
            where, names = f"functions/{name}.py", defined_names(file, self._sources) if file is not None else set()
        if names is None or name in names or (file is not None and file.failure is not None):
            return
        what = "there is no" if file is None else f"{where} has no function {name}: there is no"
        message = f"{what} conv.functions.{name}"
        fix = f"Define `def {name}(conv, …)` in {where}."
        yield self._finding(NO_FUNCTION, message, fix, node, place)

    def _is_plog(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self._source.bindings.get(node.id) == "plog"

    def _kind(self, node: ast.expr, place: Place, wanted: str = "") -> type | None:
        """The class of what an expression is, where it is the conversation or a part of it whose members are known."""
        if isinstance(node, ast.Name):
            if self._is_conversation(node.id, place):
                return Conversation
            is_given = node.id == "log" and self._names is not None and "log" not in self._names
            return ConversationLogger if is_given and not self._is_local("log", place) else None
        if not isinstance(node, ast.Attribute):
            return None
        base = self._kind(node.value, place)
        if base is None:
            return None
        if wanted and base is Conversation and node.attr == wanted:
            return Conversation
        member = members(base).get(node.attr)
        kind = member.kind if member is not None else None
        return kind if kind is not None and not is_open(kind) and node.attr not in self._excused else None

    def _is_conversation(self, name: str, place: Place) -> bool:
        for function in reversed(place.functions):
            if function not in self._conversations:
                self._conversations[function] = _conversation_arguments(function)
            if name in self._conversations[function]:
                return True
            if self._binds(function, name):
                return False
        return False

    def _binds(self, function: Function, name: str) -> bool:
        if function not in self._bound:
            self._bound[function] = _bound(function)
        return name in self._bound[function]

    def _is_local(self, name: str, place: Place) -> bool:
        return any(self._binds(function, name) for function in place.functions)

    def _unknown(self, node: ast.Attribute, place: Place, of: str, known: set[str]) -> Finding:
        close = get_close_matches(node.attr, sorted(known), 1)
        fix = f"Did you mean {of}.{close[0]}?" if close else "docs/conv.md lists what there is."
        what = "a conversation" if "." not in of and of not in ("log", "plog") else of
        return self._finding(UNKNOWN, f"{what} has no attribute {node.attr!r}", fix, node, place, "AttributeError")

    def _too_late(self, node: ast.Attribute, place: Place) -> Finding:
        message = f"{dotted(node)} does nothing: the call is over"
        fix = "Leave it out here; the run only gets a warning."
        when = certainty.when(place)
        return Finding("note", TOO_LATE, message, self._source.file, node.lineno, fix, when)

    def _finding(
        self, code: str, message: str, fix: str, node: ast.expr, place: Place, caught: str = "TypeError"
    ) -> Finding:
        level = certainty.level(self._source, self._sources, place, caught=(caught, "AttributeError"))
        return Finding(level, code, message, self._source.file, node.lineno, fix, certainty.when(place))


def _conversation_arguments(function: Function) -> set[str]:
    """The arguments that are the conversation: called `conv`, or annotated as one. None that is given another value."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    found = set()
    for argument in arguments:
        annotation = argument.annotation
        text = annotation.value if isinstance(annotation, ast.Constant) else dotted(annotation) if annotation else ""
        is_annotated = str(text).rpartition(".")[2] == "Conversation"
        if is_annotated or (argument.arg == "conv" and annotation is None):
            found.add(argument.arg)
    return found - _assigned(function)


def _bound(function: Function) -> set[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {one.arg for one in named if one is not None} | _assigned(function)


def _assigned(function: Function) -> set[str]:
    body = function.body if isinstance(function.body, list) else [function.body]
    return {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _excused(sources: Sources) -> set[str]:
    """Attributes that the project sets on something, or asks for with care."""
    excused: set[str] = set()
    for source in sources.reached():
        for node, _ in source.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.attr not in members(Conversation):
                    excused.add(node.attr)
            elif isinstance(node, ast.Call) and dotted(node.func) in _GUARDS and len(node.args) > 1:
                named = node.args[1]
                if isinstance(named, ast.Constant) and isinstance(named.value, str):
                    excused.add(named.value)
    return excused
