"""How sure a finding is: whether what it is about is bound to run, and when."""

from __future__ import annotations

import ast
from typing import Literal

from aftercall._runtime.check.findings import Level
from aftercall._runtime.check.places import Place
from aftercall._runtime.check.sources import Source, Sources
from aftercall._runtime.project import FUNCTION


def level(source: Source, sources: Sources, place: Place, *, caught: tuple[str, ...] = ()) -> Level:
    """`error` where it is bound to run and nothing catches what it raises (one of `caught`), else `warning`."""
    if not place.certain or (caught and place.catching(*caught)):
        return "warning"
    if place.at_import:
        return "error" if sources.is_at_start(source) else "warning"
    return "error" if _is_end_function(source, sources, place) else "warning"


def when(place: Place) -> Literal["import", "run"]:
    """When it is met."""
    return "import" if place.at_import else "run"


def _is_end_function(source: Source, sources: Sources, place: Place) -> bool:
    function = place.functions[0]
    is_named = isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name == FUNCTION
    return source.file == sources.entry and len(place.functions) == 1 and is_named and function in source.tree.body
