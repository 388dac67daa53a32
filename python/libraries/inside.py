"""Projects of one call each, run in a child, for what cannot be compared with an outside."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Any

from supervisor import Zygote

HERE = Path(__file__).parent


def start(folder: Path, end_function: str, **settings: Any) -> Zygote:
    """A zygote on a project that has the cases of all libraries and this function."""
    functions = folder / "project" / "functions"
    shutil.copytree(HERE / "cases", functions)
    (functions / "end_function.py").write_text(textwrap.dedent(end_function))
    (folder / "tmp").mkdir()
    return Zygote(folder / "project", folder / "tmp", **settings)
