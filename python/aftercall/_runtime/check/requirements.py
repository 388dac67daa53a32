"""Which packages a project names in `requirements.txt`, and which package brings a module."""

from __future__ import annotations

import os
import re
from functools import lru_cache

#: Modules whose package is called otherwise.
_PACKAGES = {
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cairosvg": ("cairosvg",),
    "Crypto": ("pycryptodome",),
    "cv2": ("opencv-python-headless", "opencv-python"),
    "dateutil": ("python-dateutil",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "fitz": ("pymupdf",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "magic": ("python-magic",),
    "MySQLdb": ("mysqlclient",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow",),
    "pptx": ("python-pptx",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "pydantic_core": ("pydantic", "pydantic-core"),
    "serial": ("pyserial",),
    "sklearn": ("scikit-learn",),
    "telegram": ("python-telegram-bot",),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
}  # fmt: skip


def providers(module: str) -> set[str]:
    """Names of the packages that bring a module, as `requirements.txt` has them, in their one spelling."""
    top = module.partition(".")[0]
    if top == "google":
        return {_normal(".".join(module.split(".")[:count])) for count in (2, 3)} | {"google-api-core"}
    return set(_PACKAGES.get(top, (_normal(top),)))


@lru_cache(maxsize=8)
def requirements(root: str) -> frozenset[str]:
    """The packages that `requirements.txt` names."""
    try:
        with open(os.path.join(root, "requirements.txt"), encoding="utf-8", errors="replace") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return frozenset()
    found = (re.match(r"\s*([A-Za-z0-9][\w.-]*)", line) for line in lines)
    return frozenset(_normal(match[1]) for match in found if match)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
