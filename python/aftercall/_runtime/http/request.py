"""The bytes that a library writes for a request, gathered until it is whole."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error

from aftercall._runtime.http.errors import EffectRefused
from aftercall._runtime.limits import MIB

#: Bytes of one request's body, after which it is refused here.
MAX_BODY = 8 * MIB
#: Bytes of its first line and headers.
MAX_HEAD = 1 * MIB
#: What chunks of a body may add: sizes and line ends, some of chunks of a byte each.
_MAX_FRAMING = 8 * MIB

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DEFAULT_PORTS = {"http": 80, "https": 443}

Headers = list[tuple[str, str]]


class Origin:
    """Where a connection leads, and what its library wants of it."""

    __slots__ = ("bundles", "certificate", "host", "port", "proxy", "scheme", "usual", "verify")

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.proxy: str | None = None
        self.verify = True
        #: Whether the usual authorities are believed, and which bundles beside them, or alone.
        self.usual = True
        self.bundles: tuple[str, ...] = ()
        self.certificate: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        authority = host if self.port == _DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"
        return f"{self.scheme}://{authority}"


class Request:
    """One request: `add` bytes until it is `whole`."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._head_ends = -1
        self._length = 0
        self._chunked = False
        self._chunk_at = 0
        self._parts: list[bytes] = []
        self._gathered = 0
        self.method = ""
        self.target = ""
        self.headers: Headers = []
        #: The library waits for `100 Continue` before it sends the body.
        self.expects_continue = False
        self.whole = False

    def __bool__(self) -> bool:
        """Whether anything was written."""
        return bool(self._bytes)

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """More bytes. `EffectRefused` when they are too many."""
        self._bytes += data
        if self._head_ends < 0:
            end = self._bytes.find(b"\r\n\r\n")
            if end < 0:
                if len(self._bytes) > MAX_HEAD:
                    raise EffectRefused(f"a request whose headers exceed {MAX_HEAD:,} bytes", "AC0402")
                return
            self._head_ends = self._chunk_at = end + 4
            self._read_head(bytes(self._bytes[:end]))
        size = len(self._bytes) - self._head_ends
        if size > MAX_BODY + (_MAX_FRAMING if self._chunked else 0) or self._gathered > MAX_BODY:
            raise EffectRefused(f"a request of more than {MAX_BODY:,} bytes", "AC0402")
        self.whole = self._chunks_end() if self._chunked else size >= self._length
        if size:
            self.expects_continue = False

    def body(self) -> bytes:
        """The whole body, without the framing of chunks."""
        if self._chunked:
            return b"".join(self._parts)
        return bytes(self._bytes[self._head_ends : self._head_ends + self._length])

    def url(self, origin: Origin) -> str:
        """The absolute URL. As a proxy is asked, the target is one already."""
        if self.target.startswith(("http://", "https://")):
            return self.target
        return f"{origin}{self.target}"

    def proxy(self, origin: Origin) -> str | None:
        """The proxy's URL, where the connection leads to one."""
        if origin.proxy is not None:
            return origin.proxy
        if self.target.startswith("/") or self.url(origin).startswith(f"{origin}/"):
            return None
        return proxy_url(origin.scheme, origin.host, origin.port, self.headers)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, _, rest = first.partition(" ")
        self.target = rest.rpartition(" ")[0]
        for line in lines:
            name, _, value = line.partition(":")
            value, lower = value.strip(), name.lower()
            if lower == "transfer-encoding" and "chunked" in value.lower():
                self._chunked = True
            elif lower == "expect" and value.lower() == "100-continue":
                self.expects_continue = True
            else:
                if lower == "content-length" and value.isdecimal():
                    self._length = int(value)
                self.headers.append((name, value))

    def _chunks_end(self) -> bool:
        """Takes the chunks that are there whole; True after the last."""
        data = self._bytes
        while (line_ends := data.find(b"\r\n", self._chunk_at)) >= 0:
            try:
                size = int(bytes(data[self._chunk_at : line_ends]).partition(b";")[0], 16)
            except ValueError:
                raise EffectRefused("a request whose chunks are malformed") from None
            begins = line_ends + 2
            if size == 0:  # trailers may follow, to an empty line
                return data.find(b"\r\n\r\n", line_ends) >= 0
            if len(data) < begins + size + 2:
                return False
            self._parts.append(bytes(data[begins : begins + size]))
            self._gathered += size
            self._chunk_at = begins + size + 2
        return False


def proxy_url(scheme: str, host: str, port: int, headers: Headers) -> str:
    """A proxy's URL, with the user and password that a library puts into `Proxy-Authorization`."""
    user = ""
    for name, value in headers:
        kind, _, token = value.partition(" ")
        if name.lower() == "proxy-authorization" and kind.lower() == "basic":
            try:
                user = b64decode(token).decode("latin-1") + "@"
            except Base64Error:
                user = ""
    return str(Origin(scheme, host, port)).replace("://", f"://{user}", 1)
