"""Runs a library's cases in a plain interpreter: `python outside.py LIBRARY WORLD [CASE…]`, both JSON on its output."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# The cases lie in a project's `functions/` on the other side.
sys.modules["functions"] = importlib.import_module("cases")


def main() -> None:
    library, world = sys.argv[1], json.loads(sys.argv[2])
    from functions.every import run

    wanted = [name for name in sys.argv[3:] if not name.startswith("--")]
    print(json.dumps(run(library, world, wanted or None)))


main()
