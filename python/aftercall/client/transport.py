"""One request and its answer, over connections that are kept open."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections import deque

from aftercall import __version__
from aftercall.client.address import Address
from aftercall.client.exchange import Answer, Broken, Request, retry_after_s

#: Idle connections kept; more are opened when more threads ask at once.
MAX_IDLE = 8
#: Bytes of one answer: a conversation and its run are far below.
MAX_ANSWER = 256 * 1024 * 1024
_START_ONE = "Start one with `aftercall serve`, or name its address: url=… or AFTERCALL_SERVER"
_AGAIN = "Look whether it runs and listens there, then send again: what was accepted is not run twice"


class Transport:
    """Connections to one server. May be used by many threads at once, and by a process and its forks."""

    def __init__(self, address: Address, key: str | None, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._headers = {"Accept": "application/json", "User-Agent": f"aftercall-python/{__version__}"}
        if key is not None:
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise ValueError("the API key holds characters that no key has: copy it again")
            self._headers["Authorization"] = f"Bearer {key}"
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=MAX_IDLE)
        self._process = os.getpid()

    def exchange(self, request: Request) -> Answer | Broken:
        """Sends the request and reads the whole answer. Waits at most the timeout for each step of it."""
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._over(connection, request)
            except (ConnectionError, http.client.HTTPException):
                pass  # a server closes connections that were idle for long: a fresh one tells how it is
            except OSError as error:
                return self._broken(error)
        try:
            return self._over(self._connection(), request)
        except (OSError, http.client.HTTPException) as error:
            return self._broken(error)

    def close(self) -> None:
        """Closes the idle connections. The next request opens others."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _take_idle(self) -> http.client.HTTPConnection | None:
        if os.getpid() != self._process:  # a fork: its parent talks over these
            self._idle.clear()
            self._process = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connection(self) -> http.client.HTTPConnection:
        address = self._address
        if address.scheme == "unix":
            return _UnixConnection(address.path, self._timeout_s)
        if self._tls is not None:
            return http.client.HTTPSConnection(address.host, address.port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(address.host, address.port, timeout=self._timeout_s)

    def _over(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        try:
            answer = self._ask(connection, request)
        except BaseException:
            connection.close()
            raise
        if connection.sock is None or not answer.whole:
            connection.close()
        elif len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        headers = dict(self._headers)
        if request.content_type is not None:
            headers["Content-Type"] = request.content_type
        try:
            connection.request(request.method, self._address.prefix + request.path, request.body or None, headers)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise  # it was not even reached; else it may have refused before it had read everything
        response = connection.getresponse()
        expected = response.length  # None where the answer comes in chunks
        whole = True
        try:
            body = response.read(MAX_ANSWER + 1)
        except http.client.IncompleteRead as error:
            body, whole = error.partial, False
        if len(body) > MAX_ANSWER:
            raise http.client.HTTPException(f"an answer of more than {MAX_ANSWER:,} bytes")
        whole = whole and (expected is None or len(body) == expected)
        return Answer(response.status, body, retry_after_s(response.getheader("Retry-After")), whole)

    def _broken(self, error: Exception) -> Broken:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Broken(
                error, "The server's certificate is not trusted: look at its name and its issuer", passing=False
            )
        if isinstance(error, PermissionError):
            fix = "The socket is for the server's own user: go over HTTP with a key: url=…, key=…"
            return Broken(error, fix, passing=False)
        if isinstance(error, FileNotFoundError):
            folder_is_there = os.path.isdir(os.path.dirname(self._address.path))
            return Broken(error, _START_ONE, passing=folder_is_there)  # without its folder no server was ever there
        return Broken(error, _AGAIN)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Opens the socket."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.settimeout(self.timeout)
            opened.connect(self._path)
        except BaseException:
            opened.close()
            raise
        self.sock = opened
