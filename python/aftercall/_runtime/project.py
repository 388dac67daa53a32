"""The project in a process: importing its entry, finding its functions and its classes."""

from __future__ import annotations

import sys
from importlib import import_module
from types import CodeType

from aftercall._runtime.http.errors import RequestAtImport, refusal_in
from aftercall._runtime.imports import Project
from aftercall._runtime.returned import CO_ASYNC_GENERATOR, CO_GENERATOR, CO_ITERABLE_COROUTINE
from aftercall._runtime.tracebacks import Places, error_document, project_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aftercall._runtime.tracebacks import ErrorDocument

FUNCTION = "end_function"
_CO_VARARGS = 0x04
#: Objects looked through for the code of a function (a partial of a partial).
MAX_WRAPPERS = 8
#: What a function that takes none of it looks like in an error's fix.
SHAPE = "Write it as `def end_function(conv: Conversation):` (further arguments need defaults)."
#: And what one that yields looks like.
NO_YIELD = "Leave out `yield`: calling a generator runs none of its lines. Use `return`, or a list, or `conv.log.info`."


class ImportFailed(Exception):
    """The project cannot be run. `code` is ours, `document` says what and where."""

    def __init__(self, code: str, document: ErrorDocument) -> None:
        super().__init__(f"{code}: {document['message']}")
        self.code = code
        self.document = document


class LoadedProject:
    """A project whose entry has been imported."""

    def __init__(self, project: Project, function: Callable[..., object]) -> None:
        self.project = project
        self.function = function
        self._entry_module = sys.modules[project.entry_module]

    def find_function(self, name: str) -> Callable[..., object] | None:
        """`conv.functions.<name>`: the function of that name of `functions/<name>.py`, or of a single file."""
        if self.project.label is not None:
            function = getattr(self._entry_module, name, None)
            return function if callable(function) else None
        if self.project.file("functions", f"{name}.py") is None:
            return None
        function = getattr(import_module(f"functions.{name}"), name, None)
        return function if callable(function) else None

    def find_class(self, name: str) -> type | None:
        """The project's class that state names, such as ``functions.orders.Order``; None for anything else."""
        label = self.project.label
        if label is not None and name.startswith(
            f"{label}."
        ):  # as it is called where the file was imported by its name
            name = self.project.entry_module + name[len(label) :]
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if not self._is_own(module):
                continue
            found: object = import_module(module)
            for part in parts[length:]:
                found = vars(found).get(part)
                if not isinstance(found, type):
                    break
            # A module of the project also holds what it imports: only the project's own classes are rebuilt.
            if isinstance(found, type) and self._is_own(found.__module__):
                return found
        return None

    def _is_own(self, module: str) -> bool:
        loaded = sys.modules.get(module)
        if loaded is not None:
            return self.project.holds(getattr(loaded, "__file__", None) or "")
        if not all(part.isidentifier() for part in module.split(".")):
            return False
        path = module.replace(".", "/")
        file = self.project.file(f"{path}.py") or self.project.file(path, "__init__.py")
        parts = module.split(".")
        if file is None and parts[0] == "functions" and len(parts) == 3:
            file = next(
                (
                    found
                    for kind in ("functions", "function_steps")
                    if (found := self.project.file("flows", parts[1], kind, f"{parts[2]}.py"))
                ),
                None,
            )
        return file is not None

    def import_called_functions(self) -> Iterator[tuple[str, BaseException]]:
        """Imports the functions that the loaded modules call by `conv.functions.<name>`.

        Otherwise each child would compile them anew. One that cannot be imported is given back with the reason:
        the call may sit on a path that is never taken, so it is the child's business whether that matters.
        """
        import re

        seen: set[str] = set()
        pending = list(self.project.sources)
        while pending:
            with open(pending.pop(), encoding="utf-8", errors="replace") as stream:
                names = set(re.findall(r"\.functions\.([A-Za-z_]\w*)", stream.read())) - seen
            seen |= names
            for name in sorted(names):
                before = set(self.project.sources)
                try:
                    self.find_function(name)
                except Exception as error:
                    yield name, error
                pending += [file for file in self.project.sources if file not in before]


def load(project: Project) -> LoadedProject:
    """Imports the entry. `ImportFailed` with a code when that, or the function's shape, is wrong."""
    places, entry = Places(project.root), project.entry
    if project.file(*entry.split("/")) is None:
        raise ImportFailed(
            "AC0201",
            project_error(
                f"there is no {entry}",
                entry,
                1,
                f"Create {entry} with a function `end_function(conv)` in it.",
            ),
        )
    try:
        module = import_module(project.entry_module)
    except BaseException as error:  # sys.exit() in a module is a failed import too
        document = _import_document(error, places, single_file=project.label is not None)
        raise ImportFailed(_import_code(error), document) from error
    function = getattr(module, FUNCTION, None)
    problem = _shape_problem(function)
    if problem is not None:
        raise ImportFailed("AC0202", _shape_document(problem, function, entry, places))
    return LoadedProject(project, function)  # type: ignore[arg-type]


def _import_code(error: BaseException) -> str:
    if refusal_in(error, RequestAtImport) is not None:
        return "AC0205"
    if isinstance(error, SyntaxError):
        return "AC0206" if newer_syntax(error) else "AC0204"
    return "AC0206" if newer_name(error) else "AC0203"


#: Names of the standard library that came after Python 3.11, and the version that brought them.
_NEWER_NAMES = {
    ("typing", "override"): "3.12",
    ("typing", "TypeAliasType"): "3.12",
    ("itertools", "batched"): "3.12",
    ("collections.abc", "Buffer"): "3.12",
    ("typing", "TypeIs"): "3.13",
    ("typing", "ReadOnly"): "3.13",
    ("typing", "NoDefault"): "3.13",
    ("warnings", "deprecated"): "3.13",
    ("copy", "replace"): "3.13",
}
_NEWER_MODULES = {
    "annotationlib": "3.14",
    "string.templatelib": "3.14",
    "compression": "3.14",
    "compression.zstd": "3.14",
}


def newer_name(error: BaseException) -> str | None:
    """The Python version that has what an import did not find, or None."""
    if isinstance(error, ModuleNotFoundError):
        return _NEWER_MODULES.get(error.name or "")
    if isinstance(error, ImportError) and error.name:
        for (module, name), version in _NEWER_NAMES.items():
            if error.name == module and f"import name '{name}'" in str(error):
                return version
    return None


def newer_syntax(error: SyntaxError) -> str | None:
    """The Python version that reads a line which this one does not, as far as the line tells."""
    import re

    line = (error.text or "").strip()
    if sys.version_info < (3, 12):
        if re.match(r"type\s+\w+(\[.*\])?\s*=", line) or re.match(r"(async\s+)?(def|class)\s+\w+\s*\[", line):
            return "3.12"
        if "f-string" in str(error.msg):
            return "3.12"
    if sys.version_info < (3, 14):
        if re.search(r"""(^|[^\w])t(r|R)?["']""", line):
            return "3.14"
        if re.match(r"except\s+\w[\w.]*\s*,", line):
            return "3.14"
    return None


def _import_document(error: BaseException, places: Places, *, single_file: bool) -> ErrorDocument:
    document = error_document(error, places)
    frames: list[dict[str, object]] = document["frames"]  # type: ignore[assignment]
    own = [frame for frame in frames if frame["own"]]
    if own:
        document["file"], document["line"] = own[-1]["file"], own[-1]["line"]
    version = newer_syntax(error) if isinstance(error, SyntaxError) else newer_name(error)
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version is not None:
        document["fix"] = f"This needs Python {version}; the project runs on {running}."
    elif isinstance(error, ModuleNotFoundError) and single_file and (error.name or "").split(".")[0] == "functions":
        document["fix"] = (
            "A project that is a single file has no functions folder: put what it needs into the same file, or make "
            "the project a folder, with functions/end_function.py and the other modules beside it."
        )
    elif isinstance(error, ModuleNotFoundError):
        document["fix"] = f"Add the package that has {error.name!r} to requirements.txt, or correct the name."
    elif isinstance(error, SyntaxError):
        document["fix"] = "Correct the line."
    elif _import_code(error) == "AC0205":
        document["fix"] = "Make the request inside a function: modules are imported once, not once per conversation."
    else:
        document["fix"] = "Correct what the module does when it is imported; the traceback shows the line."
    return document


def _shape_problem(function: object) -> str | None:
    """What is wrong with the function, or None: one positional argument, everything else with defaults."""
    if function is None:
        return f"there is no function {FUNCTION}"
    if not callable(function):
        return f"{FUNCTION} is not a function but {type(function).__name__}"
    if yields(function):
        return f"{FUNCTION} is a generator: it has `yield` in it, so that calling it runs none of its body"
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        return _signature_problem(function)
    required = code.co_argcount - len(getattr(function, "__defaults__", None) or ())
    keyword_defaults = getattr(function, "__kwdefaults__", None) or {}
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    missing = [name for name in names if name not in keyword_defaults]
    if missing:
        return f"{FUNCTION} has a keyword argument without a default: {missing[0]}"
    if code.co_argcount == 0 and not code.co_flags & _CO_VARARGS:
        return f"{FUNCTION} takes no argument; it is called with the conversation"
    if required > 1:
        return f"{FUNCTION} takes {required} arguments; it is called with one, the conversation"
    return None


def _signature_problem(function: Callable[..., object]) -> str | None:
    """For what is no plain function (a class instance, a partial, something decorated)."""
    from inspect import signature

    try:
        signature(function).bind(object())
    except TypeError as error:
        return f"{FUNCTION} cannot be called with the conversation alone: {error}"
    except ValueError:
        return None  # no signature to be had: the call will tell
    return None


def _shape_document(problem: str, function: object, entry: str, places: Places) -> ErrorDocument:
    code = _code(function)
    file, line, source = entry, 1, ""
    if code is not None and places.own(code.co_filename):
        file, line = places.short(code.co_filename), code.co_firstlineno
        source = places.line(code.co_filename, line)
    return project_error(problem, file, line, NO_YIELD if yields(function) else SHAPE, source)


def yields(function: object) -> bool:
    """Whether calling it makes a generator. One of `types.coroutine` does too, but can be awaited."""
    code = _code(function)
    flags = code.co_flags if code is not None else 0
    return bool(flags & (CO_GENERATOR | CO_ASYNC_GENERATOR)) and not flags & CO_ITERABLE_COROUTINE


def _code(function: object) -> CodeType | None:
    """The code that a call runs first: of a function or method, of what a partial calls, of an object's `__call__`."""
    for _ in range(MAX_WRAPPERS):
        code = getattr(function, "__code__", None)
        if code is not None:
            return code if isinstance(code, CodeType) else None
        inner = getattr(function, "func", None) or vars(type(function)).get("__call__")
        if inner is None or inner is function:
            return None
        function = inner
    return None
