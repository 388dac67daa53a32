"""Read by mypy, not run: what users write, and (behind `type: ignore`) mistakes that have to be found."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

import aftercall
from aftercall import testing


def send(url: str, key: str) -> str:
    with aftercall.Client(url, key, project="front-desk", retry=aftercall.Retry(patience_s=5)) as client:
        try:
            accepted = client.send({"id": "1", "started_at": dt.datetime.now(dt.UTC), "state": {"size": 4}})
        except aftercall.ConversationConflict as conflict:
            return ", ".join(difference.path for difference in conflict.differences)
        except aftercall.ServerBusy as busy:
            return str(busy.retry_after_s)
        run: aftercall.Run = client.run(accepted.run_id)
        for one in client.send_many([{"id": "2"}, '{"id": "3"}']):
            if isinstance(one, aftercall.Accepted):
                print(one.run_id)
            else:
                raise one
        return run.metrics[0].name if run.is_over else accepted.status


async def send_later() -> aftercall.Accepted:
    async with aftercall.AsyncClient() as client:
        return await client.send(b'{"id": "4"}')


class Chat(Protocol):
    @property
    def messages(self) -> list[object]: ...


class Session(Protocol):
    @property
    def history(self) -> object: ...


def adapt(context: Chat, session: Session) -> aftercall.ConversationDocument:
    aftercall.from_pipecat(context)  # type: ignore[call-arg]  # it has no id
    aftercall.from_pipecat(context, id="1", started=1)  # type: ignore[call-arg]  # there is no such field
    aftercall.from_livekit("session")  # type: ignore[arg-type]
    return aftercall.from_livekit(session, id="5", caller_number="+15550101001", direction="inbound")


def test_refund() -> None:
    conversation = testing.conversation(turns=[("user", "Hello")], metrics={"INTENT": "refund"})
    result = testing.run(lambda conv: None, conversation, secrets={"crm": "token"}, llm=["yes"])
    result.raise_for_error()
    assert result.metrics == [("INTENT", "refund")] and result.logged("error") == []
    testing.conversation(turns=["Hello"])  # type: ignore[list-item]
    aftercall.Client(timeout="1")  # type: ignore[call-arg]
