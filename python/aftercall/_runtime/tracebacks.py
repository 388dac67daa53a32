"""Errors as documents: what was raised, and where in the user's own files.

Written for the child's last moments: no imports beyond what every zygote has, bounded in every direction, and no
exception of the user's can make it fail.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections import deque
from errno import EMFILE

from aftercall._runtime import refusals
from aftercall._runtime.limits import (
    MAX_CAUSE_FRAMES,
    MAX_CAUSE_TRACEBACK,
    MAX_CAUSES,
    MAX_FRAMES,
    MAX_GROUP,
    MAX_GROUP_DEPTH,
    MAX_MESSAGE,
    MAX_NOTES,
    MAX_SOURCE_FILE,
    MAX_SOURCE_LINE,
    MAX_TRACEBACK,
)
from aftercall.texts import MAX_NAME, escaped, kind_name, safe_str, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

#: The runtime's own folder: its frames are left out.
_PACKAGE = __file__.rsplit("/", 2)[0] + "/"
#: What imports: between two frames of the user's it says nothing.
_IMPORTING = (importlib.__file__, "<frozen importlib")

ErrorDocument = dict[str, object]


class Places:
    """Tells own files from others, and gives both short names."""

    def __init__(self, project: str | None) -> None:
        self._project = project.rstrip("/") + "/" if project else None
        self._sources: dict[str, list[str]] = {}

    def own(self, file: str) -> bool:
        """Whether `file` is part of the project."""
        return self._project is not None and file.startswith(self._project)

    def short(self, file: str) -> str:
        """`file` relative to the project, or to the folder on `sys.path` that it was imported from."""
        if self._project is not None and file.startswith(self._project):
            return file[len(self._project) :]
        best = max((path for path in sys.path if path and file.startswith(path + "/")), key=len, default="")
        return file[len(best) + 1 :] if best else file

    def line(self, file: str, number: int | None) -> str:
        """The source line, `""` where it cannot be had."""
        if number is None or number < 1:
            return ""
        if file not in self._sources:
            self._sources[file] = _read_lines(file)
        lines = self._sources[file]
        return lines[number - 1][:MAX_SOURCE_LINE].rstrip() if number <= len(lines) else ""


def _read_lines(file: str) -> list[str]:
    try:
        return _lines(file)
    except (OSError, ValueError, MemoryError) as error:
        if getattr(error, "errno", None) != EMFILE:
            return []
    try:
        # All descriptors are in use, often the very error that is told. The input is /dev/null and the function over.
        os.close(0)
        return _lines(file)
    except (OSError, ValueError, MemoryError):
        return []


def _lines(file: str) -> list[str]:
    with open(file, "rb") as stream:
        return stream.read(MAX_SOURCE_FILE).decode("utf-8", "replace").splitlines()


def error_document(error: BaseException, places: Places) -> ErrorDocument:
    """`error` as docs/protocol.md has it, with its chain of causes."""
    seen: set[int] = set()
    document = _document(error, places, seen, MAX_FRAMES)
    texts = [_traceback_text(document) + _group_text(error, places, seen, 1)]
    outer, current = document, error
    for _ in range(MAX_CAUSES):
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if cause is None or id(cause) in seen:
            break
        below = _document(cause, places, seen, MAX_CAUSE_FRAMES)
        text = _traceback_text(below) + _group_text(cause, places, seen, 1)
        below["traceback"] = _middle_cut(text, MAX_CAUSE_TRACEBACK)
        outer["cause"] = below
        texts += [_DIRECT if current.__cause__ is not None else _MEANWHILE, str(below["traceback"])]
        outer, current = below, cause
    document["traceback"] = _middle_cut("\n\n".join(reversed(texts)), MAX_TRACEBACK)
    return document


_DIRECT = "The above exception was the direct cause of the following exception:"
_MEANWHILE = "During handling of the above exception, another exception occurred:"


def _document(error: BaseException, places: Places, seen: set[int], most: int) -> ErrorDocument:
    """All but the traceback's text and the cause."""
    seen.add(id(error))
    document: ErrorDocument = {"type": _type_name(error), "message": _message(error)}
    frames = _frames(error.__traceback__, places, most)
    if issubclass(type(error), SyntaxError) and error.filename:  # type: ignore[attr-defined]
        frames.append(_syntax_frame(error, places))  # type: ignore[arg-type]
    return {**document, "traceback": "", "frames": frames, "cause": None}


def _middle_cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters are left out …\n{text[-half:]}"


def _type_name(error: BaseException) -> str:
    kind = type(error)
    # Where ours lie is nobody's business: `_gen` has them, or they are only told of.
    if kind.__module__ in ("builtins", "__main__") or str(kind.__module__).startswith("aftercall."):
        return kind_name(error)
    return shortened(f"{escaped(safe_str(kind.__module__))}.{kind_name(error)}", 2 * MAX_NAME)


def _message(error: BaseException) -> str:
    """What it says, its notes, and what confinement has to do with it."""
    text = safe_str(error.msg if issubclass(type(error), SyntaxError) else error)  # type: ignore[attr-defined]
    notes: list[object] | None = getattr(error, "__notes__", None)
    if notes is not None and issubclass(type(notes), list):
        texts = [safe_str(note) for note in notes[:MAX_NOTES]]
        more = [f"… and {len(notes) - MAX_NOTES:,} more notes"] if len(notes) > MAX_NOTES else []
        text = "\n".join([text, *texts, *more])
    hint = refusals.hint(error)
    text = shortened(text, MAX_MESSAGE - len(hint) - 1) + f"\n{hint}" if hint else shortened(text, MAX_MESSAGE)
    return escaped(text)


def _frames(traceback: TracebackType | None, places: Places, most: int) -> list[dict[str, object]]:
    """Outermost first; of a deep one, the outer and the inner half of `most`."""
    half = most // 2
    # There may be millions, and no memory left for a list of them.
    outer: list[TracebackType] = []
    inner: deque[TracebackType] = deque(maxlen=most - half)
    count = 0
    while traceback is not None:
        if not _internal(traceback.tb_frame.f_code.co_filename):
            (outer if len(outer) < half else inner).append(traceback)
            count += 1
        traceback = traceback.tb_next
    frames = [_frame_of(one, places) for one in (*outer, *inner)]
    if len(frames) < count:
        frames[len(outer)]["left_out"] = count - len(frames)  # that many frames came before this one
    return frames


def _frame_of(traceback: TracebackType, places: Places) -> dict[str, object]:
    code = traceback.tb_frame.f_code
    return _frame(code.co_filename, traceback.tb_lineno or code.co_firstlineno, code.co_name, places)


def _internal(file: str) -> bool:
    return file.startswith((_PACKAGE, *_IMPORTING))


def _frame(file: str, line: int, function: str, places: Places) -> dict[str, object]:
    return {
        "file": escaped(places.short(file)[-MAX_SOURCE_LINE:]),
        "line": line,
        "function": escaped(function[:MAX_SOURCE_LINE]),
        "source": places.line(file, line),
        "own": places.own(file),
    }


def _syntax_frame(error: SyntaxError, places: Places) -> dict[str, object]:
    frame = _frame(error.filename or "", error.lineno or 0, "<module>", places)
    frame["source"] = frame["source"] or escaped(error.text or "")[:MAX_SOURCE_LINE].rstrip()
    if error.offset:
        frame["column"] = error.offset
    return frame


def _traceback_text(document: ErrorDocument) -> str:
    frames: list[dict[str, object]] = document["frames"]  # type: ignore[assignment]
    lines = ["Traceback (most recent call last):"] if frames else []
    for frame in frames:
        if "left_out" in frame:
            lines.append(f"  … {frame['left_out']} frames are left out …")
        at = f'  File "{frame["file"]}", line {frame["line"]}'
        lines.append(at if "column" in frame else f"{at}, in {frame['function']}")
        source = str(frame["source"])
        if source:
            lines.append(f"    {source.strip()}")
        if "column" in frame:
            indent = len(source) - len(source.lstrip())
            lines.append(" " * (4 + max(0, int(str(frame["column"])) - 1 - indent)) + "^")
    message = str(document["message"])
    lines.append(f"{document['type']}: {message}" if message else str(document["type"]))
    return "\n".join(lines)


def _group_text(error: BaseException, places: Places, seen: set[int], depth: int) -> str:
    """The members of an exception group, each behind a bar, their own members within."""
    if not issubclass(type(error), BaseExceptionGroup):
        return ""
    members: tuple[BaseException, ...] = error.exceptions  # type: ignore[attr-defined]
    if depth > MAX_GROUP_DEPTH:
        return f"\n  … {len(members):,} more within"
    parts = []
    for number, member in enumerate(members[:MAX_GROUP], 1):
        if id(member) not in seen:
            text = _traceback_text(_document(member, places, seen, MAX_CAUSE_FRAMES))
            text += _group_text(member, places, seen, depth + 1) + _cause_text(member, places, seen)
            inner = text.replace("\n", "\n  | ")
            parts.append(f"\n  +---------------- {number} ----------------\n  | {inner}")
    if len(members) > MAX_GROUP:
        parts.append(f"\n  … and {len(members) - MAX_GROUP:,} more")
    return "".join(parts)


def _cause_text(member: BaseException, places: Places, seen: set[int]) -> str:
    """What a member of a group was raised from, in a line: the line is enough to look it up."""
    cause = member.__cause__
    if cause is None or id(cause) in seen:
        return ""
    document = _document(cause, places, seen, 1)
    return f"\n(caused by {document['type']}: {document['message']})"


def project_error(message: str, file: str, line: int, fix: str, source: str = "") -> ErrorDocument:
    """An error that no exception stands for: what is wrong with the project, where, and what to do."""
    frame = {"file": file, "line": line, "function": "<module>", "source": source, "own": True}
    return {
        "type": "",
        "message": message,
        "traceback": f"{file}:{line}: {message}\n{fix}",
        "frames": [frame],
        "cause": None,
        "file": file,
        "line": line,
        "fix": fix,
    }
