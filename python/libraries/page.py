"""The page of the documentation that tells what was found: docs/http-libraries.md is made by its test."""

from __future__ import annotations

from typing import Any

TITLES = {
    "http_client": "`http.client`",
    "urllib_request": "`urllib.request`",
    "urllib3": "`urllib3`",
    "requests": "`requests`",
    "httpx": "`httpx`",
    "httpx_async": "`httpx`, async",
    "aiohttp": "`aiohttp`",
}
HEAD = """\
# HTTP libraries in an end function

Made by `python/libraries/test_libraries.py`; do not edit. Each case was run twice, in a plain interpreter and in a run:
it came to the same, result or type of exception, and so did what the server got. A cell shows the exception; ✓ is a
result. `urllib3` 1.26 and `requests` on it are held to the same cases.

Everything that stands on these libraries goes the same way. Raw sockets do not: they are refused.

Whom the code believes (`verify`), which client certificate it shows and by which proxy it wants to go leave the run as
names. Here a peer did what they say. A server does it where its operator's configuration has them for the project, and
refuses it otherwise, by the exception that the library has for such trouble: [docs/gateway.md](gateway.md). A pinned
fingerprint, and a name for the certificate that is not the URL's host, are refused at once.

"""
VERSIONS = ("urllib3", "requests", "httpx", "aiohttp", "boto3", "openai", "anthropic", "stripe", "twilio", "slack_sdk")


def render(outcomes: dict[str, dict[str, Any]], version: Any) -> str:
    """The page. `outcomes` by library and case; `version` tells a package's."""
    common = [case for case in outcomes["requests"] if all(case in outcomes[library] for library in TITLES)]
    parts = [HEAD, "Tested with " + ", ".join(f"{name} {version(name)}" for name in VERSIONS) + ".\n\n"]
    parts += ["| case | " + " | ".join(TITLES.values()) + " |\n", "|---" * (len(TITLES) + 1) + "|\n"]
    for case in common:
        cells = [_cell(outcomes[library][case]) for library in TITLES]
        parts.append(f"| {_words(case)} | " + " | ".join(cells) + " |\n")
    parts.append("\n## Of one library each\n\n| library | case | comes to |\n|---|---|---|\n")
    for library, title in {**TITLES, "vendors": ""}.items():
        for case, outcome in outcomes[library].items():
            if case not in common:
                parts.append(f"| {title or 'SDKs'} | {_words(case)} | {_cell(outcome)} |\n")
    return "".join(parts)


def _words(case: str) -> str:
    return case.replace("_", " ")


def _cell(outcome: dict[str, Any]) -> str:
    return f"`{outcome['raised'][0].rpartition('.')[2]}`" if "raised" in outcome else "✓"
