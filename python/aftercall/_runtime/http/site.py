"""Which line of the user's own files a call comes from."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

#: Frames looked at, the innermost first.
_MAX_FRAMES = 200

_project = ""


def set_project(project: str | None) -> None:
    """The folder whose files are the user's own."""
    global _project
    _project = project.rstrip("/") + "/" if project else ""


def call_site() -> str:
    """`file:line` of the innermost frame of the user's own files, relative to the project; empty if there is none."""
    frame: FrameType | None = sys._getframe(1)
    looked_at = 0
    while frame is not None and _project and looked_at < _MAX_FRAMES:
        file = frame.f_code.co_filename
        if file.startswith(_project):
            return f"{file[len(_project) :]}:{frame.f_lineno}"
        frame = frame.f_back
        looked_at += 1
    return ""


def within_project(path: str) -> str:
    """`path` relative to the project if it lies there, else as it is."""
    return path[len(_project) :] if _project and path.startswith(_project) else path
