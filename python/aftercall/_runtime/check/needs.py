"""What a project needs of its surroundings: secrets, configured APIs, integrations, a model, packages."""

from __future__ import annotations

import ast
import sys

from aftercall._runtime.check.imports import missing_package
from aftercall._runtime.check.places import dotted
from aftercall._runtime.check.sources import Found, Source, Sources

#: Name → where it is first used, `file:line`.
Uses = dict[str, str]

_MODEL = ("prompt_llm", "extract_address", "extract_city")


def needs(sources: Sources) -> dict[str, Uses]:
    """By kind: `secrets`, `apis` (`integration.operation`), `integrations`, `model`, `packages`, `missing_packages`."""
    found: dict[str, Uses] = {
        kind: {} for kind in ("secrets", "apis", "integrations", "model", "packages", "missing_packages")
    }
    for source in sources.reached():
        for node, _ in source.nodes:
            for kind, name in _needed(node, source, sources):
                found[kind].setdefault(name, f"{source.file}:{getattr(node, 'lineno', 1)}")
    return found


def _needed(node: ast.AST, source: Source, sources: Sources) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return _packages([alias.name for alias in node.names], sources)
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return _packages([node.module], sources)
    if not isinstance(node, ast.Call):
        return []
    name = dotted(node.func)
    last = name.rpartition(".")[2]
    if last == "get_secret" and "." in name:
        return [("secrets", _text(node, "secret_name") or "(a name that is computed)")]
    if last in _MODEL and ".utils." in f".{name}":
        return [("model", f"conv.utils.{last}")]
    parts = name.split(".")
    if len(parts) >= 4 and parts[1] == "api":
        return [("apis", f"{parts[2]}.{parts[3]}")]
    if len(parts) >= 3 and parts[1] == "integrations":
        return [("integrations", parts[2] if parts[2] != "proxy_request" else _text(node, "integration_id") or "?")]
    return []


def _packages(modules: list[str], sources: Sources) -> list[tuple[str, str]]:
    found = []
    for module in modules:
        top = module.partition(".")[0]
        where = sources.find(top)
        if isinstance(where, str) and missing_package(module, sources):
            found.append(("missing_packages", top))
        elif top not in sys.stdlib_module_names and (
            isinstance(where, str) or (isinstance(where, Found) and not (where.ours or where.source or where.folder))
        ):
            found.append(("packages", top))
    return found


def _text(node: ast.Call, keyword: str) -> str:
    given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == keyword)]
    value = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    return value if isinstance(value, str) else ""
