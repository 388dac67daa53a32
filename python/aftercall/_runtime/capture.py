"""What user code prints and logs, as log frames.

The streams are put in place in the zygote, before the project is imported, so that handlers which keep a stream
(`logging.basicConfig` at import) keep one that works in the child. Until a child has `Entries` for its host
they pass everything on to the zygote's own output.
"""

from __future__ import annotations

import io
import os
import sys
from _thread import RLock
from json import JSONEncoder
from time import time_ns

from aftercall._runtime import frames
from aftercall._runtime.limits import LOG_BYTES, LOG_ENTRIES, MAX_LOG_FIELDS, MAX_LOG_TEXT
from aftercall.conv.host import Host, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

#: Characters that a line without an end may have before it is written as an entry of its own.
MAX_LINE = 32 * 1024
#: Levels of data that are kept as they are when some of it cannot be JSON.
MAX_CLEANED_DEPTH = 16


def cut(text: str, limit: int) -> str:
    """`text` with at most `limit` bytes of UTF-8; what is cut off is said."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return text
    kept = data[: limit - 64].decode("utf-8", "ignore")
    return f"{kept}… [{len(data) - limit + 64:,} more bytes were cut off]"


def _repr(value: object) -> str:
    from aftercall.state.encode import safe_repr

    return safe_repr(value)


#: Made once: `json.dumps` with arguments makes an encoder for each call.
_plain = JSONEncoder(ensure_ascii=False)
_strict = JSONEncoder(ensure_ascii=False, allow_nan=False, default=_repr)


def json_bytes(value: object) -> bytes:
    """`value` as JSON in UTF-8; what JSON lacks as its `repr`. Never an exception: a run must not end of it."""
    try:
        text = _strict.encode(value)
    except (ValueError, TypeError, RecursionError):  # nan, a circle, a key that is no text
        text = _plain.encode(_cleaned(value, 0))
    return text.encode("utf-8", "replace")


def _cleaned(value: object, depth: int) -> object:
    if depth < MAX_CLEANED_DEPTH:
        if isinstance(value, dict):
            return {key if type(key) is str else _repr(key): _cleaned(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [_cleaned(item, depth + 1) for item in value]
    finite = isinstance(value, float) and value - value == 0.0
    return value if value is None or finite or isinstance(value, str | bool | int) else _repr(value)


def fields_json(fields: dict[str, object]) -> bytes:
    """Fields as JSON; too large ones as the beginning of their text."""
    data = json_bytes(fields)
    if len(data) > MAX_LOG_FIELDS:
        data = json_bytes({"truncated": cut(data.decode("utf-8", "replace"), MAX_LOG_FIELDS // 2)})
    return data


class Entries(Host):
    """The run's log: entries become frames, up to the limits of the attempt."""

    def __init__(self, channel: frames.Channel, limits: dict[str, object]) -> None:
        self._channel = channel
        entries, size = limits.get("log_entries"), limits.get("log_bytes")
        self._entries = self._max_entries = entries if isinstance(entries, int) else LOG_ENTRIES
        self._bytes = self._max_bytes = size if isinstance(size, int) else LOG_BYTES
        self._full = False

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        """Sends one entry. The first one past a limit is replaced by one that says so; later ones are dropped."""
        if self._full:
            return
        if len(content) * 4 > MAX_LOG_TEXT:
            content = cut(content, MAX_LOG_TEXT)
        data = fields_json(fields) if fields else None
        self._entries -= 1
        self._bytes -= len(content) + (len(data) if data else 0)
        if self._entries < 0 or self._bytes < 0:
            self._full = True
            level, is_pii, logger, data = "warning", False, "runtime", None
            content = (
                f"log limit reached ({self._max_entries:,} entries, {self._max_bytes:,} bytes per attempt): "
                "later entries are not kept"
            )
        self._channel.send(frames.LOG, {0: level, 1: content, 2: is_pii, 3: time_ns(), 4: logger, 5: data})


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr`: each line becomes an entry; what has no end yet, when it is flushed."""

    def __init__(self, level: str, fd: int) -> None:
        super().__init__()
        self._level = level
        self._fd = fd
        self._partial = ""
        self._lock = RLock()  # what a lost race leaves out here would be the user's line
        self.buffer = _Bytes(self)

    encoding = "utf-8"
    errors = "backslashreplace"

    @property
    def name(self) -> str:
        """As the interpreter names its own streams."""
        return f"<{self._level}>"

    def writable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The pipe that native code prints to."""
        return self._fd

    def write(self, text: str) -> int:
        """Takes `text`; complete lines are written down at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not isinstance(current.host, Entries):
            os.write(self._fd, text.encode("utf-8", "backslashreplace"))
            return len(text)
        with self._lock:
            *lines, partial = (self._partial + text).split("\n")
            self._partial = ""
            for line in lines:
                self._entry(line)
            while len(partial) > MAX_LINE:
                self._entry(partial[:MAX_LINE])
                partial = partial[MAX_LINE:]
            self._partial = partial
        return len(text)

    def flush(self) -> None:
        """Writes down a line that has not ended yet."""
        with self._lock:
            if self._partial:
                partial, self._partial = self._partial, ""
                self._entry(partial)

    def _entry(self, line: str) -> None:
        current.host.log(self._level, line, False, "print", None)


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        raw = bytes(data)
        self._stream.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)

    def fileno(self) -> int:
        return self._stream.fileno()


stdout = Stream("stdout", 1)
stderr = Stream("stderr", 2)


def install() -> None:
    """Puts the streams in place (in the zygote)."""
    sys.stdout = sys.__stdout__ = stdout  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = stderr  # type: ignore[misc,assignment]


def flush_streams() -> None:
    """Writes down lines that have not ended."""
    if stdout._partial:
        stdout.flush()
    if stderr._partial:
        stderr.flush()


def logging_imported(module: object) -> None:
    """Called once `logging` is imported: what nobody handles goes to the run's log, with level and logger.

    Only `lastResort` is replaced. A handler on the root would turn the user's `basicConfig` into nothing.
    """
    handler: Callable[..., object] = module.Handler  # type: ignore[attr-defined]

    class ToRun(handler):  # type: ignore[misc,valid-type]
        def emit(self, record: object) -> None:
            level = str(record.levelname).lower()  # type: ignore[attr-defined]
            level = "error" if level == "critical" else level if level in ("debug", "info", "warning") else "error"
            text = self.format(record)
            current.host.log(level, text, False, "logging", {"logger": record.name})  # type: ignore[attr-defined]

    module.lastResort = ToRun(module.WARNING)  # type: ignore[attr-defined]
