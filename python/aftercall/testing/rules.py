"""A project's own import rules, for as long as a test needs them.

Within a project `_gen`, `imports`, `plog`, `polyai` and `utils.secret_vault` are importable, `functions.…` are its
files, and each of its modules has the names of `_gen` and `log` as globals. None of that is installed for good: it
would stand in the way of other packages. So it is put in place here, and taken away again with every module that it
brought.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import BuiltinImporter
from types import ModuleType
from typing import TYPE_CHECKING, Any

from aftercall._runtime.imports import SINGLE_MODULE, Project, ProjectFinder
from aftercall._runtime.project import LoadedProject, load
from aftercall.testing.defaults import read_defaults

if TYPE_CHECKING:
    from aftercall.client.document import Sendable
    from aftercall.testing.running import Result

ENTRY = "functions/end_function.py"
SINGLE_FILE = "end_function.py"
#: Top-level modules that mean something else within a project.
_NAMES = frozenset({SINGLE_MODULE, "_gen", "imports", "plog", "polyai", "utils", "functions", "flows"})

#: The projects whose rules are in force, the innermost last.
_active: list[TestedProject] = []


class TestedProject:
    """A project whose import rules are in force."""

    __test__ = False  # not a class of tests, whatever its name begins with

    def __init__(self, root: str, entry: str, *, is_single_file: bool = False) -> None:
        self.root = root
        self.entry = entry
        self._is_single_file = is_single_file
        self._defaults: dict[str, Any] | None = None
        self._project = Project(root, entry)
        self._finder = ProjectFinder(self._project, {})
        self._loaded: LoadedProject | None = None
        self._displaced: dict[str, ModuleType] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    @property
    def end_function(self) -> Callable[..., object]:
        """The project's end function. `aftercall._runtime.project.ImportFailed` says why there is none, and where."""
        return self._load().function

    @property
    def defaults(self) -> dict[str, Any]:
        """What `conv` shows where a conversation is silent, from the project's `project.yaml` and `config/*.yaml`."""
        if self._defaults is None:
            self._defaults = {} if self._is_single_file else read_defaults(self.root)
        return self._defaults

    def run(self, conversation: Sendable, **settings: Any) -> Result:
        """`aftercall.testing.run` with this project's end function."""
        from aftercall.testing.running import run

        return run(self.end_function, conversation, **settings)

    def find_function(self, name: str) -> Callable[..., object] | None:
        """What `conv.functions.<name>` is."""
        return self._load().find_function(name)

    def find_class(self, name: str) -> type | None:
        """The class of the project that state names."""
        return self._load().find_class(name)

    def _load(self) -> LoadedProject:
        if self._loaded is None:
            self._loaded = load(self._project)
        return self._loaded

    def enter(self) -> None:
        """Puts the rules in force. What was imported under the same names is put aside."""
        self._displaced = {name: module for name, module in sys.modules.items() if _means_another(name)}
        for name in self._displaced:
            del sys.modules[name]
        # Before the standard finders, behind special ones: pytest's, which rewrites assertions, has to see test files.
        place = sys.meta_path.index(BuiltinImporter) if BuiltinImporter in sys.meta_path else 0
        sys.meta_path.insert(place, self._finder)
        _active.append(self)

    def leave(self) -> None:
        """Takes the rules away, and what was imported by them."""
        _active.remove(self)
        sys.meta_path.remove(self._finder)
        for name in [name for name, module in sys.modules.items() if _means_another(name) or self._brought(module)]:
            del sys.modules[name]
        sys.modules.update(self._displaced)
        self._displaced = {}
        self._loaded = None

    def _brought(self, module: ModuleType) -> bool:
        return getattr(module, "__file__", None) in self._project.sources


def _means_another(name: str) -> bool:
    return name.partition(".")[0] in _NAMES


def active() -> TestedProject | None:
    """The innermost project whose rules are in force."""
    return _active[-1] if _active else None


def find(path: str | os.PathLike[str]) -> TestedProject:
    """The project that a folder is, or a single file. FileNotFoundError where there is no end function."""
    root = os.path.abspath(path)
    if root.endswith(".py") and os.path.isfile(root):
        folder, name = os.path.split(root)
        return TestedProject(folder, name, is_single_file=True)
    for entry in (ENTRY, SINGLE_FILE):
        if os.path.isfile(os.path.join(root, entry)):
            return TestedProject(root, entry)
    raise FileNotFoundError(f"{root} is no project: it has neither {ENTRY} nor {SINGLE_FILE}")


@contextmanager
def project(path: str | os.PathLike[str] = ".") -> Iterator[TestedProject]:
    """The import rules of the project at `path`, within a `with` block.

    with aftercall.testing.project("front-desk") as desk:
        result = desk.run(aftercall.testing.conversation(turns=[("user", "Hello")]))
    """
    tested = find(path)
    tested.enter()
    try:
        yield tested
    finally:
        tested.leave()
