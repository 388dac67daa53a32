"""Writes the type stubs of `_gen`, `imports`, `polyai`, `plog` and `utils.secret_vault` from the runtime's own source.

    python generate.py          writes crates/cli/stubs, which the command carries
    python generate.py --check  says whether they are what it would write; exit status 1 if not

These modules exist only within a run. `aftercall init` and `aftercall stubs` put the stubs into a project's `typings/`,
where editors and type checkers look for them. Signatures, types and docstrings are those of the source; what runs is
left out, and so is everything private.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from members import Stubs, alias_of, docstring

PYTHON = Path(__file__).resolve().parents[1]
TARGET = PYTHON.parent / "crates" / "cli" / "stubs"
NAMES = PYTHON / "aftercall" / "_names"
CONV = PYTHON / "aftercall" / "conv"

HEADER = "# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.\n"
#: The vendor's module → what it holds: all names of `_gen`, as at run time.
ALL_NAMES = ("imports", "polyai", "polyai.attachments", "polyai.history", "polyai.voice", "polyai.webchat")
_PREFIX = "aftercall.conv."


class Module:
    """One module of the runtime, and which of its names the stubs show."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text())
        self.doc = docstring(self.tree)
        #: Name → the module of `aftercall.conv` and the name there (None: the module itself).
        self.imported: dict[str, tuple[str, str | None]] = {}
        #: Name → the statement that makes it.
        self.outside: dict[str, ast.stmt] = {}
        self.own: dict[str, ast.stmt] = {}
        for node in self._statements():
            self._take(node)

    def _statements(self) -> Iterator[ast.stmt]:
        for node in self.tree.body:
            if isinstance(node, ast.If):  # if TYPE_CHECKING
                yield from node.body
            else:
                yield node

    def _take(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name
                source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
                if source.startswith(_PREFIX):
                    self.imported[name] = (source.removeprefix(_PREFIX), alias.name)
                elif source == "aftercall.conv":
                    self.imported[name] = (alias.name, None)
                elif isinstance(node, ast.ImportFrom):
                    self.outside[name] = ast.ImportFrom(source, [ast.alias(alias.name, alias.asname)], 0)
                else:
                    self.outside[name] = ast.Import([alias])
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            self.own[node.name] = node
        elif (made := alias_of(node)) not in (None, "TYPE_CHECKING"):
            self.own[str(made)] = node


def generate() -> dict[str, str]:
    """Path below the stubs' folder → text."""
    gen = Module(NAMES / "gen.py")
    modules = {path.stem: Module(path) for path in sorted(CONV.glob("*.py")) if path.stem != "__init__"}
    wanted: dict[str, dict[str, ast.stmt]] = {}
    pending = [(module, name) for module, name in gen.imported.values() if name is not None]
    while pending:
        stem, name = pending.pop()
        if name in wanted.setdefault(stem, {}):
            continue
        module = modules[stem]
        if name not in module.own:
            raise LookupError(f"aftercall.conv.{stem} has no {name}: what makes it is not understood here")
        made = Stubs(module.own).of(name)
        wanted[stem][name] = made
        for used in _names_in(made):
            if used in module.own:
                pending.append((stem, used))
            elif used in module.imported and module.imported[used][1] is not None:
                pending.append((module.imported[used][0], module.imported[used][1] or ""))
    texts = {"_gen/__init__.pyi": _package(gen)}
    for stem, members in sorted(wanted.items()):
        texts[f"_gen/{stem}.pyi"] = _text(modules[stem], members)
    for name in ALL_NAMES:
        is_package = any(other.startswith(f"{name}.") for other in ALL_NAMES)
        path = name.replace(".", "/") + ("/__init__.pyi" if is_package else ".pyi")
        texts[path] = f"{HEADER}from _gen import *\n"
    for path, source in (("plog.pyi", "plog"), ("utils/secret_vault.pyi", "secret_vault")):
        module = Module(NAMES / f"{source}.py")
        shown = [name for name in module.own if not name.startswith("_")]
        members = {name: Stubs(module.own).of(name) for name in shown}
        for used in sorted({used for made in members.values() for used in _names_in(made)}):
            if used in module.own and used not in members:
                members[used] = Stubs(module.own).of(used)
        texts[path] = _text(module, members)
    texts["utils/__init__.pyi"] = HEADER
    # Pyright takes names from here as built in: a project's file may leave its import out, as at run time.
    texts["__builtins__.pyi"] = f"{HEADER}from _gen import *\n"
    return {path: _formatted(text) for path, text in sorted(texts.items())}


def _package(gen: Module) -> str:
    made = gen.own["__all__"]
    assert isinstance(made, ast.Assign)
    exported = ast.literal_eval(made.value)
    lines = [HEADER, f'"""{gen.doc}"""\n', "from typing import TypeAlias\n"]
    lines += [f"from _gen.{module} import {name} as {used}\n" for used, (module, name) in gen.imported.items()]
    lines.append("SupportedLanguageCodes: TypeAlias = str\n")
    lines.append(f"__all__ = {sorted(exported)!r}\n")
    return "".join(lines)


def _text(module: Module, members: Mapping[str, ast.stmt]) -> str:
    body = [made for name in module.own if (made := members.get(name)) is not None]
    imports: dict[str, ast.stmt] = {}
    for used in sorted({used for made in body for used in _names_in(made)}):
        if used in ("Any", "TypeAlias"):
            imports[used] = ast.ImportFrom("typing", [ast.alias(used)], 0)
        elif used in module.imported:
            source, name = module.imported[used]
            alias = ast.alias(name or source, None if (name or source) == used else used)
            imports[used] = ast.ImportFrom(f"_gen.{source}" if name else "_gen", [alias], 0)
        elif used in module.outside:
            imports[used] = module.outside[used]
    whole = ast.Module([*imports.values(), *body], [])
    doc = f'"""{module.doc}"""\n' if module.doc else ""
    return f"{HEADER}{doc}{ast.unparse(ast.fix_missing_locations(whole))}\n"


def _names_in(made: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(made) if isinstance(node, ast.Name)}


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "--quiet"]
    arrange = [*command, "check", "--select", "I", "--fix", "--stdin-filename", "stub.pyi", "-"]
    formatted = [*command, "format", "--stdin-filename", "stub.pyi", "-"]
    for step in (arrange, formatted):
        text = subprocess.run(step, input=text, capture_output=True, text=True, check=True, cwd=PYTHON).stdout
    return text


def drift(texts: Mapping[str, str]) -> list[str]:
    """The files that differ from what the source says, with those that should not be there."""
    there = {str(path.relative_to(TARGET)): path.read_text() for path in TARGET.rglob("*.pyi")}
    return sorted(path for path in {*there, *texts} if there.get(path) != texts.get(path))


def main(arguments: list[str]) -> int:
    """Writes them, or with `--check` only compares."""
    texts = generate()
    differing = drift(texts)
    if arguments == ["--check"]:
        for path in differing:
            print(f"{path} is not what the runtime says: run python/stubs/generate.py")
        return 1 if differing else 0
    for path in differing:
        if path not in texts:
            (TARGET / path).unlink()
            continue
        (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / path).write_text(texts[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
