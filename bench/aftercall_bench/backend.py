"""The back end that end functions write to and read from: a process of its own, over HTTPS."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Backend:
    """Where it is, and the certificate that callers must trust."""

    url: str
    certificate: Path


@contextlib.contextmanager
def backend(program: Path, folder: Path) -> Iterator[Backend]:
    """It serves until this block ends."""
    certificate = folder / "backend.pem"
    command: list[str | Path] = [program, "--certificate", certificate]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the back end did not start")
            yield Backend(f"https://{address}", certificate)
        finally:
            process.kill()
