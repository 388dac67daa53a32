"""What `httpcore` takes for a network stream: `httpx` stands on it, and on that `openai`, `anthropic` and others."""

from __future__ import annotations

import sys
from importlib import import_module

from aftercall._runtime.http import tls
from aftercall._runtime.http.effects import Reply, effects
from aftercall._runtime.http.errors import CLOSED, NOT_HTTP, Trouble
from aftercall._runtime.http.request import Origin, Request, proxy_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_TUNNEL_OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


class _Connection:
    """One connection: requests one after the other, each with its response. Knows nothing of how to wait."""

    def __init__(self, origin: Origin, connect: float | None, exceptions: ModuleType) -> None:
        self._origin = origin
        self._connect = connect
        self._exceptions = exceptions
        self._request = Request()
        self._reply: Reply | None = None
        self._rest = b""
        self._proxied = False

    def _add(self, data: bytes) -> None:
        if self._reply is not None and self._reply.response.ended:
            self._reply = None
        self._request.add(data)
        if self._request.whole and self._request.method == "CONNECT":
            self._open_tunnel()

    def _open_tunnel(self) -> None:
        """A proxy is asked for a tunnel: the supervisor decides about it with the first request through it."""
        request, at = self._request, self._origin
        host, _, port = request.target.rpartition(":")
        self._origin = Origin("http", host.strip("[]"), int(port))
        self._origin.proxy = proxy_url(at.scheme, at.host, at.port, request.headers)
        self._request = Request()
        self._rest = _TUNNEL_OPEN

    def _secure(self, context: object, name: str | None) -> None:
        self._origin.scheme = "https"
        problem = tls.unheard(self._origin, name)
        if problem is not None:
            raise self._exceptions.ConnectError(problem)
        tls.want_of_context(context, self._origin)

    def _next(self, timeout: float | None) -> Reply | None:
        """The reply whose next frame is to be waited for; None if bytes are there, or their end."""
        if self._rest:
            return None
        if self._reply is None:
            request, self._request = self._request, Request()
            self._proxied = request.proxy(self._origin) is not None
            try:
                self._reply = effects.begin(request, self._origin, self._connect, timeout)
            except ConnectionError as error:
                raise self._exceptions.ConnectError(error) from error
        return None if self._reply.response.ended else self._reply

    def _take(self, size: int) -> bytes:
        """Bytes that are there; none at their end. Raises what comes after them."""
        data, self._rest = self._rest[:size], self._rest[size:]
        reply = self._reply
        if not data and reply is not None and reply.response.ended:
            trouble = reply.response.trouble
            if trouble is not None and trouble.word not in (CLOSED, NOT_HTTP):
                error = trouble.error(reply.what)
                raise self._kind(trouble)(error) from error
        return data

    def _kind(self, trouble: Trouble) -> type[Exception]:
        name = {"connect_timeout": "ConnectTimeout", "read_timeout": "ReadTimeout"}.get(trouble.word)
        if trouble.word == "forbidden" and self._proxied:
            name = "ProxyError"
        kind: type[Exception] = getattr(
            self._exceptions, name or ("ConnectError" if trouble.connecting else "ReadError")
        )
        return kind

    def _close(self) -> None:
        if self._reply is not None:
            self._reply.close()

    def get_extra_info(self, info: str) -> object:
        """There is no socket; `ssl_object` None means HTTP/1.1."""
        if info == "client_addr":
            return "127.0.0.1", 0
        if info == "server_addr":
            return self._origin.host, self._origin.port
        return False if info == "is_readable" else None


class Stream(_Connection):
    """For threads."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes` of the response; none at its end."""
        while reply := self._next(timeout):
            self._rest = reply.wait()
        return self._take(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """A part of the request."""
        self._add(buffer)

    def start_tls(
        self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """The supervisor speaks TLS."""
        self._secure(ssl_context, server_hostname)
        return self

    def close(self) -> None:
        """Nobody reads on."""
        self._close()


class AsyncStream(_Connection):
    """For tasks."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes` of the response; none at its end."""
        while reply := self._next(timeout):
            self._rest = await _wait(reply)
        return self._take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """A part of the request."""
        self._add(buffer)

    async def start_tls(
        self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncStream:
        """The supervisor speaks TLS."""
        self._secure(ssl_context, server_hostname)
        return self

    async def aclose(self) -> None:
        """Nobody reads on."""
        self._close()


async def _wait(reply: Reply) -> bytes:
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        data: bytes = await trio.to_thread.run_sync(reply.wait)
        return data
    from aftercall._runtime.http.loops import wait

    return await wait(reply)


def _origin(host: str, port: int, exceptions: ModuleType) -> Origin:
    try:
        effects.check_open(f"connection to {host}:{port}")
    except ConnectionError as error:
        raise exceptions.ConnectError(error) from error
    return Origin("http", host, port)


def sync_backend_imported(module: ModuleType) -> None:
    """Once `httpcore._backends.sync` is imported."""
    exceptions = import_module(f"{module.__name__.partition('.')[0]}._exceptions")

    def connect_tcp(
        _self: object, host: str, port: int, timeout: float | None = None, *_more: object, **_options: object
    ) -> Stream:
        return Stream(_origin(host, port, exceptions), timeout, exceptions)

    module.SyncBackend.connect_tcp = connect_tcp


def async_backend_imported(module: ModuleType) -> None:
    """Once `httpcore._backends.auto`, or one of the backends that it chooses from, is imported."""
    exceptions = import_module(f"{module.__name__.partition('.')[0]}._exceptions")

    async def connect_tcp(
        _self: object, host: str, port: int, timeout: float | None = None, *_more: object, **_options: object
    ) -> AsyncStream:
        return AsyncStream(_origin(host, port, exceptions), timeout, exceptions)

    for name in ("AutoBackend", "AnyIOBackend", "TrioBackend"):
        backend = getattr(module, name, None)
        if backend is not None:
            backend.connect_tcp = connect_tcp
