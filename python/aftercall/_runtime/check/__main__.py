"""`python -m aftercall._runtime.check PROJECT ENTRY [PACKAGES]`: prints what it found as one JSON document.

It reads the project and runs none of it. PACKAGES is the folder that the packages of its `requirements.txt` were
installed into; `-` says that they could not be, and then nothing is said of packages.
"""

from __future__ import annotations

import json
import site
import sys

from aftercall._runtime.check import findings
from aftercall._runtime.check.needs import needs
from aftercall._runtime.check.sources import Sources
from aftercall._runtime.imports import Project

#: Syntax trees are walked by the standard library's functions, which recurse.
_RECURSION = 20_000
_UNKNOWN = "-"


def main(root: str, entry: str, packages: str = "", handoffs: str = "[]") -> None:
    """Prints `findings` (see `Finding`), `needs`, and the `files` that are reached from the entry.

    `handoffs` are the destinations of config/handoffs.yaml, a JSON list: the file is read where YAML can be.
    """
    sys.setrecursionlimit(_RECURSION)
    project = Project(root, entry)
    sys.path.append(project.root)
    knows_packages = packages != _UNKNOWN
    if packages and knows_packages:
        site.addsitedir(packages)
    sources = Sources(project, knows_packages=knows_packages, handoffs=json.loads(handoffs))
    answer = {
        "findings": [one.document() for one in findings(sources)],
        "needs": needs(sources),
        "files": [source.file for source in sources.reached()],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
