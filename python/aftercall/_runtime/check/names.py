"""Names that nothing defines.

The compiler has resolved them: what it loads as a global has to be a global of the module, one of the names that every
project module is given, or a builtin.
"""

from __future__ import annotations

import ast
import builtins
import dis
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from types import CodeType

from aftercall._names import gen
from aftercall._runtime.check import certainty
from aftercall._runtime.check.findings import Finding
from aftercall._runtime.check.places import Place
from aftercall._runtime.check.sources import Found, Source, Sources

CODE = "AC0253"
_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_STORES = {"STORE_NAME", "STORE_GLOBAL"}
#: Functions that can define names in ways that cannot be seen.
_TRICKS = {"globals", "exec", "vars", "eval"}
#: Modules of the standard library that do something when they are imported.
_LIVELY = {"this", "antigravity", "idlelib", "turtledemo", "__main__"}
#: Code that only runs when somebody asks for annotations (Python 3.14).
_LAZY = {"__annotate__", "__annotate_func__"}


def check(source: Source, sources: Sources) -> Iterator[Finding]:
    """Loads of names that are not there."""
    names = defined_names(source, sources)
    if names is None or source.code is None:
        return
    known = names | set(dir(builtins)) | set(gen.__all__)
    places = {(node.lineno, node.col_offset): place for node, place in source.nodes if isinstance(node, ast.Name)}
    annotated = _annotation_lines(source.tree)
    told: set[str] = set()
    for name, line, column in _loads(source.code, known):
        place = places.get((line, column))
        if place is None and (line, column) not in annotated:
            continue  # what does not run here, or what the compiler made up
        if name in told or (place is not None and place.catching_by_name("NameError")):
            continue
        told.add(name)
        place = place or Place()
        yield Finding(
            certainty.level(source, sources, place, caught=("NameError",)),
            CODE,
            f"the name {name!r} is not defined",
            source.file,
            line,
            _fix(name, known, sources),
            certainty.when(place),
        )


def defined_names(source: Source, sources: Sources, _through: frozenset[str] = frozenset()) -> set[str] | None:
    """The globals of a module beside those that each is given; None where that cannot be told."""
    if source.file in _through:
        return set()  # two that star-import each other: the names are found on the other's way
    if _through:
        return _defined(source, sources, _through)
    known: dict[str, set[str] | None] = sources.notes.setdefault("defined_names", {})
    if source.file not in known:
        known[source.file] = _defined(source, sources, _through)
    return known[source.file]


def _defined(source: Source, sources: Sources, through: frozenset[str]) -> set[str] | None:
    if source.code is None:
        return None
    names: set[str] = set()
    for code in _codes(source.code):
        stores = _STORES if code is source.code else {"STORE_GLOBAL"}
        names.update(one.argval for one in dis.get_instructions(code) if one.opname in stores)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _TRICKS:
            return None
        if isinstance(node, ast.Attribute) and node.attr == "modules" and source.canonical(node) == "sys.modules":
            return None
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            starred = _starred(source.absolute(node), sources, through | {source.file})
            if starred is None:
                return None
            names |= starred
    return names | _set_from_outside(sources)


def _starred(module: str | None, sources: Sources, through: frozenset[str]) -> set[str] | None:
    found = sources.find(module) if module else ""
    if not isinstance(found, Found):
        return set()  # told of as an import
    if found.ours is not None:
        names = vars(import_module(found.ours))
        return set(names.get("__all__") or (name for name in names if not name.startswith("_")))
    if found.source is not None:
        exported = _all(found.source.tree)
        if exported is not None:
            return exported
        names_there = defined_names(found.source, sources, through)
        return None if names_there is None else {name for name in names_there if not name.startswith("_")}
    top = (module or "").partition(".")[0]
    if top not in sys.stdlib_module_names or top in _LIVELY:
        return None
    there = vars(import_module(module or ""))
    return set(there.get("__all__") or (name for name in there if not name.startswith("_")))


def _all(tree: ast.Module) -> set[str] | None:
    """`__all__`, where it is a plain list."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            try:
                return set(ast.literal_eval(node.value))
            except (ValueError, TypeError):
                return None
    return None


def _set_from_outside(sources: Sources) -> set[str]:
    """Attributes that any file sets on something that it imported: it may be a module."""
    if "set_from_outside" not in sources.notes:
        sources.notes["set_from_outside"] = _set_on_imports(sources)
    found: set[str] = sources.notes["set_from_outside"]
    return found


def _set_on_imports(sources: Sources) -> set[str]:
    return {
        node.attr
        for source in sources.reached()
        for node, _ in source.nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
        if node.value.id in source.bindings
    }


def _codes(code: CodeType) -> Iterator[CodeType]:
    stack = [code]
    while stack:
        code = stack.pop()
        yield code
        stack += [one for one in code.co_consts if isinstance(one, CodeType)]


def _loads(code: CodeType, known: set[str]) -> list[tuple[str, int, int]]:
    found = []
    for one in _codes(code):
        if one.co_name in _LAZY:
            continue
        # A class body looks among its own names first.
        own = {step.argval for step in dis.get_instructions(one) if step.opname == "STORE_NAME"}
        for step in dis.get_instructions(one):
            name = step.argval
            if step.opname not in _LOADS or name in known or name in own:
                continue
            is_special = name.startswith(("__", "."))
            position = step.positions
            if not is_special and position and position.lineno is not None and position.col_offset is not None:
                found.append((name, position.lineno, position.col_offset))
    return sorted(found, key=lambda load: load[1:])


def _annotation_lines(tree: ast.Module) -> set[tuple[int, int]]:
    """Where names stand in annotations: those run too, unless they are postponed."""
    annotations = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    return {
        (node.lineno, node.col_offset)
        for annotation in annotations
        if annotation is not None
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name)
    }


def _fix(name: str, known: set[str], sources: Sources) -> str:
    if not sources.is_single_file and sources.function_file(name) is not None:
        return f"Import it: `from functions.{name} import {name}`."
    if name in sys.stdlib_module_names:
        return f"Import it: `import {name}`."
    close = get_close_matches(name, sorted(one for one in known if not one.startswith("_")), 1, 0.8)
    return f"Did you mean {close[0]}?" if close else "Define it, or import it from where it is."
