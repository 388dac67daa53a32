"""HTTP from user code becomes one effect frame each, and hears what the supervisor says."""

from __future__ import annotations

import pytest

SITE = "functions/end_function.py"


def one(run, body, **more):
    code = "import http.client, io, json, urllib.request, urllib.error\n\ndef end_function(conv):\n"
    return run(code + "".join(f"    {line}\n" for line in body.splitlines()), **more)


def test_a_request_of_http_client_is_one_effect(run):
    attempt = one(
        run,
        """\
c = http.client.HTTPSConnection("crm.example", timeout=3)
try:
    c.request("POST", "/contacts?q=1", body=b"hello", headers={"X-Key": "k", "Content-Type": "text/plain"})
except ConnectionError as error:
    conv.state.error = [type(error).__name__, error.code, error.phase, str(error)]""",
    )
    (effect,) = attempt.effects
    assert (effect["number"], effect["kind"], effect["method"]) == (1, "http", "POST")
    assert effect["url"] == "https://crm.example/contacts?q=1" and effect["body"] == b"hello"
    assert ["X-Key", "k"] in effect["headers"] and ["Host", "crm.example"] in effect["headers"]
    assert effect["site"] == f"{SITE}:6"
    assert attempt.state["error"] == ["EffectRefused", "AC0401", "refused", "AC0401: there is no way out"]


@pytest.mark.parametrize(
    ("request_", "method", "url", "body"),
    [
        ('"http://a.example:8080/x%20y"', "GET", "http://a.example:8080/x%20y", b""),
        ('"https://a.example/", data=b"q=1"', "POST", "https://a.example/", b"q=1"),
        ('"https://a.example/", data=io.BytesIO(b"ab" * 3), method="PUT"', "PUT", "https://a.example/", b"ababab"),
    ],
)
def test_urllib_goes_the_same_way(run, request_, method, url, body):
    attempt = one(run, f"urllib.request.urlopen(urllib.request.Request({request_}))")
    (effect,) = attempt.effects
    assert (effect["method"], effect["url"], effect["body"], effect["site"]) == (method, url, body, f"{SITE}:4")
    assert not any(name.lower() == "transfer-encoding" for name, _ in effect["headers"])
    assert attempt.outcome == "raised" and "AC0401" in attempt.error["message"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_goes_the_same_way(run, scheme):
    pytest.importorskip("requests")
    attempt = run(
        f"""
        import requests

        def end_function(conv):
            session = requests.Session()
            try:
                session.post("{scheme}://crm.example/v1", json={{"a": 1}}, auth=("u", "p"), timeout=5)
            except requests.ConnectionError as error:
                conv.state.error = str(error)
            requests.get("{scheme}://crm.example:444/v2", params={{"q": "x"}})
        """
    )
    assert [(e["method"], e["url"], e["body"], e["site"]) for e in attempt.effects] == [
        ("POST", f"{scheme}://crm.example/v1", b'{"a": 1}', f"{SITE}:7"),
        ("GET", f"{scheme}://crm.example:444/v2?q=x", b"", f"{SITE}:10"),
    ]
    assert "AC0401" in attempt.state["error"] and attempt.error["type"] == "requests.exceptions.ConnectionError"
    assert attempt.error["frames"][0]["line"] == 10


def test_urllib3_alone_goes_the_same_way(run):
    pytest.importorskip("urllib3")
    attempt = run(
        """
        import urllib3

        def end_function(conv):
            http = urllib3.PoolManager(retries=False)
            http.request("PUT", "https://crm.example/x", body=iter([b"one", b"two"]))
        """
    )
    (effect,) = attempt.effects
    assert (effect["method"], effect["body"]) == ("PUT", b"onetwo")


def test_threads_ask_at_the_same_time_and_each_hears_its_own_answer(run):
    def answer(effect):
        return ("refused", f"AC04{effect['number']:02}", effect["url"])

    attempt = run(
        """
        import http.client
        from concurrent.futures import ThreadPoolExecutor

        def ask(n):
            c = http.client.HTTPConnection("h.example")
            try:
                c.request("GET", f"/{n}")
            except ConnectionError as error:
                return error.code

        def end_function(conv):
            with ThreadPoolExecutor(16) as pool:
                conv.state.codes = sorted(pool.map(ask, range(40)))
        """,
        answer=answer,
    )
    assert attempt.state["codes"] == sorted(f"AC04{n:02}" for n in range(1, 41))
    assert sorted(effect["url"] for effect in attempt.effects) == sorted(f"http://h.example/{n}" for n in range(40))


def test_answers_out_of_order_find_the_thread_that_asked(zygote):
    process = zygote(
        """
        import http.client, threading

        def ask(conv, n):
            c = http.client.HTTPConnection("h.example")
            try:
                c.request("GET", f"/{n}")
            except ConnectionError as error:
                conv.log.info(f"{n} {error}")

        def end_function(conv):
            threads = [threading.Thread(target=ask, args=(conv, n)) for n in range(6)]
            [t.start() for t in threads]
            [t.join() for t in threads]
        """
    )
    waiting = []

    def answer(effect):
        waiting.append(effect["number"])
        if len(waiting) < 6:
            return
        for number in reversed(waiting):
            running.send(3, {0: number, 1: "refused", 2: None, 3: f"number {number}", 4: None, 5: None})
        return

    running = process.start(answer=answer)
    attempt = running.finish()
    by_path = {effect["url"].rpartition("/")[2]: effect["number"] for effect in attempt.effects}
    assert len(attempt.texts) == 6
    assert sorted(attempt.texts) == sorted(f"{path} number {number}" for path, number in by_path.items())


def test_an_answer_that_nobody_asked_for_ends_the_attempt_with_an_error(zygote):
    process = zygote(
        """
        import http.client

        def end_function(conv):
            c = http.client.HTTPConnection("h.example")
            c.request("GET", "/")
            c.getresponse()
        """
    )
    running = process.start(answer=lambda effect: None)
    running.send(3, {0: 99, 1: "refused", 2: None, 3: None, 4: None, 5: None})
    attempt = running.finish()
    assert attempt.outcome == "raised" and "which nobody made" in attempt.error["message"]
