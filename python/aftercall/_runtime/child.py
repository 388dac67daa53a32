"""A child: one start frame in, `end_function(conv)`, one result frame out.

Everything here runs some hundred times a second and costs page faults first: what it needs is imported, and what can
be made is made, in the zygote.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from json import JSONDecoder, JSONEncoder, loads
from time import monotonic_ns

from aftercall._runtime import capture, clock, frames, refusals
from aftercall._runtime.ending import end_gracefully, quiet_signals
from aftercall._runtime.exchange import Exchange
from aftercall._runtime.frames import Channel
from aftercall._runtime.http.effects import effects
from aftercall._runtime.http.errors import refusal_code
from aftercall._runtime.http.lanes import main_lane
from aftercall._runtime.limits import GRACE_S, MAX_PAYLOAD_OUT, MEMORY_RESERVE
from aftercall._runtime.project import ImportFailed
from aftercall._runtime.returned import is_awaitable, run_to_end, warn_of_unstarted
from aftercall._runtime.seeding import reseed
from aftercall._runtime.tracebacks import Places, error_document
from aftercall.conv.conversation import Conversation
from aftercall.conv.document import Run
from aftercall.conv.host import current
from aftercall.state import StateError, decode_state, encode_state, has_tags
from aftercall.texts import kind_name, safe_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from aftercall._runtime.cbor import Item
    from aftercall._runtime.project import LoadedProject
    from aftercall._runtime.tracebacks import ErrorDocument
    from aftercall.state.decode import Resolve

RETURNED, RAISED, UNREADY, REFUSED_INPUT, WRONG_VERSION = (
    "returned",
    "raised",
    "unready",
    "refused_input",
    "version",
)

#: SIGQUIT. Sent at the deadline, just before SIGKILL: the stacks that it writes tell where the function hung.
STACK_SIGNAL = 3
#: For state, which `encode_state` has made fit for JSON.
_STATE = JSONEncoder(ensure_ascii=False)
#: What `os.environ` reads. Setting a variable by `os.environ` itself would call `putenv` too, and cost a child 30 page
#: faults instead of some four; C code goes on with the relative path that the zygote has put there.
_ENVIRONMENT: dict[object, object] = os.environ._data  # type: ignore[attr-defined]


class Child:
    """What a forked process does. Made in the zygote; `run` is called after the fork and does not return."""

    def __init__(
        self,
        load: Callable[[], LoadedProject | None],
        places: Places,
        channel: Channel | None = None,
        defaults: dict[str, object] | None = None,
    ) -> None:
        self._load = load
        self._places = places
        #: What the project says of all its conversations.
        self._defaults = defaults or {}
        # `bytes` of zeros is address space that nobody has touched: it costs a fork no page.
        self._reserve: bytes | None = bytes(MEMORY_RESERVE)
        self._channel = channel or Channel()
        self._timing: dict[str, int] = {}

    def run(self) -> None:
        """Serves the one request of this process, then ends it."""
        status = 0
        try:
            self._serve()
        except (frames.ChannelClosed, BrokenPipeError):
            status = frames.EXIT_FAULT  # nobody is left to tell
        except BaseException as error:
            status = frames.EXIT_FAULT
            _tell_fault(error)
        finally:
            os._exit(status)

    def _serve(self) -> None:
        kind, start = self._channel.receive()
        if kind != frames.START:
            raise frames.FrameError(f"expected a start frame, not one of kind {kind}")
        if start.get(0) != frames.VERSION:
            message = f"the supervisor speaks version {start.get(0)} of the protocol, this runtime {frames.VERSION}"
            self._result(WRONG_VERSION, error=_plain_error("VersionMismatch", message))
            return
        gc.enable()  # off since before the imports, so that no collection touches what the zygote shares
        settings = parse(_bytes(start, 8))
        limits, grace = settings.get("limits"), settings.get("grace_s")
        current.host = host = capture.Entries(self._channel, limits if isinstance(limits, dict) else {})
        self._channel.know()
        effects.open(Exchange(self._channel))
        faulthandler.register(STACK_SIGNAL, 2, all_threads=True)  # type: ignore[attr-defined,unused-ignore]  # not on Windows
        reseed(_bytes(start, 6))
        clocks = settings.get("clocks")
        if isinstance(clocks, dict) and clocks:
            clock.know(clocks)
            clock.begin(main_lane.name, -clock.real_ns())
        _know_folder()
        if settings.get("canary"):
            self._canary()
            return
        loaded = self._loaded()
        if loaded is None:
            return
        host.find_function = loaded.find_function
        conv = self._conversation(start, loaded.find_class)
        if conv is not None:
            self._call(conv, loaded.function, grace if isinstance(grace, int | float) else GRACE_S)

    def rehearse(self, function: Callable[[Conversation], object]) -> None:
        """The way of an attempt, without what changes the process: see `aftercall._runtime.rehearsal`."""
        _, start = self._channel.receive()
        current.host = capture.Entries(self._channel, {})
        conv = self._conversation(start, lambda _name: None)
        assert conv is not None
        function(conv)
        self._finish(RETURNED, conv, None)

    def _canary(self) -> None:
        from aftercall._runtime.canary import attempts

        self._result(RETURNED, state=capture.json_bytes(attempts()))

    def _loaded(self) -> LoadedProject | None:
        try:
            loaded = self._load()
        except ImportFailed as failure:
            self._result(UNREADY, error={**failure.document, "code": failure.code})
            return None
        if loaded is None:
            self._result(UNREADY, error=_plain_error("NoProject", "this zygote has no project"))
        return loaded

    def _conversation(self, start: dict[int, Item], find_class: Resolve) -> Conversation | None:
        raw = _bytes(start, 5)
        try:
            document = parse(raw)
            state = document.get("state") or {}
            if type(state) is not dict:
                raise StateError("", f"state must be an object, not {type(state).__name__}")
            if has_tags(raw):
                state = decode_state(state, find_class, _warn_of_state)
        except StateError as error:
            path = f"/state{error.path}"
            self._result(REFUSED_INPUT, error={**_plain_error("StateError", f"{path}: {error.reason}"), "path": path})
            return None
        except (ValueError, RecursionError) as error:
            self._result(REFUSED_INPUT, error=_plain_error(type(error).__name__, f"not a conversation: {error}"))
            return None
        run = Run(str(start.get(1, "")), _int(start, 2), str(start.get(3, "")))
        return Conversation(document, state, str(start.get(4, "")), run, self._defaults)

    def _call(self, conv: Conversation, function: Callable[..., object], grace_s: float) -> None:
        returned: object = None
        raised: BaseException | None = None
        self._timing["started_at_ns"] = clock.real_ns()
        self._timing["started_ns"] = monotonic_ns()
        try:
            try:
                returned = function(conv)
                if returned is not None and is_awaitable(returned):
                    from aftercall._runtime import awaiting  # with asyncio: there already, if `end_function` is `async`

                    awaiting.tell_at(STACK_SIGNAL)
                    returned = run_to_end(returned)
            finally:
                quiet_signals()
        except BaseException as caught:  # SystemExit and KeyboardInterrupt are the user's here, as any other
            quiet_signals()  # once more: a timer may have struck on the way there
            raised = caught
        self._timing["returned_ns"] = monotonic_ns()
        outcome, error = RETURNED, None
        if raised is not None:
            self._reserve = None
            outcome, error = RAISED, self._describe(raised)
        elif returned is not None:
            warn_of_unstarted(returned)
        end_gracefully(grace_s, lambda: self._finish(outcome, conv, error), STACK_SIGNAL)

    def _describe(self, raised: BaseException) -> ErrorDocument:
        code = None
        try:
            code = "AC0305" if refusals.out_of_memory(raised) else refusal_code(raised)
            document = error_document(raised, self._places)
        except BaseException as second:  # memory, or an exception class that does as it likes when it is looked at
            document = _plain_error(kind_name(raised), f"(no traceback: {kind_name(second)} while it was written)")
        return {**document, "code": code} if code else document

    def _finish(self, outcome: str, conv: Conversation, error: ErrorDocument | None) -> None:
        capture.flush_streams()
        state: bytes | None = None
        try:
            state = _STATE.encode(encode_state(conv.state, _warn_of_value)).encode()
        except (StateError, RecursionError, MemoryError) as problem:
            if outcome == RETURNED:
                kind = "MemoryError" if isinstance(problem, MemoryError) else "StateError"
                outcome, error = RAISED, _plain_error(kind, f"conv.state cannot be kept: {problem}")
        self._result(outcome, state, conv._metrics, conv._actions, error)

    def _result(
        self,
        outcome: str,
        state: bytes | None = None,
        metrics: object = (),
        actions: object = (),
        error: ErrorDocument | None = None,
    ) -> None:
        parts: list[bytes | None] = [
            capture.json_bytes(metrics),
            capture.json_bytes(actions),
            None,
            capture.json_bytes(self._timing),
        ]
        if error is not None:
            parts[2] = capture.json_bytes(error)
        size = len(state or b"") + sum(len(part or b"") for part in parts)
        if size > MAX_PAYLOAD_OUT - 1024:
            names = dict(zip(("state", "metrics", "actions"), (state, parts[0], parts[1]), strict=True))
            told = ", ".join(f"{name} {len(part or b''):,} bytes" for name, part in names.items())
            message = f"the result is larger than {MAX_PAYLOAD_OUT:,} bytes: {told}"
            self._result(RAISED, error=_plain_error("ResultTooLarge", message))
            return
        if isinstance(current.host, capture.Entries):
            current.host.close()
        self._channel.check()
        self._channel.send(frames.RESULT, {0: outcome, 1: state, 2: parts[0], 3: parts[1], 4: parts[2], 5: parts[3]})


#: The scanner alone: `loads` looks for an encoding and for white space first, in six functions.
_scan: Callable[[str, int], tuple[object, int]] = JSONDecoder().scan_once  # type: ignore[attr-defined]


def parse(raw: bytes) -> dict[str, object]:
    """A JSON object. ValueError for anything else."""
    text = raw.decode()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        value, end = None, 0
    if end != len(text):
        value = loads(text)  # white space around it, or what is wrong, told
    if type(value) is not dict:
        raise ValueError(f"expected a JSON object, not {type(value).__name__}")
    return value


def _know_folder() -> None:
    """Makes the paths of the attempt's folder absolute: relative ones would mean another after `os.chdir`."""
    try:
        folder = os.getcwdb()
    except OSError:  # removed meanwhile: relative paths are as good
        return
    _ENVIRONMENT[b"TMPDIR"] = _ENVIRONMENT[b"HOME"] = folder
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:  # whichever it found at import cannot be written to
        tempfile.tempdir = os.fsdecode(folder)  # type: ignore[attr-defined]


def _warn_of_state(path: str, text: str) -> None:
    current.host.log("warning", f"conv.state{path}: {text}", False, "runtime", None)


def _warn_of_value(path: str, value: object, reason: str) -> None:
    text = f"conv.state{path}: a {kind_name(value)} cannot be kept ({reason}): its text stands in its place"
    current.host.log("warning", text, False, "runtime", None)


def _tell_fault(error: BaseException) -> None:
    """On the output, since there is no result: what went wrong, and where in the runtime."""
    frame, places = error.__traceback__, []
    while frame is not None:
        places.append(f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}")
        frame = frame.tb_next
    text = f"aftercall child: {type(error).__name__}: {safe_str(error)} ({' > '.join(places)})\n"
    os.write(2, text.encode("utf-8", "backslashreplace"))


def _plain_error(kind: str, message: str) -> ErrorDocument:
    return {"type": kind, "message": message, "traceback": f"{kind}: {message}", "frames": [], "cause": None}


def _bytes(payload: dict[int, Item], key: int) -> bytes:
    value = payload.get(key)
    if not isinstance(value, bytes):
        raise frames.FrameError(f"member {key} of a start frame is bytes")
    return value


def _int(payload: dict[int, Item], key: int) -> int:
    value = payload.get(key)
    return value if isinstance(value, int) else 0
