"""What it was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def machine(python: Path, folder: Path) -> dict[str, str]:
    """In words."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    gib = int(memory.split()[1]) / 1024 / 1024
    return {
        "machine": f"{os.cpu_count()} cores of {processor}, {gib:.0f} GiB",
        "kernel": platform.release(),
        "Python": _said(str(python), "-c", "import platform; print(platform.python_version())"),
        "file system": _said("stat", "-f", "-c", "%T", str(folder)),
        "load at the beginning": f"{os.getloadavg()[0]:.1f} (1 minute)",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": _said("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
