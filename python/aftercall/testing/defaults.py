"""What a project's own files say of all its conversations, as a server reads them.

They are YAML, and the command reads it: `aftercall config conv`. So a test shows what a server shows, and the package
needs no YAML library.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from typing import Any

_NAMES = ("handoffs", "sms_templates", "variant_attributes", "translations", "entities")
#: The files of a project that can say something.
_FILES = ("project.yaml", *(f"config/{name}.yaml" for name in _NAMES))
#: Names the command where it is not the one that was installed with this package.
_COMMAND = "AFTERCALL_BIN"
#: Reading a few files takes some hundredths of a second; a machine may be busy.
_PATIENCE_S = 60.0


class ConfigurationUnreadable(ValueError):
    """A file of the project's configuration cannot be read; the text says which, where and what to do."""


def read_defaults(root: str) -> dict[str, Any]:
    """The defaults of the project at `root`. Without the command there are none, and a warning says so."""
    present = [name for name in _FILES if os.path.isfile(os.path.join(root, name))]
    if not present:
        return {}
    command = _command()
    if command is None:
        text = (
            f"{', '.join(present)}: not read, since the command `aftercall` is not installed: `pip install aftercall`"
        )
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return {}
    done = subprocess.run(
        [command, "config", "conv", "--json", root],
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigurationUnreadable(done.stderr.strip() or done.stdout.strip())
    defaults = json.loads(done.stdout)
    assert isinstance(defaults, dict)
    return defaults


def _command() -> str | None:
    beside = os.path.join(os.path.dirname(sys.executable), "aftercall")
    return os.environ.get(_COMMAND) or shutil.which(beside) or shutil.which("aftercall")
