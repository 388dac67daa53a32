"""Calling an end function as a run does: the same `conv`, state that went over the wire, and all that it left."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aftercall._runtime.capture import cut, fields_json, json_bytes
from aftercall._runtime.limits import MAX_LOG_TEXT, MAX_PAYLOAD_OUT
from aftercall._runtime.project import NO_YIELD, yields
from aftercall._runtime.returned import is_awaitable, run_to_end, warn_of_unstarted
from aftercall.client.answers import Metric
from aftercall.client.document import Sendable, document_text
from aftercall.conv.conversation import Conversation
from aftercall.conv.document import Run
from aftercall.conv.host import Host, current
from aftercall.state import StateError, decode_state, encode_state
from aftercall.testing import rules
from aftercall.testing.answers import Answers, Llm, answering
from aftercall.texts import kind_name

#: One process runs one conversation at a time: the log's host is the process's own.
_turn = threading.RLock()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry on the run."""

    #: `info`, `warning`, `error`, `debug`, or `stdout` and `stderr` for what was printed.
    level: str
    content: str
    is_pii: bool = False
    #: `conversation_logger` (`conv.log`), `plog`, `print`, `logging`, or `runtime` for what Aftercall itself says.
    logger: str = "conversation_logger"
    #: As they are kept: plain data, other values as their `repr`.
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What an end function left, and how it ended."""

    #: `conv.state` as it left it, and as it is kept: what cannot be is its text there, with a warning in `logs`.
    state: dict[str, Any]
    logs: list[LogEntry]
    #: In order; each equals a pair: `result.metrics == [("RESOLVED", True)]`.
    metrics: list[Metric]
    #: What it queued, in order: `{"kind": "sms", "to": …}`.
    actions: list[dict[str, Any]]
    #: What it raised, or None. A result that is too large, or state that is no dict, is an error too, as on a server.
    error: BaseException | None
    #: The object that it was called with.
    conv: Conversation = field(repr=False)

    def raise_for_error(self) -> Result:
        """Raises what the function raised; else gives the result back: `run(…).raise_for_error()`."""
        if self.error is not None:
            raise self.error
        return self

    def logged(self, level: str | None = None) -> list[str]:
        """The texts of the log, or of one level of it."""
        return [entry.content for entry in self.logs if level in (None, entry.level)]


def run(
    end_function: Callable[..., Any],
    conversation: Sendable,
    *,
    environment: str | None = None,
    attempt: int = 1,
    llm: Llm | None = None,
    llm_calls: int | None = None,
    secrets: Mapping[str, Any] | None = None,
    api: Mapping[str, Any] | None = None,
) -> Result:
    """Calls `end_function` with `conversation`, and tells what it did.

    The conversation goes the whole way, as JSON, so that the function meets exactly what it would on a server; classes
    in its state are those of the active project (`project`), else of any module that is loaded. `llm`, `secrets` and
    `api` are what `prompt_llm`, `get_secret` and `conv.api` answer (`Answers`); past `llm_calls` prompts, if that is
    given, `prompt_llm` raises `PromptLLMCallLimitError`. What the function raises is the
    result's `error`; only KeyboardInterrupt and a conversation that cannot be read are raised. Requests are not held
    back here.
    """
    document: dict[str, Any] = json.loads(document_text(conversation))
    host = _Recorder()
    tested = rules.active()
    host.find_function = tested.find_function if tested is not None else None
    host.find_own_class = tested.find_class if tested is not None else _loaded_class
    state: dict[str, Any] = decode_state(document.get("state") or {}, host.find_own_class, host.warn_of_state)
    env = environment or document.get("environment") or "sandbox"
    defaults = tested.defaults if tested is not None else {}
    conv = Conversation(document, state, str(env).replace("_", "-"), Run("test-run", attempt, "test"), defaults)
    with ExitStack() as surroundings:
        surroundings.enter_context(_turn)
        surroundings.enter_context(_hosted(host))
        surroundings.enter_context(answering(Answers(llm, secrets or {}, api or {}, llm_calls)))
        error = _call(end_function, conv)
        state, error = _kept(conv, host, error)
    metrics = [Metric(metric["name"], metric["value"]) for metric in conv.metrics_queue]  # type: ignore[arg-type]
    return Result(state, host.entries, metrics, list(conv._actions), error, conv)


def _call(end_function: Callable[..., Any], conv: Conversation) -> BaseException | None:
    try:
        if yields(end_function):
            raise TypeError(f"end_function contains `yield`, and is refused when it is deployed. {NO_YIELD}")
        returned = end_function(conv)
        if is_awaitable(returned) and _is_in_event_loop():
            returned = _in_thread(lambda: run_to_end(returned))
        else:
            returned = run_to_end(returned)
        if returned is not None:
            warn_of_unstarted(returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None


def _kept(
    conv: Conversation, host: _Recorder, error: BaseException | None
) -> tuple[dict[str, Any], BaseException | None]:
    """State as a server keeps it, and the run's error where it cannot be kept, or is too large with all else."""
    state: object = conv.state
    try:
        if not isinstance(state, dict):
            raise StateError("", f"conv.state was replaced by a {kind_name(state)}")
        written = encode_state(state, host.warn_of_value)
        sizes = {
            name: len(json_bytes(part))
            for name, part in (("state", written), ("metrics", conv._metrics), ("actions", conv._actions))
        }
        if sum(sizes.values()) > MAX_PAYLOAD_OUT - 1024:
            told = ", ".join(f"{name} {size:,} bytes" for name, size in sizes.items())
            raise ValueError(f"the result is larger than {MAX_PAYLOAD_OUT:,} bytes: {told}")
    except (StateError, RecursionError, MemoryError, ValueError) as problem:
        return conv.state, error or problem
    if not host.has_stand_ins:
        return conv.state, error
    return decode_state(written, host.find_own_class, lambda _path, _text: None), error


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(work: Callable[[], object]) -> object:
    """For a test that runs in an event loop itself: a second one needs a thread of its own."""
    done: list[object] = []
    failed: list[BaseException] = []

    def do() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=do, name="end_function")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _loaded_class(name: str) -> type | None:
    """Without a project: the class of that name of a module that is loaded."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found: object = sys.modules.get(".".join(parts[:length]))
        for part in parts[length:]:
            found = getattr(found, part, None)
        if isinstance(found, type):
            return found
    return None


class _Recorder(Host):
    """Keeps the run's entries as a server keeps them."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        #: How classes in state are found.
        self.find_own_class: Callable[[str], type | None] = _loaded_class
        #: Whether a value of state was replaced by its text.
        self.has_stand_ins = False

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        """Keeps one entry."""
        kept = json.loads(fields_json(fields)) if fields else {}
        self.entries.append(LogEntry(level, cut(content, MAX_LOG_TEXT), is_pii, logger, kept))

    def warn_of_state(self, path: str, text: str) -> None:
        """State that was read otherwise than it was written."""
        self.log("warning", f"conv.state{path}: {text}", False, "runtime", None)

    def warn_of_value(self, path: str, value: object, reason: str) -> None:
        """A value that cannot be kept."""
        self.has_stand_ins = True
        text = f"a {kind_name(value)} cannot be kept ({reason}): its text stands in its place"
        self.warn_of_state(path, text)


@contextmanager
def _hosted(host: _Recorder) -> Iterator[None]:
    """Entries go to `host`: what is logged, and beside their usual ways what is printed and what `logging` warns of."""
    handler = _ToRun(host)
    before, out, err = current.host, sys.stdout, sys.stderr
    tees = _Tee(host, "stdout", out), _Tee(host, "stderr", err)
    current.host = host
    sys.stdout, sys.stderr = tees
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        for tee in tees:
            tee.end_line()
        logging.getLogger().removeHandler(handler)
        current.host, sys.stdout, sys.stderr = before, out, err


class _ToRun(logging.Handler):
    def __init__(self, host: _Recorder) -> None:
        super().__init__(logging.WARNING)
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        level = "warning" if record.levelno < logging.ERROR else "error"
        try:
            text = self.format(record)
        except Exception as error:  # `logging.warning("%d", "x")`: no reason for the caller to end
            text = f"{record.msg} [not formatted: {type(error).__name__}: {error}]"
        self._host.log(level, text, False, "logging", {"logger": record.name})


class _Tee:
    """A stream whose lines become entries too."""

    def __init__(self, host: _Recorder, level: str, stream: Any) -> None:
        self._host = host
        self._level = level
        self._stream = stream
        self._partial = ""

    def write(self, text: str) -> int:
        self._stream.write(text)
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._host.log(self._level, line, False, "print", None)
        return len(text)

    def end_line(self) -> None:
        if self._partial:
            self._host.log(self._level, self._partial, False, "print", None)
            self._partial = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
