"""The files of a project that can be reached from its end function, and where its imports lead."""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Collection, Iterator
from functools import cached_property
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from types import CodeType
from typing import Any

from aftercall._runtime.annotations import needs_postponing
from aftercall._runtime.check.places import Place, dotted, walk
from aftercall._runtime.imports import Project, ProjectFinder

#: Files of one project that are looked at.
MAX_FILES = 2_000
_FUTURE_ANNOTATIONS = 0x1000000
_STANDARD = (BuiltinImporter, FrozenImporter, PathFinder)


class Source:
    """One file of the project."""

    def __init__(self, path: str, file: str, module: str) -> None:
        #: Relative to the project, as it is shown.
        self.file = file
        #: Its dotted name, and that of the package which a relative import starts from.
        self.module = module
        self.package = module if file.endswith("__init__.py") else module.rpartition(".")[0]
        self.tree = ast.Module([], [])
        self.code: CodeType | None = None
        self.failure: SyntaxError | ValueError | None = None
        with open(path, "rb") as stream:
            text = stream.read()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in texts: not what was asked
                self.tree = ast.parse(text, file)
                flags = _FUTURE_ANNOTATIONS if needs_postponing(text, file) else 0
                self.code = compile(text, file, "exec", flags, dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            self.failure = error

    @cached_property
    def nodes(self) -> list[tuple[ast.AST, Place]]:
        """All nodes with their places, but for what does not run here."""
        return [(node, place) for node, place in walk(self.tree) if not place.skipped]

    @cached_property
    def bindings(self) -> dict[str, str]:
        """What imports anywhere in the file name: `dt` → `datetime.datetime`."""
        bound: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    bound[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and (base := self.absolute(node)) is not None:
                for alias in node.names:
                    bound[alias.asname or alias.name] = f"{base}.{alias.name}"
        return bound

    def absolute(self, node: ast.ImportFrom) -> str | None:
        """The module that `from … import` names; None where a relative one leads out of the project."""
        if not node.level:
            return node.module or ""
        parts = self.package.split(".") if self.package else []
        if node.level > len(parts):
            return None
        kept = parts[: len(parts) - node.level + 1]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def canonical(self, node: ast.AST) -> str:
        """The full name of what is named through an import: `dt.now` → `datetime.datetime.now`. Else `""`."""
        first, _, rest = dotted(node).partition(".")
        if first not in self.bindings:
            return ""
        return f"{self.bindings[first]}.{rest}" if rest else self.bindings[first]


class Found:
    """Where a dotted name leads: to the runtime's module `ours`, the project's file `source`, or somebody else's."""

    def __init__(self, *, ours: str | None = None, source: Source | None = None, folder: bool = False) -> None:
        self.ours = ours
        self.source = source
        #: A folder of the project without a file of its own.
        self.folder = folder


class Sources:
    """A project's files, read when they are first asked for."""

    def __init__(self, project: Project, *, knows_packages: bool = True, handoffs: Collection[str] = ()) -> None:
        self.project = project
        self.entry = project.entry
        #: Whether what the project requires can be found where it is looked for.
        self.knows_packages = knows_packages
        #: The destinations that the project's configuration has.
        self.handoffs = frozenset(handoffs)
        self._finder = ProjectFinder(project, {})
        self._files: dict[str, Source] = {}
        self._found: dict[str, Found | str] = {}
        #: What checks have worked out about the whole project, by a name that they choose.
        self.notes: dict[str, Any] = {}
        self._reached: list[Source] = []
        self._at_start: set[str] = set()

    @property
    def is_single_file(self) -> bool:
        """Whether the project is one file."""
        return self.project.label is not None

    def source(self, file: str, module: str) -> Source | None:
        """The file, if it is there."""
        path = self.project.file(*file.split("/"))
        if path is None:
            return None
        if file not in self._files:
            self._files[file] = Source(path, file, module)
        return self._files[file]

    def find(self, name: str) -> Found | str:
        """Where a dotted name leads, or the part of it that is not there.

        Of packages that are not the project's only the first part is looked for: what they hold may be made on the fly.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> Found | str:
        path: list[str] | None = None
        parts = name.split(".")
        found = Found(folder=True)
        for count in range(1, len(parts) + 1):
            part = ".".join(parts[:count])
            spec = self._spec(part, path)
            if spec is None:
                return part
            real = getattr(spec.loader, "_real", None)
            if isinstance(real, str):
                if real.startswith("aftercall."):
                    return Found(ours=real)
                return self.find(".".join([real, *parts[count:]]))
            own = self._own(spec, part)
            if own is None:
                return Found()
            found = own
            path = list(spec.submodule_search_locations) if spec.submodule_search_locations is not None else None
            if path is None and count < len(parts):
                return ".".join(parts[: count + 1])
        return found

    def _spec(self, name: str, path: list[str] | None) -> ModuleSpec | None:
        found = self._finder.find_spec(name, path)
        if found is not None:
            return found
        for finder in _STANDARD:
            if finder is not PathFinder and path is not None:
                continue
            if (found := finder.find_spec(name, path)) is not None:
                return found
        return None

    def _own(self, spec: ModuleSpec, name: str) -> Found | None:
        if spec.has_location and spec.origin is not None:
            if not self.project.holds(spec.origin) or not spec.origin.endswith(".py"):
                return None
            return Found(source=self.source(os.path.relpath(spec.origin, self.project.root), name))
        if spec.loader is None or name == "utils":
            folders = list(spec.submodule_search_locations or [])
            if all(self.project.holds(folder) for folder in folders):
                return Found(folder=True)
        return None

    def function_file(self, name: str) -> Source | None:
        """Where `conv.functions.<name>` comes from."""
        if self.is_single_file:
            return self.source(self.entry, self.project.entry_module)
        return self.source(f"functions/{name}.py", f"functions.{name}")

    def reached(self) -> list[Source]:
        """The entry, and what it and those import or call as `conv.functions.<name>`."""
        if not self._reached:
            first = self.source(self.entry, self.project.entry_module)
            self._follow([first] if first else [], self._reached)
            start: list[Source] = []
            self._follow([first] if first else [], start, only_at_import=True)
            self._at_start = {source.file for source in start}
        return self._reached

    def is_at_start(self, source: Source) -> bool:
        """Whether the file is imported as soon as the entry is."""
        self.reached()
        return source.file in self._at_start

    def _follow(self, pending: list[Source], into: list[Source], *, only_at_import: bool = False) -> None:
        while pending and len(into) < MAX_FILES:
            source = pending.pop()
            if source in into:
                continue
            into.append(source)
            for node, place in source.nodes:
                if only_at_import and not place.at_import:
                    continue
                pending += self._led_to(source, node)

    def _led_to(self, source: Source, node: ast.AST) -> Iterator[Source]:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = source.absolute(node)
            if base is not None:
                names = [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
        elif isinstance(node, ast.Call) and source.canonical(node.func) == "importlib.import_module" and node.args:
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                names = [node.args[0].value]
        elif isinstance(node, ast.Attribute) and dotted(node.value).endswith(".functions"):
            called = self.function_file(node.attr)
            if called is not None:
                yield called
        for name in names:
            # A package's own file runs first.
            for end in range(1, name.count(".") + 2):
                found = self.find(".".join(name.split(".")[:end])) if name else ""
                if isinstance(found, Found) and found.source is not None:
                    yield found.source


def standard_library() -> frozenset[str]:
    """Names of the standard library's modules."""
    return sys.stdlib_module_names
