"""What each library's requests are as frames, and what it raises when one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import LIBRARIES
from inside import start
from supervisor import Attempt

SITE = "functions/end_function.py"
CALLERS = [name for name in LIBRARIES if name != "vendors"]
ONE_TIME_OUT = ("http_client", "urllib_request")


def run(folder: Path, library: str, call: str, before: str = "", **more: Any) -> Attempt:
    code = f"from functions.{library}_cases import call\n{before}\ndef end_function(conv):\n    {call}\n"
    with start(folder, code) as zygote:
        assert "ready" in zygote.answer, zygote.answer
        return zygote.run(**more)


@pytest.mark.parametrize("library", CALLERS)
def test_a_request_says_what_the_code_asks_for(library: str, tmp_path: Path) -> None:
    call = 'call("POST", "https://crm.example:8443/a%20b?c=d", body=b"x", headers={"X-A": "b"}, connect=2, read=3)'
    (effect,) = run(tmp_path, library, call).effects
    assert effect["method"] == "POST" and effect["url"] == "https://crm.example:8443/a%20b?c=d"
    assert effect["body"] == b"x" and effect["kind"] == "http" and effect["lane"] == "0" and effect["number"] == 1
    headers = {name.lower(): value for name, value in effect["headers"]}
    assert headers["x-a"] == "b" and headers["host"] == "crm.example:8443" and "transfer-encoding" not in headers
    assert effect["time_outs"] == {"connect": 2, "read": 2 if library in ONE_TIME_OUT else 3}
    assert _said(effect) == (True, True, [], None)
    assert effect["proxy"] is None
    assert effect["site"].startswith(f"functions/{library}_cases.py:")


@pytest.mark.parametrize("library", CALLERS)
def test_authorities_and_certificates_travel_by_name(library: str, tmp_path: Path) -> None:
    authority, certificate = _certificates(tmp_path)
    call = f'call("GET", "https://crm.example/", verify={authority!r}, certificate={certificate!r})'
    (effect,) = run(tmp_path, library, call).effects
    assert _said(effect) == (True, False, [authority], certificate)


#: A context → whether the usual authorities are believed, and which others.
CONTEXTS = {
    "ssl.create_default_context()": (True, []),
    "loaded(ssl.create_default_context(), cafile=AUTHORITY)": (True, ["AUTHORITY"]),
    "ssl.create_default_context(cafile=AUTHORITY)": (False, ["AUTHORITY"]),
    "loaded(ssl.create_default_context(cafile=AUTHORITY), cadata=open(AUTHORITY).read())": (
        False,
        ["AUTHORITY", "cadata"],
    ),
    "loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cafile=certifi.where())": (True, []),
    "loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cafile=AUTHORITY, capath='/etc/ssl/certs')": (
        True,
        ["AUTHORITY"],
    ),
    "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)": (False, []),
}


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.skipif("vendors" not in LIBRARIES, reason="an environment of an older library")
def test_a_context_believes_what_it_was_given_and_nothing_else(context: str, tmp_path: Path) -> None:
    authority, _ = _certificates(tmp_path)
    usual, bundles = CONTEXTS[context]
    code = f"""
    import certifi, contextlib, http.client, ssl, urllib3

    AUTHORITY = {authority!r}

    def loaded(context, **more):
        context.load_verify_locations(**more)
        return context

    def end_function(conv):
        context = {context}
        with contextlib.suppress(OSError):
            http.client.HTTPSConnection("h.example", context=context).request("GET", "/")
        for more in ({{}}, {{"ca_certs": AUTHORITY}}, {{"ca_certs": certifi.where()}}):
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                urllib3.PoolManager(ssl_context=context, **more).request("GET", "https://h.example", retries=False)
    """
    with start(tmp_path, code) as zygote:
        plain, alone, beside, usually = zygote.run().effects
    bundles = [bundle.replace("AUTHORITY", authority) for bundle in bundles]
    for effect in (plain, alone):
        assert _said(effect) == (True, usual, bundles, None)
    assert _said(beside) == (True, usual, [*bundles, authority], None)
    assert _said(usually) == (True, True, bundles, None)


@pytest.mark.parametrize("library", CALLERS)
def test_code_that_does_not_verify_says_so(library: str, tmp_path: Path) -> None:
    (effect,) = run(tmp_path, library, 'call("GET", "https://crm.example/", verify=False)').effects
    assert effect["verify"] is False


#: What cannot be done in a run → what is raised: of the kind that the library has for it.
UNHEARD = {
    "urllib3.PoolManager(assert_fingerprint='ab' * 32).request('GET', URL, retries=False)": "SSLError",
    "urllib3.PoolManager(assert_hostname='other.example').request('GET', URL, retries=False)": "SSLError",
    "urllib3.PoolManager(server_hostname='other.example').request('GET', URL, retries=False)": "SSLError",
    "httpx.Client().get(URL, extensions={'sni_hostname': 'other.example'})": "ConnectError",
    "asyncio.run(by_aiohttp(ssl=aiohttp.Fingerprint(b'x' * 32)))": "ClientConnectorSSLError",
    "asyncio.run(by_aiohttp(server_hostname='other.example'))": "ClientConnectorSSLError",
}


@pytest.mark.parametrize("call", UNHEARD)
@pytest.mark.skipif("vendors" not in LIBRARIES, reason="an environment of an older library")
def test_what_a_run_cannot_do_for_tls_is_refused_and_not_passed_over(call: str, tmp_path: Path) -> None:
    code = f"""
    import asyncio
    import aiohttp, httpx, urllib3

    URL = "https://crm.example/"

    async def by_aiohttp(**more):
        async with aiohttp.ClientSession() as session, session.get(URL, **more):
            pass

    def end_function(conv):
        {call}
    """
    with start(tmp_path, code) as zygote:
        attempt = zygote.run()
    assert attempt.outcome == "raised" and not attempt.effects
    assert attempt.error["type"].rpartition(".")[2] == UNHEARD[call], attempt.error
    assert "In a run" in str(attempt.error) or "no run" in str(attempt.error)


@pytest.mark.skipif("urllib3" not in LIBRARIES, reason="an environment without it")
def test_a_name_that_is_the_urls_own_is_heard(tmp_path: Path) -> None:
    code = """
    import urllib3

    def end_function(conv):
        pool = urllib3.PoolManager(assert_hostname="crm.example", server_hostname="CRM.example")
        pool.request("GET", "https://crm.example/", retries=False)
    """
    with start(tmp_path, code) as zygote:
        attempt = zygote.run()
    assert len(attempt.effects) == 1, attempt.error


@pytest.mark.parametrize("library", CALLERS)
def test_the_code_of_a_refusal_is_found_in_what_the_library_raises(library: str, tmp_path: Path) -> None:
    for scheme in ("http", "https"):
        folder = tmp_path / scheme
        folder.mkdir()
        attempt = run(
            folder, library, f'call("GET", "{scheme}://crm.example/")', answer=lambda _: ("refused", "AC0417", "not so")
        )
        assert attempt.outcome == "raised" and attempt.error["code"] == "AC0417", attempt.error
        assert len(attempt.effects) == 1 and "not so" in str(attempt.error)


@pytest.mark.parametrize("library", CALLERS)
def test_a_request_that_is_too_large_is_refused_before_it_is_sent(library: str, tmp_path: Path) -> None:
    attempt = run(tmp_path, library, 'call("POST", "http://crm.example/", body=b"x" * (8 * 1024 * 1024 + 1))')
    assert attempt.outcome == "raised" and attempt.error["code"] == "AC0402" and not attempt.effects


@pytest.mark.parametrize("library", CALLERS)
def test_a_request_while_the_project_is_imported_is_refused_with_its_line(library: str, tmp_path: Path) -> None:
    code = f"from functions.{library}_cases import call\ncall('GET', 'http://crm.example/')\n"
    with start(tmp_path, code + "def end_function(conv): pass\n") as zygote:
        failed = zygote.answer["failed"]
    assert failed["code"] == "AC0205" and f"functions/{library}" in str(failed["error"])


@pytest.mark.parametrize("library", [name for name in CALLERS if name in ("requests", "urllib3", "httpx")])
def test_what_the_rehearsal_does_is_not_seen_by_the_project(library: str, tmp_path: Path) -> None:
    """A project that has put something around its library keeps what that sees."""
    owner = {
        "requests": "requests.Session.send",
        "urllib3": "urllib3.HTTPConnectionPool.urlopen",
        "httpx": "httpx.Client.send",
    }[library]
    before = f"""
import {library}
seen = []
real = {owner}
def around(self, *args, **more):
    seen.append(1)
    return real(self, *args, **more)
{owner} = around
"""
    attempt = run(tmp_path, library, "conv.state.seen = len(seen)", before)
    assert attempt.state["seen"] == 0


@pytest.mark.skipif("httpx" not in LIBRARIES, reason="an environment without it")
def test_tasks_of_uvloop_have_lanes_too(tmp_path: Path) -> None:
    code = """
    import asyncio, http.client, uvloop

    async def ask(n):
        c = http.client.HTTPConnection("h.example")
        try:
            c.request("GET", f"/{n}")
        except ConnectionError:
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(ask(1), ask(2))

    def end_function(conv):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    """
    with start(tmp_path, code) as zygote:
        attempt = zygote.run()
    assert [effect["lane"] for effect in attempt.effects] == ["0.1", "0.2"]


def _said(effect: dict[str, Any]) -> tuple[bool, bool, list[str], str | None]:
    """Whom the code believes, and who it is."""
    return effect["verify"], effect["usual_authorities"], effect["bundles"], effect["certificate"]


def _certificates(folder: Path) -> tuple[str, str]:
    import trustme

    authority = trustme.CA()
    names = folder / "company-ca.pem", folder / "client.pem"
    authority.cert_pem.write_to_path(names[0])
    authority.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(names[1])
    return str(names[0]), str(names[1])
