"""Imports that lead nowhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module

from aftercall._names import gen
from aftercall._runtime.check import certainty
from aftercall._runtime.check.findings import Finding
from aftercall._runtime.check.names import defined_names
from aftercall._runtime.check.requirements import providers, requirements
from aftercall._runtime.check.sources import Found, Source, Sources
from aftercall._runtime.imports import NAMED_SUBMODULES

CODE = "AC0252"
_IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError")


def check(source: Source, sources: Sources) -> Iterator[Finding]:
    """Modules that are not there, names that a module does not have, and relative imports that leave the project."""
    for node, place in source.nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom) or place.catching(*_IMPORT_ERRORS):
            continue
        for message, fix in _problems(source, sources, node):
            yield Finding(
                certainty.level(source, sources, place),
                CODE,
                message,
                source.file,
                node.lineno,
                fix,
                certainty.when(place),
            )


def missing_package(name: str, sources: Sources) -> bool:
    """Whether a module is neither there nor brought by what `requirements.txt` names."""
    missing = sources.find(name)
    if not isinstance(missing, str) or ("." not in missing and not sources.knows_packages):
        return False
    return not providers(name) & requirements(sources.project.root)


def _problems(source: Source, sources: Sources, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _module(alias.name, sources)
        return
    base = source.absolute(node)
    if base is None:
        dots = "." * node.level
        if sources.is_single_file:
            yield (
                f"`from {dots}{node.module or ''} import …`: a project of one file has nothing beside it",
                "Make it a folder, with functions/end_function.py and the other modules beside it.",
            )
            return
        yield f"`from {dots}{node.module or ''} import …` leads out of the project", "Take away dots."
        return
    problems = list(_module(base, sources)) if base else []
    yield from problems
    if problems:
        return
    for alias in node.names:
        if alias.name != "*":
            yield from _member(base, alias.name, sources)


def _module(name: str, sources: Sources) -> Iterator[tuple[str, str]]:
    missing = sources.find(name)
    if not isinstance(missing, str) or not missing_package(name, sources):
        return
    if missing.startswith("functions") and sources.is_single_file:
        yield (
            "there is no module functions: a project of one file has nothing beside it",
            "Make it a folder, with functions/end_function.py and the other modules beside it.",
        )
    elif "." in missing:
        yield f"there is no module {missing}", "Correct the name, or add the file to the project."
    else:
        package = sorted(providers(missing))[0]
        yield f"there is no module {missing}", f"Add {package} to requirements.txt, or correct the name."


def _member(module: str, name: str, sources: Sources) -> Iterator[tuple[str, str]]:
    found = sources.find(module)
    if not isinstance(found, Found):
        return
    if found.ours is not None:
        there = import_module(found.ours)
        if not hasattr(there, name) and f"{found.ours}.{name}" not in NAMED_SUBMODULES:
            yield _has_no(module, name, set(getattr(there, "__all__", vars(there))))
    elif found.source is not None or found.folder:
        if isinstance(sources.find(f"{module}.{name}"), Found):
            return
        names = _names(found.source, sources) if found.source is not None else set()
        if names is not None and name not in names and "__getattr__" not in names:
            yield _has_no(module, name, names)


def _names(source: Source, sources: Sources) -> set[str] | None:
    names = defined_names(source, sources)
    return None if names is None else names | set(gen.__all__) | {"__name__", "__file__", "__doc__"}


def _has_no(module: str, name: str, names: set[str]) -> tuple[str, str]:
    close = get_close_matches(name, sorted(one for one in names if not one.startswith("_")), 1)
    fix = f"Did you mean {close[0]}?" if close else "Correct the name, or define it there."
    return f"{module} has no {name!r}", fix
