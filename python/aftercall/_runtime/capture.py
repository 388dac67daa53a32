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

from aftercall._runtime import frames
from aftercall._runtime.clock import real_ns
from aftercall._runtime.limits import (
    DROPPED_NOTICE,
    ENTRY_COST,
    LOG_BYTES,
    LOG_ENTRIES,
    MAX_LOG_FIELDS,
    MAX_LOG_TEXT,
    MAX_PAYLOAD_OUT,
)
from aftercall.conv.host import Host, current
from aftercall.conv.jsonable import Limits, json_text, jsonable
from aftercall.texts import safe_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

#: Characters of a printed line in one entry, so that they fit in whatever bytes they have; the rest are further ones.
MAX_LINE = MAX_LOG_TEXT // 4
#: Characters that are taken at once from what is printed.
MAX_WRITE = 1024 * 1024
#: Values of one log entry's fields that are looked at: its bytes have no room for more.
_FIELD_LIMITS = Limits(values=4_000, text=MAX_LOG_FIELDS)
#: For what is not made of plain data after all: the supervisor takes no more than this in one result anyway.
_RESULT_LIMITS = Limits(values=1_000_000, text=MAX_PAYLOAD_OUT)
#: Fields of one entry that are shown when all of them together are too large.
MAX_CUT_FIELDS = 64


def cut(text: str, limit: int) -> str:
    """`text` with at most `limit` bytes of UTF-8; what is cut off is said."""
    data = text[:limit].encode("utf-8", "backslashreplace")
    if len(text) <= limit and len(data) <= limit:
        return text
    kept = data[: limit - 64].decode("utf-8", "ignore")
    return f"{kept}… [{max(1, len(text) - len(kept)):,} more characters were cut off]"


def json_bytes(value: object) -> bytes:
    """Data of the runtime's own as JSON in UTF-8. Never an exception, should user code have got hold of it."""
    try:
        return json_text(value).encode()
    except Exception:
        return json_text(jsonable(value, _RESULT_LIMITS)).encode()


def fields_json(fields: dict[str, object]) -> bytes:
    """A log entry's fields as JSON. Where they are too large together, the largest are cut and the others kept."""
    kept = jsonable(fields, _FIELD_LIMITS)
    data = json_text(kept).encode()
    if len(data) > MAX_LOG_FIELDS and isinstance(kept, dict):
        data = _cut_fields(kept)
    return data


def _cut_fields(fields: dict[str, object]) -> bytes:
    """Room is given to the small ones first; each gets at least its share, as JSON or as the beginning of it."""
    texts = {name: json_text(value) for name, value in fields.items()}
    names = sorted(list(texts)[:MAX_CUT_FIELDS], key=lambda name: len(texts[name]))
    left = MAX_LOG_FIELDS - 64
    cut_texts: dict[str, str] = {}
    for index, name in enumerate(names):
        around = len(json_text(name).encode()) + 3
        share = left // (len(names) - index) - around
        text = texts[name]
        limit = share
        while len(text.encode()) > share and limit > 64:
            value = fields[name]
            text = json_text(cut(value if isinstance(value, str) else texts[name], limit))
            limit //= 2
        cut_texts[name] = text if len(text.encode()) <= share else '"…"'
        left -= around + len(cut_texts[name].encode())
    parts = [f"{json_text(name)}: {cut_texts[name]}" for name in texts if name in cut_texts]
    if len(names) < len(texts):
        parts.append(f'"…": "{len(texts) - len(names):,} more fields were left out"')
    return f"{{{', '.join(parts)}}}".encode()


class Entries(Host):
    """The run's log: entries become frames, up to the limits of the attempt."""

    def __init__(self, channel: frames.Channel, limits: dict[str, object]) -> None:
        self._channel = channel
        entries, size = limits.get("log_entries"), limits.get("log_bytes")
        self._entries = self._max_entries = entries if isinstance(entries, int) else LOG_ENTRIES
        self._bytes = self._max_bytes = size if isinstance(size, int) else LOG_BYTES
        self._full = False
        self._left_out = 0
        self._untold = 0

    def log(self, level: str, content: str, is_pii: bool, logger: str, fields: dict[str, object] | None) -> None:
        """Sends one entry. The first one past a limit is replaced by one that says so; later ones are counted."""
        if self._full:
            self._leave_out(content)
            return
        if len(content) * 4 > MAX_LOG_TEXT:
            content = cut(content, MAX_LOG_TEXT)
        data = fields_json(fields) if fields else None
        self._entries -= 1
        self._bytes -= len(content) + (len(data) if data else 0)
        if self._entries < 0 or self._bytes < 0:
            self._full = True
            self._left_out = 1
            level, is_pii, logger, data = "warning", False, "runtime", None
            content = (
                f"log limit reached ({self._max_entries:,} entries, {self._max_bytes:,} bytes per attempt): "
                "later entries are not kept"
            )
        self._send(level, content, is_pii, logger, data)

    def _leave_out(self, content: str) -> None:
        """Counts an entry. Of how much it has come to the supervisor is told now and then, which ends a flood."""
        self._left_out += 1
        self._untold += len(content) + ENTRY_COST
        if self._untold >= DROPPED_NOTICE:
            bytes_, self._untold = self._untold, 0
            self._channel.send(frames.DROPPED, {0: bytes_})

    def close(self) -> None:
        """At the end, when it is known: how many entries were left out."""
        if self._full:
            text = f"log limit reached: {self._left_out:,} entries were left out"
            self._send("warning", text, False, "runtime", None)

    def _send(self, level: str, content: str, is_pii: bool, logger: str, data: bytes | None) -> None:
        self._channel.send(frames.LOG, {0: level, 1: content, 2: is_pii, 3: real_ns(), 4: logger, 5: data})


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
            for start in range(0, len(text), MAX_WRITE):  # a text of any size, without a second one of that size
                self._take(text[start : start + MAX_WRITE])
        return len(text)

    def _take(self, text: str) -> None:
        *lines, partial = (self._partial + text).split("\n")
        self._partial = ""
        for line in lines:
            self._entry(self._rest(line))
        self._partial = self._rest(partial)

    def _rest(self, line: str) -> str:
        """Writes down all of a long line but what fits in one entry."""
        start = 0
        while len(line) - start > MAX_LINE:
            self._entry(line[start : start + MAX_LINE])
            start += MAX_LINE
        return line[start:] if start else line

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
            try:
                text = self.format(record)
            except Exception as error:  # `logging.warning("%d", "x")`: as elsewhere, no reason for the caller to end
                text = f"{safe_str(record.msg)} [not formatted: {type(error).__name__}: {safe_str(error)}]"  # type: ignore[attr-defined]
            current.host.log(level, text, False, "logging", {"logger": record.name})  # type: ignore[attr-defined]

    module.lastResort = ToRun(module.WARNING)  # type: ignore[attr-defined]
