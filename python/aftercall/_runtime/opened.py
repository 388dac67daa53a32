"""Files and sockets that the project opened while it was imported: closed before any child is forked.

A child's descriptors are closed at the fork and their numbers given out anew. A file object of the zygote would keep
its number, and so write into another file of the function, or read from it. Closed, its use is an error on the
user's own line. `logging` writes on: its files are opened anew, in each attempt's own folder.
"""

from __future__ import annotations

import gc
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from aftercall._runtime.imports import Project

#: Numbers are given out from below: imports that open more than this are not looked at further.
MAX_DESCRIPTORS = 1_024
#: Standard input, output and error, and the control socket.
_OWN = range(4)


def descriptors() -> set[int]:
    """Those that are open, found by trying: confinement leaves no `/proc` to list them."""
    return {number for number in range(MAX_DESCRIPTORS) if _is_open(number)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def close_opened(before: set[int], project: Project) -> Iterator[tuple[str, dict[str, object] | None]]:
    """Closes what owns a descriptor that was not there `before`. Gives back what it was, and where it is assigned.

    Descriptors that no object of Python owns, those of native libraries, stay as they are.
    """
    for handler in _logging_files():
        yield _move_into_attempt(handler), None
    opened = descriptors() - before - set(_OWN)
    if not opened:
        return
    # The outermost first: closing a text file writes out what it and the layers below it hold back.
    objects = gc.get_objects()
    for find in (_loops, _databases, _streams):
        for thing, descriptor, what in find(objects):
            if descriptor not in opened:
                continue
            name, at = _assigned(thing, project)
            problem = ""
            try:
                thing.close()  # type: ignore[attr-defined]
            except Exception as error:
                problem = f" (closing it failed: {type(error).__name__}: {error})"
            yield f"{name}{what} was opened at import, and is closed in every run: open it in a function{problem}", at


def _loops(objects: list[object]) -> Iterator[tuple[object, int, str]]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    for thing in objects:
        if isinstance(thing, asyncio.BaseEventLoop) and not thing.is_closed():
            waker = getattr(thing, "_ssock", None)
            yield thing, waker.fileno() if waker is not None else -1, "an event loop"


def _databases(objects: list[object]) -> Iterator[tuple[object, int, str]]:
    """Connections of SQLite do not tell their descriptors, only their files: those in memory have none."""
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is None:
        return
    for thing in objects:
        if not isinstance(thing, sqlite3.Connection):
            continue
        try:
            files = [str(row[2]) for row in thing.execute("PRAGMA database_list") if row[2]]
        except Exception:  # closed already, or of another thread: nothing that could be closed here
            continue
        for descriptor in descriptors() - set(_OWN) if files else ():
            if _same_file(descriptor, files[0]):
                yield thing, descriptor, f"sqlite3.connect({files[0]!r})"
                break


def _same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _streams(objects: list[object]) -> Iterator[tuple[object, int, str]]:
    socket = sys.modules.get("_socket")
    layers = (io.TextIOWrapper, io.BufferedIOBase, io.RawIOBase)
    for layer in layers:
        for thing in objects:
            if isinstance(thing, layer) and (descriptor := _fileno(thing)) is not None:
                yield thing, descriptor, f"open({getattr(thing, 'name', '…')!r})"
    if socket is not None:
        for thing in objects:
            if isinstance(thing, socket.socket) and (descriptor := _fileno(thing)) is not None:
                yield thing, descriptor, "a socket"


def _fileno(thing: object) -> int | None:
    try:
        return int(thing.fileno())  # type: ignore[attr-defined]
    except Exception:  # closed, or a stream without one, or a class of the user's own that does as it likes
        return None


def _assigned(thing: object, project: Project) -> tuple[str, dict[str, object] | None]:
    """The name of the project that holds `thing`, as `LOG = `, and the line that assigns it."""
    for file, module in project.sources.items():
        for name, value in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
            if value is thing or any(kept is thing for kept in _kept_by(value)):
                return f"{name} = ", {"file": file[len(project.prefix) :], "line": _line(file, name)}
    return "", None


def _kept_by(value: object) -> list[object]:
    """What an object of a library keeps in its attributes: `tempfile` and `zipfile` hold their files so."""
    if isinstance(value, type | type(sys)):
        return []
    try:
        return list(vars(value).values())
    except TypeError:
        return []


def _line(file: str, name: str) -> int:
    import ast  # only here: it is large, and every child would pay for it

    with open(file, "rb") as stream:
        tree = ast.parse(stream.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return node.lineno
    return 0


def _logging_files() -> Iterator[object]:
    logging = sys.modules.get("logging")
    for reference in list(getattr(logging, "_handlerList", ())):
        handler = reference()
        if handler is not None and isinstance(handler, logging.FileHandler):  # type: ignore[union-attr]
            yield handler


def _move_into_attempt(handler: object) -> str:
    """Lets a `FileHandler` open its file when it first writes, in the folder that the attempt is in by then."""
    path = str(handler.baseFilename)  # type: ignore[attr-defined]
    stream = handler.stream  # type: ignore[attr-defined]
    if stream is not None:
        handler.stream = None  # type: ignore[attr-defined]
        stream.close()
    handler.baseFilename = os.path.basename(path)  # type: ignore[attr-defined]
    return (
        f"logging writes to the file {path}: each run writes one of its own, which goes with the run's folder; "
        "what should stay is kept by conv.log"
    )
