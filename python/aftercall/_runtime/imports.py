"""How a project's modules are found: one meta-path finder, first in line.

- `_gen`, `imports`, `plog`, `polyai` (and any submodule of `_gen` and `polyai`) are always ours, over any folder of
  the project of that name; `utils.secret_vault` is ours only where the project has none.
- A project's file is the module its path says: `functions/orders.py` is `functions.orders`. A flow's functions are
  `flows.<flow>.functions.<name>`, and `functions.<flow>.<name>` is the same module.
- Every project module gets the names of `_gen`, and `log`, as globals before its body runs.
- The standard library is never shadowed; other packages are, by the project.
- Of a single file the name is only a label (`json.py`, `requests.py`, `my-project.py`): it is the module
  `end_function`, and a package of the file's name is that package.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder

from aftercall._runtime.annotations import needs_postponing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.abc import Loader
    from types import CodeType, ModuleType

else:
    Loader = object  # `importlib.abc` imports `typing`; only the methods count

#: The vendor's module → ours.
OURS = {
    "_gen": "aftercall._names.gen",
    "imports": "aftercall._names.gen",
    "polyai": "aftercall._names.gen",
    "plog": "aftercall._names.plog",
}
_SECRET_VAULT = "aftercall._names.secret_vault"
_OPEN = ("_gen.", "polyai.")  # any submodule of these holds all names
#: What `from polyai import voice` asks for: submodules by the module's own name. Only these, or a misspelt name of
#: `_gen` would be a module too.
NAMED_SUBMODULES = frozenset(f"{OURS['polyai']}.{name}" for name in ("attachments", "history", "voice", "webchat"))
#: The module that a project's single file is, however it is called: its own name may be that of a module which the
#: runtime has loaded, or which the file itself imports.
SINGLE_MODULE = "end_function"
_FLOW_FOLDERS = ("functions", "function_steps")
_FUTURE_ANNOTATIONS = 0x1000000  # __future__.annotations.compiler_flag: the same since Python 3.7


class Project:
    """The folder that a project's modules come from. `entry` is the file in it that has the end function."""

    def __init__(self, root: str, entry: str) -> None:
        self.root = os.path.realpath(root)
        self.prefix = self.root.rstrip("/") + "/"
        self.entry = entry
        #: What a single file is called, less its `.py`; None for a project with a functions folder.
        self.label = entry.removesuffix(".py") if "/" not in entry else None
        #: The module that the entry is: `functions/end_function.py` → `functions.end_function`
        self.entry_module = SINGLE_MODULE if self.label is not None else entry.removesuffix(".py").replace("/", ".")
        #: Modules of the project that are loaded, by file.
        self.sources: dict[str, str] = {}

    def holds(self, path: str) -> bool:
        """Whether `path` is within the project."""
        return path.startswith(self.prefix) or path == self.root

    def file(self, *parts: str) -> str | None:
        """The absolute path of a file of the project, or None if there is none."""
        path = os.path.join(self.root, *parts)
        return path if os.path.isfile(path) else None

    def folder(self, *parts: str) -> str | None:
        """The absolute path of a folder of the project, or None if there is none."""
        path = os.path.join(self.root, *parts)
        return path if os.path.isdir(path) else None


class ProjectFinder:
    """The finder. Also tells interested parts of the runtime when a module of a library has been imported."""

    def __init__(self, project: Project | None, hooks: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._project = project
        self._hooks = hooks

    def install(self) -> None:
        """Puts it first on `sys.meta_path`, and runs the hooks of what is imported already."""
        sys.meta_path.insert(0, self)
        for name, hook in self._hooks.items():
            if name in sys.modules:
                hook(sys.modules[name])

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system's question; None leaves the module to the finders behind."""
        if name in self._hooks:
            return self._hooked(name, path)
        if name in OURS:
            return _alias(name, OURS[name])
        if name.startswith(_OPEN):
            return _alias(name, OURS[name.partition(".")[0]])
        if name in NAMED_SUBMODULES:
            return _alias(name, OURS["polyai"])
        if self._project is None:
            return None
        if path is None:
            return self._top_level(self._project, name)
        if name == "utils.secret_vault":
            return self._below(self._project, name, path) or ModuleSpec(name, _Alias(_SECRET_VAULT))
        return self._flow(self._project, name) or self._below(self._project, name, path)

    def _hooked(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Hooked(spec.loader, self._hooks[name])
        return spec

    def _top_level(self, project: Project, name: str) -> ModuleSpec | None:
        if name in sys.stdlib_module_names or name == "aftercall":
            return None
        if name == SINGLE_MODULE and project.label is not None:
            return _spec(project, name, os.path.join(project.root, project.entry), None)
        spec = _in_folder(project, name, name, project.root) if name != project.label else _labelled(project, name)
        if name == "utils":
            return _as_package(spec) or ModuleSpec(name, None, is_package=True)
        if spec is not None and spec.loader is None and name not in ("functions", "flows"):
            # A folder without __init__.py: an installed package of that name is meant rather.
            installed = PathFinder.find_spec(name)
            if installed is not None and installed.loader is not None:
                return None
        return spec

    def _below(self, project: Project, name: str, path: Sequence[str]) -> ModuleSpec | None:
        leaf = name.rpartition(".")[2]
        for folder in path:
            if project.holds(folder):
                spec = _in_folder(project, name, leaf, folder)
                if spec is not None:
                    return spec
        return None

    def _flow(self, project: Project, name: str) -> ModuleSpec | None:
        """`functions.<flow>` and `functions.<flow>.<name>`, unless `functions/` itself has them."""
        parts = name.split(".")
        if parts[0] != "functions" or not 2 <= len(parts) <= 3:
            return None
        flow = parts[1]
        if project.file("functions", f"{flow}.py") or project.folder("functions", flow):
            return None
        folders = [folder for kind in _FLOW_FOLDERS if (folder := project.folder("flows", flow, kind))]
        if not folders:
            return None
        if len(parts) == 2:
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = folders
            return spec
        for kind in _FLOW_FOLDERS:
            if project.file("flows", flow, kind, f"{parts[2]}.py"):
                return _alias(name, f"flows.{flow}.{kind}.{parts[2]}")
        return None


def _labelled(project: Project, label: str) -> ModuleSpec | None:
    """A single file by its own name: a package of that name where one is installed, else the file's module."""
    installed = PathFinder.find_spec(label)
    if installed is None or project.holds(installed.origin or ""):
        return _alias(label, SINGLE_MODULE)
    return None


def _in_folder(project: Project, name: str, leaf: str, folder: str) -> ModuleSpec | None:
    base = os.path.join(folder, leaf)
    package = os.path.join(base, "__init__.py")
    if os.path.isfile(package):
        return _spec(project, name, package, [base])
    if os.path.isfile(f"{base}.py"):
        return _spec(project, name, f"{base}.py", None)
    if os.path.isdir(base):
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [base]
        return spec
    return None


def _spec(project: Project, name: str, file: str, search: list[str] | None) -> ModuleSpec:
    spec = ModuleSpec(name, _Source(project, file), origin=file, is_package=search is not None)
    spec.has_location = True
    if search is not None:
        spec.submodule_search_locations = search
    return spec


def _as_package(spec: ModuleSpec | None) -> ModuleSpec | None:
    """A project's `utils.py` has no submodules, and yet `utils.secret_vault` must be found."""
    if spec is not None and spec.submodule_search_locations is None:
        spec.submodule_search_locations = []
    return spec


def _alias(name: str, real: str) -> ModuleSpec:
    spec = ModuleSpec(name, _Alias(real))
    if name in OURS and name != "plog":
        spec.submodule_search_locations = []  # so that submodules are asked for
    return spec


class _Alias(Loader):
    """One module under a second name."""

    def __init__(self, real: str) -> None:
        self._real = real
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that is meant."""
        module = import_module(self._real)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already; only the spec, which the import system has replaced, is put back."""
        module.__spec__ = self._spec


class _Hooked(Loader):
    """A library's own loader, with something of ours after it."""

    def __init__(self, loader: object, hook: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._hook = hook

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the library's loader does."""
        return self._loader.create_module(spec)  # type: ignore[attr-defined,no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        """As the library's loader does, and then the hook."""
        self._loader.exec_module(module)  # type: ignore[attr-defined]
        self._hook(module)


class _Source(Loader):
    """Compiles and runs a file of the project. No bytecode is written: the import happens once."""

    def __init__(self, project: Project, file: str) -> None:
        self._project = project
        self._file = file

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the file, with the names of `_gen` and `log` as globals."""
        names = import_module(OURS["_gen"])
        scope = module.__dict__
        for name in names.__all__:
            scope[name] = getattr(names, name)
        exec(self.get_code(module.__name__), scope)

    def get_code(self, name: str) -> CodeType:
        """The file's code. Annotations are postponed where one names what does not exist yet when it is read.

        The platform evaluates annotations lazily (Python 3.14), so projects name classes before they are defined.
        Postponing them always would turn every annotation into text, which code that looks at them (`field.type`,
        `__annotations__`) does not expect: so only a module that could not be imported otherwise is compiled so.
        """
        source = self._bytes()
        self._project.sources[self._file] = name
        flags = _FUTURE_ANNOTATIONS if needs_postponing(source, self._file) else 0
        code: CodeType = compile(source, self._file, "exec", flags, dont_inherit=True)
        return code

    def get_source(self, name: str) -> str:
        """The file's text, for `inspect` and `linecache`."""
        return self._bytes().decode("utf-8", "replace")

    def get_filename(self, name: str) -> str:
        """The file."""
        return self._file

    def is_package(self, name: str) -> bool:
        """Whether it is an `__init__.py`."""
        return self._file.endswith("/__init__.py")

    def get_resource_reader(self, name: str) -> object:
        """For `importlib.resources`."""
        from importlib.readers import FileReader

        return FileReader(self)  # type: ignore[arg-type]

    @property
    def path(self) -> str:
        """As `FileReader` asks for it."""
        return self._file

    def _bytes(self) -> bytes:
        with open(self._file, "rb") as stream:
            return stream.read()
