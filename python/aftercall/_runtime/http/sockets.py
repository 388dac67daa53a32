"""What a connection of `http.client` takes for its socket. `urllib3`, `requests`, `botocore` and others stand on it."""

from __future__ import annotations

import io
import os
import socket
from weakref import ref

from aftercall._runtime.http import tls
from aftercall._runtime.http.effects import Reply, effects
from aftercall._runtime.http.errors import CLOSED, NOT_HTTP, Trouble
from aftercall._runtime.http.request import CONTINUE, Origin, Request, proxy_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from _typeshed import ReadableBuffer, WriteableBuffer


class EffectSocket:
    """One connection: requests one after the other, each with its response.

    A request is asked for when it is whole. Libraries that tell apart what fails while connecting find it there:
    `http.client` connects, at the earliest, when it sends.
    """

    asks_when_whole = True

    def __init__(self, connection: object, origin: Origin) -> None:
        self._connection = ref(connection)
        self._origin = origin
        self._request = Request()
        self._reply: Reply | None = None
        self._first = b""
        self._connect: float | None = None
        self._read: float | None = None
        self.settimeout(getattr(connection, "timeout", None))

    def sendall(self, data: ReadableBuffer, _flags: int = 0) -> None:
        """Gathers a part of the request."""
        if not self._request:
            self._connect = _seconds(getattr(self._connection(), "timeout", None))
        self._request.add(data)  # type: ignore[arg-type]
        if self.asks_when_whole and self._request.whole:
            self._ask()

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """As `sendall`: all of it is taken."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def _ask(self) -> None:
        request, self._request = self._request, Request()
        self._reply = reply = effects.begin(request, self._origin, self._connect, self._read)
        self._first = reply.wait()
        trouble = reply.response.trouble
        if trouble is not None and trouble.connecting:
            self._reply = None
            raise self.connect_error(trouble, reply.what)

    def connect_error(self, trouble: Trouble, what: str) -> Exception:
        """What the library raises if it does not come to a connection."""
        return trouble.error(what)

    def take_reply(self) -> tuple[Reply, bytes]:
        """The reply to the request, for whoever reads it, and its first bytes."""
        if self._reply is None:
            self._ask()
        reply, first = self._reply, self._first
        assert reply is not None
        self._reply, self._first = None, b""
        return reply, first

    def makefile(self, _mode: str = "r", _buffering: int | None = None, **_text: object) -> io.BufferedIOBase:
        """The response, from its first byte to its last."""
        if self._request.expects_continue and not self._request.whole:
            self._request.expects_continue = False
            return io.BytesIO(CONTINUE)
        return io.BufferedReader(_Incoming(self))

    def settimeout(self, timeout: object) -> None:
        """The library's time-out for what is read next. It is sent along; nothing here has a clock."""
        self._read = _seconds(timeout)

    def gettimeout(self) -> float | None:
        """As it was set."""
        return self._read

    def fileno(self) -> int:
        """A descriptor to wait at: readable while the library is owed `100 Continue`, else never."""
        return _ready_to_read(self._request.expects_continue and not self._request.whole)

    def getpeername(self) -> tuple[str, int]:
        """Where it leads, by name."""
        return self._origin.host, self._origin.port

    def getsockname(self) -> tuple[str, int]:
        """Nothing here has an address."""
        return "127.0.0.1", 0

    def setsockopt(self, *_args: object) -> None:
        """Taken and not used: there is no socket."""

    def close(self) -> None:
        """Whoever reads a response reads on, as outside."""

    def shutdown(self, _how: int) -> None:
        """Nothing is open."""


class _Incoming(io.RawIOBase):
    """The bytes of a response. It is asked for when the first is read: the read time-out stands only then."""

    def __init__(self, source: EffectSocket) -> None:
        super().__init__()
        self._source: EffectSocket | None = source
        self._reply: Reply | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            if self._source is not None:
                source, self._source = self._source, None
                self._reply, first = source.take_reply()
                self._rest = memoryview(first)
                continue
            reply = self._reply
            if reply is None:
                return 0
            if reply.response.ended:
                trouble = reply.response.trouble
                if trouble is None or trouble.word in (CLOSED, NOT_HTTP):
                    return 0
                raise trouble.error(reply.what)
            self._rest = memoryview(reply.wait())
        into = memoryview(buffer).cast("B")
        size = min(len(into), len(self._rest))
        into[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if self._reply is not None:
            self._reply.close()
        super().close()


class Urllib3Socket(EffectSocket):
    """For `urllib3`, which sets the read time-out after it has sent, and raises errors of its own on connecting."""

    asks_when_whole = False

    def connect_error(self, trouble: Trouble, what: str) -> Exception:
        """As its `_new_conn` raises them; those of TLS are as `ssl` raises them."""
        from urllib3 import exceptions

        error, connection = trouble.error(what), self._connection()
        if trouble.word in ("malformed", "handshake_broken", "certificate"):
            return error
        if getattr(connection, "proxy", None) is not None and hasattr(connection, "_has_connected_to_proxy"):
            connection._has_connected_to_proxy = False
        if trouble.word == "forbidden":
            return error
        if trouble.word == "connect_timeout":
            text = f"Connection to {self._origin.host} timed out. (connect timeout={self._connect})"
            raised: Exception = exceptions.ConnectTimeoutError(connection, text)
        elif trouble.word in ("no_such_name", "resolver_down") and hasattr(exceptions, "NameResolutionError"):
            raised = exceptions.NameResolutionError(self._origin.host, connection, error)  # type: ignore[arg-type]
        else:
            text = f"Failed to establish a new connection: {error}"
            raised = exceptions.NewConnectionError(connection, text)  # type: ignore[arg-type]
        raised.__cause__ = error
        return raised


def _seconds(timeout: object) -> float | None:
    if isinstance(timeout, int | float):
        return timeout
    if timeout is None:
        return None
    return socket.getdefaulttimeout()  # the sentinel of `socket` and of `urllib3` for it


#: Descriptors that are never readable, and always: made when first asked for.
_waits: list[int] = []


def _ready_to_read(ready: bool) -> int:
    if not _waits:
        never, _keep = os.pipe()
        always, end = os.pipe()
        os.write(end, b"!")
        _waits.extend((never, always))
    return _waits[ready]


def _connect(scheme: str, kind: type[EffectSocket]) -> object:
    def connect(self: object) -> None:
        """Leads to the supervisor."""
        own_host, own_port = self.host, self.port  # type: ignore[attr-defined]
        tunnelled = getattr(self, "_tunnel_host", None)
        host = tunnelled or own_host
        port = (getattr(self, "_tunnel_port", None) or 443) if tunnelled else own_port
        if not host.isascii():
            host = host.encode("idna").decode()
        origin = Origin(scheme, host.strip("[]"), port)
        effects.check_open(f"connection to {host}:{port}")
        if tunnelled:
            proxy = getattr(self, "proxy", None)
            headers = getattr(self, "_tunnel_headers", None) or {}
            origin.proxy = proxy_url(getattr(proxy, "scheme", None) or "http", own_host, own_port, [*headers.items()])
        if kind is Urllib3Socket:
            if scheme == "https":
                tls.want_of_urllib3(self, origin)
                self.is_verified = origin.verify  # type: ignore[attr-defined]  # it warns otherwise
            if getattr(self, "proxy", None) is not None:
                self._has_connected_to_proxy = True  # type: ignore[attr-defined]
                self.proxy_is_verified = True  # type: ignore[attr-defined]
        elif scheme == "https":
            tls.want_of_context(getattr(self, "_context", None), origin)
        self.sock = kind(self, origin)  # type: ignore[attr-defined]

    return connect


def http_client_imported(module: ModuleType) -> None:
    """Once `http.client` is imported."""
    module.HTTPConnection.connect = _connect("http", EffectSocket)
    if hasattr(module, "HTTPSConnection"):
        module.HTTPSConnection.connect = _connect("https", EffectSocket)


def urllib3_connection_imported(module: ModuleType) -> None:
    """Once `urllib3.connection` is imported: it connects by itself."""
    module.HTTPConnection.connect = _connect("http", Urllib3Socket)
    https = getattr(module, "HTTPSConnection", None)
    if https is not None and issubclass(https, module.HTTPConnection):
        https.connect = _connect("https", Urllib3Socket)
