"""Which libraries there are: the environment of an older one has only what can go with it."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
sys.modules["functions"] = import_module("cases")

PACKAGES = {
    "http_client": "http",
    "urllib_request": "urllib",
    "urllib3": "urllib3",
    "requests": "requests",
    "httpx": "httpx",
    "httpx_async": "httpx",
    "aiohttp": "aiohttp",
    "vendors": "boto3",
}
LIBRARIES = [name for name, package in PACKAGES.items() if find_spec(package)]
