"""An answer's frames as the bytes of an HTTP/1.1 response, as the library under it reads them from a connection."""

from __future__ import annotations

from json import loads

from aftercall._runtime.exchange import Answer
from aftercall._runtime.http.errors import NOT_HTTP, Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall._runtime.exchange import Chunk

_RUBBISH = b"this is not HTTP\r\n\r\n"


class Response:
    """One response: `take` its frames in turn, and hand out the bytes."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._chunked = False
        self._phase = "unknown"
        #: Whether all of it was taken.
        self.ended = False
        #: What comes after the bytes, if it is not just their end.
        self.trouble: Trouble | None = None
        #: Whether its end can be told from its headers; else the connection must end with it.
        self.delimited = True

    def take(self, frame: Answer | Chunk) -> bytes:
        """The bytes of one frame."""
        self.ended = frame.last
        if type(frame) is not Answer:
            if frame.trouble is not None:
                self.trouble = Trouble(frame.trouble, self._phase, None, None)
            return self._body(frame.body)
        self._phase = frame.phase
        if frame.response is None:
            self.ended = True
            self.trouble = Trouble(frame.trouble, frame.phase, frame.code, frame.message)
            return _RUBBISH if self.trouble.word == NOT_HTTP else b""
        if frame.trouble is not None:  # an answer that broke off
            self.ended = True
            self.trouble = Trouble(frame.trouble, frame.phase, frame.code, frame.message)
        return self._head(loads(frame.response)) + self._body(frame.body)

    def _head(self, response: dict[str, object]) -> bytes:
        headers: list[list[str]] = response.get("headers") or []  # type: ignore[assignment]
        status = response["status"]
        lines = [f"HTTP/1.1 {status} {response.get('reason') or ''}"]
        if response.get("version") == "HTTP/1.0":
            lines[0] = lines[0].replace("1.1", "1.0", 1)
        has_body = not (self._method == "HEAD" or status in (204, 304))
        self.delimited = not has_body
        for name, value in headers:
            lines.append(f"{name}: {value}")
            lower = name.lower()
            if lower == "transfer-encoding" and has_body:
                self._chunked = self.delimited = "chunked" in value.lower()
            elif lower == "content-length":
                self.delimited = True
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"

    def _body(self, data: bytes) -> bytes:
        if not self._chunked:
            return data
        # Each frame is a chunk: code that reads chunk by chunk meets the boundaries that were recorded.
        framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return framed + b"0\r\n\r\n" if self.ended and self.trouble is None else framed
