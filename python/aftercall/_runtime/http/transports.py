"""What `aiohttp` takes for the transport of a connection. Its sessions, redirects and cookies stay the real ones."""

from __future__ import annotations

import asyncio

from aftercall._runtime.http import lanes, loops, tls
from aftercall._runtime.http.effects import Reply, effects
from aftercall._runtime.http.errors import CLOSED, NOT_HTTP, EffectError, Trouble
from aftercall._runtime.http.request import CONTINUE, Origin, Request
from aftercall._runtime.http.site import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Any

    Failed = Callable[[Trouble, Exception], Exception]


class EffectTransport(asyncio.Transport):
    """One connection: requests one after the other. Once one is whole it is asked for, and its response fed in."""

    def __init__(self, protocol: Any, origin: Origin, connect: float | None, context: object, failed: Failed) -> None:
        extra = {"peername": (origin.host, origin.port), "sslcontext": context}
        super().__init__({name: value for name, value in extra.items() if value is not None})
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._origin = origin
        self._connect = connect
        self._failed = failed
        self._request = Request()
        self._lane: lanes.Lane | None = None
        self._site = ""
        self._reply: Reply | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._closing = False
        self._paused = False

    def lend(self) -> None:
        """The next request is of whoever calls: a task of the library's own may write it."""
        self._lane = lanes.current()
        self._site = call_site()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """A part of the request."""
        try:
            self._request.add(data)
            if self._request.whole:
                self._begin()
            elif self._request.expects_continue:
                self._request.expects_continue = False
                self._loop.call_soon(self._protocol.data_received, CONTINUE)
        except ConnectionError as error:
            self._fail(Trouble("forbidden", "refused", None, None), error)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """As `write`, each in turn."""
        for data in list_of_data:
            self.write(data)

    def _begin(self) -> None:
        request, self._request = self._request, Request()
        read = self._protocol._read_timeout
        self._protocol._read_timeout = None  # the supervisor has the clock
        self._reply = effects.begin(request, self._origin, self._connect, read, self._lane, self._site)
        self._loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Hands on all that has come, and goes on when more does."""
        if self._waiting is not None:
            return
        try:
            while self._reply is not None and not self._closing and not self._paused:
                if self._reply.response.ended:
                    self._finish(self._reply)
                    return
                found = loops.poll(self._loop, self._reply)
                if isinstance(found, asyncio.Future):
                    self._waiting = found
                    found.add_done_callback(self._woken)
                    return
                data = self._reply.response.take(found)
                if data:
                    self._protocol.data_received(data)
        except Exception as error:  # the channel has ended
            self._fail(Trouble("interrupted", "unknown", None, None), error)

    def _woken(self, done: asyncio.Future[None]) -> None:
        self._waiting = None
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Exception):
            self._fail(Trouble("interrupted", "unknown", None, None), error)
        else:
            self._feed()

    def _finish(self, reply: Reply) -> None:
        self._reply = None
        trouble = reply.response.trouble
        if trouble is None:
            if not reply.response.delimited:
                self._lose(None)
        elif trouble.word in (CLOSED, NOT_HTTP):
            self._lose(None)
        else:
            self._fail(trouble, trouble.error(reply.what))

    def _fail(self, trouble: Trouble, error: Exception) -> None:
        if isinstance(error, EffectError) or trouble.connecting or trouble.word == "read_timeout":
            raised = self._failed(trouble, error)
            self._protocol.set_exception(raised)
            payload = self._protocol._payload
            if payload is not None:
                payload.set_exception(raised)
            self._lose(raised)
        else:
            self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)

    def close(self) -> None:
        """Nobody reads on."""
        if self._reply is not None:
            self._reply.close()
            self._reply = None
        if self._waiting is not None:
            self._waiting.cancel()  # the loop watches no longer than it has to
        self._lose(None)

    def abort(self) -> None:
        """As `close`."""
        self.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing

    def pause_reading(self) -> None:
        """What comes waits."""
        self._paused = True

    def resume_reading(self) -> None:
        """What waits is handed on."""
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._feed)

    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return not self._paused and not self._closing

    def get_write_buffer_size(self) -> int:
        """What is written is gathered at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Taken and not used."""

    def can_write_eof(self) -> bool:
        """HTTP needs none."""
        return False


def connector_imported(module: ModuleType) -> None:
    """Once `aiohttp.connector` is imported."""

    async def create_connection(self: Any, req: Any, traces: object, timeout: Any) -> object:
        host, port = req.url.raw_host, req.port
        effects.check_open(f"connection to {host}:{port}")
        secure = req.is_ssl()
        origin = Origin("https" if secure else "http", host, port)
        context = self._get_ssl_context(req) if secure else None
        if context is not None:
            problem = tls.unheard(origin, getattr(req, "server_hostname", None), self._get_fingerprint(req))
            if problem is not None:
                from ssl import SSLError

                client = __import__("aiohttp.client_exceptions", fromlist=["client_exceptions"])
                raise client.ClientConnectorSSLError(req.connection_key, SSLError(1, problem))
            tls.want_of_context(context, origin)
        if req.proxy:
            origin.proxy = _proxy(req)
        protocol = self._factory()

        def failed(trouble: Trouble, error: Exception) -> Exception:
            return _error(module, req, trouble, error)

        connect = (
            timeout.sock_connect or timeout.connect
        )  # `total` is a clock of its own, as a `wait_for` of the code is
        transport = EffectTransport(protocol, origin, connect, context, failed)
        protocol.connection_made(transport)
        return protocol

    connect = module.BaseConnector.connect

    async def connect_in_lane(self: Any, *args: Any, **more: Any) -> Any:
        connection = await connect(self, *args, **more)
        if isinstance(connection.transport, EffectTransport):
            connection.transport.lend()
        return connection

    module.TCPConnector._create_connection = create_connection
    module.BaseConnector.connect = connect_in_lane


def _proxy(req: Any) -> str:
    url, auth = req.proxy, getattr(req, "proxy_auth", None)
    if auth is not None and url.user is None:
        url = url.with_user(auth.login).with_password(auth.password)
    return str(url)


def _error(module: ModuleType, req: Any, trouble: Trouble, error: Exception) -> Exception:
    """What `aiohttp` raises for it. Where it fails to connect it does so before it sends; here, when it reads."""
    client = __import__("aiohttp.client_exceptions", fromlist=["client_exceptions"])
    word = trouble.word
    if word == "read_timeout":
        kind = getattr(client, "SocketTimeoutError", client.ServerTimeoutError)  # before aiohttp 3.10
        return kind("Timeout on reading data from socket")  # type: ignore[no-any-return]
    if word == "connect_timeout":
        kind = getattr(client, "ConnectionTimeoutError", client.ServerTimeoutError)
        return kind(f"Connection timeout to host {req.url}")  # type: ignore[no-any-return]
    name = {
        "certificate": "ClientConnectorCertificateError",
        "handshake_broken": "ClientConnectorSSLError",
        "no_such_name": "ClientConnectorDNSError",
        "resolver_down": "ClientConnectorDNSError",
    }.get(word, "ClientConnectorError" if trouble.connecting else "ClientOSError")
    if word == "forbidden" and req.proxy:
        name = "ClientProxyConnectionError"
    kind = getattr(client, name, client.ClientConnectorError)
    raised: Exception = kind(req.connection_key, error) if trouble.connecting else kind(*error.args)
    raised.__cause__ = error
    return raised
