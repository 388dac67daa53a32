"""`aftercall.Client` and `AsyncClient`: what is sent, when it is tried again, what errors say."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import aftercall
from aftercall import AsyncClient, Client, Retry
from aftercall.client.address import Address, find
from aftercall.client.document import document_text

ACCEPTED = {"run_id": "r", "conversation_id": "c", "external_id": "x", "status": "queued"}
BUSY = {"code": "AC0105", "title": "the server is busy", "detail": "Full.", "fix": "Wait.", "retry_after_s": 3}


def answer(status: int, document: Any, head: str = "", cut: int = 0) -> bytes:
    """An HTTP answer as bytes, without its last `cut` ones."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    text = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
    return text[: len(text) - cut]


class Script:
    """A server on loopback that answers requests with prepared bytes, in order. `b""` hangs up instead."""

    def __init__(self, answers: list[bytes], keep_open: bool) -> None:
        self.requests: list[bytes] = []
        self._answers = answers
        self._keep_open = keep_open
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with closing(connection):
                while self._answers:
                    request = self._request(connection)
                    if request is None:
                        break
                    self.requests.append(request)
                    given = self._answers.pop(0)
                    connection.sendall(given)
                    if not given or not self._keep_open:
                        break

    def _request(self, connection: socket.socket) -> bytes | None:
        data = b""
        while True:
            head, end, body = data.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"), 0)
            if end and len(body) >= length:
                return data
            part = connection.recv(65536)
            if not part:
                return None
            data += part

    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(*answers: bytes, keep_open: bool = False) -> Script:
        made.append(Script(list(answers), keep_open))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Time:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def retry(self, **settings: Any) -> Retry:
        return Retry(**{"clock": lambda: self.now, "chance": lambda: 0.5, **settings})


def client(url: str, time: Time, **settings: Any) -> Client:
    return Client(url, "ac_key", "shop", "live", retry=time.retry(**settings), sleep=time.wait, timeout_s=5)


def test_a_request_says_who_asks_and_what_about(script: Callable[..., Script]) -> None:
    server = script(answer(202, ACCEPTED))
    accepted = client(server.url, Time()).send({"id": "x"})
    assert (accepted.run_id, accepted.known, accepted.hold) == ("r", False, None)
    head = server.requests[0].decode()
    assert head.startswith("POST /v1/conversations?project=shop&environment=live HTTP/1.1\r\n")
    assert "Authorization: Bearer ac_key\r\n" in head and "Content-Type: application/json\r\n" in head


def test_a_prefix_of_a_proxy_and_any_id_stay_what_they_are(script: Callable[..., Script]) -> None:
    server = script(answer(404, {"code": "AC0704", "title": "t", "detail": "d", "fix": "f"}))
    with pytest.raises(aftercall.NotFound, match="AC0704 t: d f"):
        client(f"{server.url}/calls/", Time()).run("a/b?c")
    assert server.requests[0].startswith(b"GET /calls/v1/runs/a%2Fb%3Fc HTTP/1.1\r\n")


def test_what_may_pass_is_tried_again_with_the_same_bytes(script: Callable[..., Script]) -> None:
    server = script(b"", answer(503, BUSY), answer(202, ACCEPTED, cut=5), answer(502, b"proxy"), answer(202, ACCEPTED))
    time = Time()
    assert client(server.url, time).send({"id": "x"}).run_id == "r"
    assert len(server.requests) == 5 and len(set(server.requests)) == 1
    assert time.waits == [0.125, 0.25, 0.5, 1.0], "evenly drawn below a bound that doubles"


def test_the_server_says_how_long_to_stay_away_and_is_heard(script: Callable[..., Script]) -> None:
    server = script(answer(503, BUSY, "Retry-After: 3\r\n"), answer(202, ACCEPTED))
    time = Time()
    client(server.url, time).send({"id": "x"})
    assert time.waits == [3.125]


def test_patience_ends_with_the_servers_own_words(script: Callable[..., Script]) -> None:
    server = script(*[answer(503, BUSY, "Retry-After: 3\r\n")] * 9)
    time = Time()
    with pytest.raises(aftercall.ServerBusy) as raised:
        client(server.url, time, patience_s=10).send({"id": "x"})
    assert raised.value.retry_after_s == 3 and raised.value.code == "AC0105"
    assert len(server.requests) == 4 and time.now < 10, "no try begins after the patience is used up"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_what_cannot_pass_is_not_tried_again(script: Callable[..., Script], status: int) -> None:
    server = script(answer(status, {**BUSY, "code": "AC0102"}), answer(202, ACCEPTED))
    with pytest.raises(aftercall.Problem) as raised:
        client(server.url, Time()).send({"id": "x"})
    assert raised.value.status == status and len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": "no"}', b"[" * 100_000])
def test_an_answer_that_is_not_ours_is_shown(script: Callable[..., Script], body: bytes) -> None:
    server = script(answer(404, body))
    with pytest.raises(aftercall.UnexpectedAnswer, match="answered 404") as raised:
        client(server.url, Time()).send({"id": "x"})
    assert len(str(raised.value)) < 600


def test_a_server_that_is_nowhere_is_told_with_what_to_do(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    time = Time()
    with pytest.raises(aftercall.ServerUnreachable, match="run twice") as raised:
        client(url, time, patience_s=2).send({"id": "x"})
    assert raised.value.tries == len(time.waits) + 1 > 3
    # Without its folder no server was ever there: that does not pass.
    with pytest.raises(aftercall.ServerUnreachable, match="aftercall serve") as raised:
        client(f"unix:{tmp_path}/none/aftercall.sock", time).send({"id": "x"})
    assert raised.value.tries == 1


def test_a_connection_is_kept_and_a_stale_one_costs_no_wait(script: Callable[..., Script]) -> None:
    server = script(answer(202, ACCEPTED), answer(202, ACCEPTED), b"", answer(202, ACCEPTED), keep_open=True)
    time = Time()
    asking = client(server.url, time)
    for _ in range(3):
        assert asking.send({"id": "x"}).run_id == "r"
    assert len(server.requests) == 4 and time.waits == []


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def test_of_many_each_has_its_answer_and_only_open_ones_are_sent_again(script: Callable[..., Script]) -> None:
    conflict = {**BUSY, "code": "AC0103", "differences": [{"path": "/turns", "sent": []}], "kept_run_id": "k"}
    first = lines(
        {"line": 1, "status": 202, "accepted": ACCEPTED},
        {"line": 2, "status": 409, "problem": conflict},
        {"line": 3, "status": 503, "problem": BUSY},
        {"line": 4, "status": 202, "accepted": ACCEPTED},
    )
    second = lines(*({"line": n, "status": 200, "accepted": {**ACCEPTED, "known": True}} for n in (1, 2)))
    server = script(answer(200, first, cut=20), answer(200, second))
    time = Time()
    given = [{"id": "a"}, {"id": "b"}, {"id": "nan", "x": float("nan")}, '{"id":\n"c"}', b'{"id": "d"}']
    a, b, nan, c, d = client(server.url, time).send_many(given)
    assert isinstance(a, aftercall.Accepted) and not a.known
    assert isinstance(b, aftercall.ConversationConflict) and b.kept_run_id == "k"
    assert (b.differences[0].path, b.differences[0].kept, b.differences[0].sent) == ("/turns", None, [])
    assert isinstance(nan, aftercall.UnwritableConversation) and nan.path == "/x"
    assert isinstance(c, aftercall.Accepted) and isinstance(d, aftercall.Accepted) and c.known and d.known
    assert server.bodies()[0].count(b"\n") == 4
    assert server.bodies()[1] == b'{"id": "c"}\n{"id": "d"}\n'
    assert time.waits == [3.125], "the busy line says when to come back"


def test_many_are_sent_in_batches_and_patience_begins_anew_with_each_that_gets_on(
    script: Callable[..., Script],
) -> None:
    whole = lines(*({"line": n, "status": 202, "accepted": ACCEPTED} for n in range(1, 257)))
    server = script(b"", answer(200, whole), b"", answer(200, lines({"line": 1, "status": 202, "accepted": ACCEPTED})))
    time = Time()
    answers = client(server.url, time).send_many({"id": str(n)} for n in range(257))
    assert len(answers) == 257 and all(isinstance(one, aftercall.Accepted) for one in answers)
    assert [body.count(b"\n") for body in server.bodies()] == [256, 256, 1, 1] and time.waits == [0.125, 0.125]


def test_many_are_refused_at_once_where_it_concerns_all(script: Callable[..., Script]) -> None:
    server = script(answer(404, {**BUSY, "code": "AC0107"}))
    with pytest.raises(aftercall.NotFound):
        client(server.url, Time()).send_many([{"id": "a"}])
    assert client(server.url, Time()).send_many([]) == []


def test_the_async_client_does_the_same(script: Callable[..., Script]) -> None:
    server = script(b"", answer(202, ACCEPTED), answer(200, lines({"line": 1, "status": 202, "accepted": ACCEPTED})))
    time = Time()

    async def sleep(seconds: float) -> None:
        time.wait(seconds)

    async def main() -> None:
        async with AsyncClient(server.url, retry=time.retry(), sleep=sleep, timeout_s=5) as asking:
            assert (await asking.send({"id": "x"})).run_id == "r"
            assert len(await asking.send_many([{"id": "x"}])) == 1

    asyncio.run(main())
    assert len(server.requests) == 3 and time.waits == [0.125]


def test_an_event_loop_goes_on_while_a_server_thinks() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"

        async def main() -> int:
            async with AsyncClient(url, retry=Retry(patience_s=0), timeout_s=0.3) as asking:
                sending = asyncio.create_task(asking.send({"id": "x"}))
                steps = 0
                while not sending.done():
                    await asyncio.sleep(0.01)
                    steps += 1
                with pytest.raises(aftercall.ServerUnreachable):
                    await sending
                return steps

        assert asyncio.run(main()) > 5


def document(**fields: Any) -> Any:
    return json.loads(document_text({"id": "x", **fields}))


def test_python_values_become_the_document() -> None:
    amsterdam = dt.timezone(dt.timedelta(minutes=19, seconds=32))
    given = {
        "started_at": dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        "ended_at": dt.datetime(1900, 1, 1, tzinfo=amsterdam),
        "turns": ({"role": "user", "text": "é", "at": dt.datetime(2026, 1, 5, tzinfo=dt.UTC)},),
        "state": {"at": dt.datetime(2026, 1, 5), "price": decimal.Decimal("1.10"), "ids": {1}, "nan": float("nan")},
        "order": uuid.UUID(int=1),
    }
    assert document(**given) == {
        "id": "x",
        "started_at": "2026-01-05T10:00:00+00:00",
        "ended_at": "1899-12-31T23:40:28+00:00",
        "turns": [{"role": "user", "text": "é", "at": "2026-01-05T00:00:00+00:00"}],
        "state": {
            "at": {"$type": "datetime", "value": "2026-01-05T00:00:00"},
            "price": {"$type": "decimal", "value": "1.10"},
            "ids": {"$type": "set", "items": [1]},
            "nan": {"$type": "float", "value": "nan"},
        },
        "order": "00000000-0000-0000-0000-000000000001",
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"started_at": dt.datetime(2026, 1, 5)}, "/started_at"),
        ({"turns": [{"role": "user", "text": "\ud800"}]}, "the conversation"),
        ({"metrics": [{"name": "n", "value": {1}}]}, "/metrics/0/value"),
        ({"state": {"file": open}}, "/state/file"),
        ({"memory": {1: 2}}, "/memory"),
        ({"x": float("inf")}, "/x"),
    ],
)
def test_what_a_document_cannot_hold_is_said_with_its_place(fields: Any, path: str) -> None:
    with pytest.raises(aftercall.UnwritableConversation, match=f"^{path}: "):
        document_text({"id": "x", **fields})


def test_state_that_is_on_the_wire_already_is_not_encoded_twice() -> None:
    state = {"at": {"$type": "datetime", "value": "2026-01-05T10:00:00Z"}, "n": [1, 2.5]}
    assert document(state=state)["state"] == state, "as a file has it, to the letter"
    mixed = {"at": aftercall.encode_state({"at": dt.date(2026, 1, 5)})["at"], "more": {1}}
    assert document(state=mixed)["state"] == {
        "at": {"$type": "date", "value": "2026-01-05"},
        "more": {"$type": "set", "items": [1]},
    }
    foreign = {"$type": "Acme.Order, Acme", "id": 7}  # another system's JSON, which has such a key
    encoded = document(state={"order": foreign})["state"]
    assert aftercall.decode_state(encoded) == {"order": foreign}


def test_where_a_server_is() -> None:
    assert str(find(None, {"AFTERCALL_SERVER": "http://[::1]:8700", "AFTERCALL_DATA": "/d"})) == "http://[::1]:8700"
    assert str(find(None, {"AFTERCALL_DATA": "/d", "HOME": "/h"})) == "/d/aftercall.sock"
    assert str(find(None, {"XDG_DATA_HOME": "/x", "HOME": "/h"})) == "/x/aftercall/aftercall.sock"
    assert (
        str(find(None, {"XDG_DATA_HOME": "not/absolute", "HOME": "/h"})) == "/h/.local/share/aftercall/aftercall.sock"
    )
    assert Address.parse("https://calls.example").port == 443
    for wrong in ("calls.example:8700", "ftp://x", "http://", "unix:", "http://u:p@h", "http://h:x", "http://h/?a=1"):
        with pytest.raises(ValueError, match=r"address|socket|more than a host"):
            Address.parse(wrong)
    with pytest.raises(ValueError, match="no home folder"):
        find(None, {})
    with pytest.raises(ValueError, match="copy it again"):
        Client("http://h", "ac_\n")
