"""The clients against a real server, which dies in between and comes back."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from server import EXAMPLES, Server

import aftercall
from aftercall import Accepted, AsyncClient, Client, Retry

PATIENT = Retry(patience_s=60, longest_wait_s=0.5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("server"))
    try:
        one.start()
        one.run("deploy", str(EXAMPLES / "hello"))
        yield one
    finally:
        one.close()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(f"unix:{server.socket}", retry=PATIENT) as one:
        yield one


def ended(client: Client, run_id: str) -> aftercall.Run:
    deadline = time.monotonic() + 60
    while not (run := client.run(run_id)).is_over:
        assert time.monotonic() < deadline, run
        time.sleep(0.01)
    return run


def test_a_conversation_is_run_and_its_state_comes_back_typed(client: Client) -> None:
    state = {
        "at": dt.datetime(2026, 1, 5, 10, tzinfo=ZoneInfo("Europe/Madrid")),
        "pair": (1, 2**70),
        "plain": {"$type": "not ours"},
    }
    said = [{"role": "user", "text": "Hello"}]
    accepted = client.send({"id": "typed", "started_at": dt.datetime.now(dt.UTC), "turns": said, "state": state})
    run = ended(client, accepted.run_id)
    assert run.succeeded and run.external_id == "typed" and run.project == "hello"
    assert run.metrics == [("CALLER_SPOKE", True)]
    assert run.state is not None and {**state, "first_words": "Hello"}.items() <= run.state.items()
    assert run.attempts[0]["logs"][0]["fields"] == {"turns": 1}
    assert run.accepted_at <= run.changed_at <= dt.datetime.now(dt.UTC)


def test_the_same_again_is_the_same_run_and_other_content_is_a_conflict(client: Client, server: Server) -> None:
    first = client.send({"id": "twice", "turns": [{"role": "user", "text": "a"}]})
    again = Client(server.url, server.key).send('{"turns": [{"text": "a", "role": "user"}],\n "id": "twice"}')
    assert (again.run_id, first.known, again.known) == (first.run_id, False, True)
    with pytest.raises(aftercall.ConversationConflict) as raised:
        client.send({"id": "twice", "turns": [{"role": "user", "text": "b"}]})
    conflict = raised.value
    assert (conflict.code, conflict.status, conflict.kept_run_id) == ("AC0103", 409, first.run_id)
    assert [(one.path, one.kept, one.sent) for one in conflict.differences] == [("/turns/0/text", "a", "b")]
    assert "another id" in conflict.fix


def test_refusals_are_typed_and_say_field_by_field(client: Client, server: Server) -> None:
    with pytest.raises(aftercall.InvalidConversation) as raised:
        client.send({"id": "x", "turns": [{"role": "bot", "text": 3}]})
    assert [error.path for error in raised.value.errors] == ["/turns/0/role", "/turns/0/text"]
    assert "/turns/0/text: found the number 3" in str(raised.value)
    with pytest.raises(aftercall.NotAllowed, match="AC0701"):
        Client(server.url).send({"id": "x"})
    with pytest.raises(aftercall.NotFound, match="AC0107"):
        Client(f"unix:{server.socket}", project="nobody").send({"id": "x"})
    with pytest.raises(aftercall.InvalidConversation, match="AC0104"):
        client.send({"id": "x", "turns": [{"role": "user", "text": "x" * 9_000_000}]})


def test_many_go_in_one_request_and_each_has_its_answer(client: Client) -> None:
    given: list[Any] = [{"id": f"many-{number}"} for number in range(600)]
    given[300] = {"id": "many-300", "direction": "sideways"}
    answers = client.send_many(given)
    refused = [position for position, one in enumerate(answers) if not isinstance(one, Accepted)]
    assert refused == [300] and isinstance(answers[300], aftercall.InvalidConversation)
    again = client.send_many(given[:300])
    assert [one.run_id for one in again if isinstance(one, Accepted) and one.known] == [
        one.run_id for one in answers[:300] if isinstance(one, Accepted)
    ]


def test_every_example_goes_as_text_and_as_values_alike(client: Client) -> None:
    texts = [path.read_text() for path in sorted((EXAMPLES / "conversations").glob("*.json"))]
    assert len(texts) > 15
    first = client.send_many(texts)
    again = client.send_many([json.loads(text) for text in texts])
    for text, one, other in zip(texts, first, again, strict=True):
        assert isinstance(one, Accepted) and isinstance(other, Accepted), text
        assert (other.known, other.run_id) == (True, one.run_id), text


def test_nothing_is_lost_or_run_twice_when_the_server_is_killed_in_between(client: Client, server: Server) -> None:
    sent: dict[str, str] = {}
    enough = threading.Event()

    def send_one_by_one() -> None:
        for number in range(10_000):
            accepted = client.send({"id": f"single-{number}"})
            sent[accepted.external_id] = accepted.run_id
            if enough.is_set():
                return

    async def send_together() -> list[Accepted]:
        async with AsyncClient(server.url, server.key, retry=PATIENT) as asking:
            accepted: list[Accepted] = []
            while not enough.is_set():
                names = [f"together-{len(accepted) + number}" for number in range(20)]
                accepted += await asyncio.gather(*(asking.send({"id": name}) for name in names))
            return accepted

    together: list[Accepted] = []
    threads = [
        threading.Thread(target=send_one_by_one),
        threading.Thread(target=lambda: together.extend(asyncio.run(send_together()))),
    ]
    for thread in threads:
        thread.start()
    for _ in range(3):
        count = len(sent)
        deadline = time.monotonic() + 60
        while len(sent) < count + 10:
            assert time.monotonic() < deadline and all(thread.is_alive() for thread in threads)
            time.sleep(0.01)
        server.kill()
        server.start()
    enough.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    sent |= {one.external_id: one.run_id for one in together}
    assert len(sent) > 50 and len(set(sent.values())) == len(sent)
    for name, run_id in sent.items():
        run = ended(client, run_id)
        assert run.succeeded and run.external_id == name
        assert client.send({"id": name}).run_id == run_id, "it was one run, whatever was sent again"
