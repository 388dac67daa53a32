"""What a supervisor does for its children, for tests: carries out what they ask for, with plain sockets."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

ANSWER, CHUNK = 3, 4
#: A supervisor takes more headers than `http.client`: which are too many is for the library in the child to say.
http.client._MAXHEADERS = 4096  # type: ignore[attr-defined]
#: The length that answers give which never come to their end.
CUT_LENGTH = 100


class Broken(Exception):
    """A request that came to nothing, by the word for it."""

    def __init__(self, phase: str, trouble: str, message: str = "") -> None:
        super().__init__(trouble)
        self.phase = phase
        self.trouble = trouble
        self.message = message


class Peer:
    """One for any number of children."""

    def begin(self, effect: dict[str, Any], send: Any) -> None:
        """Carries out one effect; `send(kind, payload)` may be called from any thread."""
        threading.Thread(target=self._carry_out, args=(effect, send), daemon=True).start()

    def _carry_out(self, effect: dict[str, Any], send: Any) -> None:
        number = effect["number"]
        try:
            connection = _connect(effect)
            try:
                response = _ask(connection, effect)
                self._tell(number, response, send)
            finally:
                connection.close()
        except Broken as broken:
            payload = {0: number, 1: broken.phase, 2: None, 3: broken.message, 4: None, 5: None, 6: broken.trouble}
            send(ANSWER, {**payload, 7: False})

    def _tell(self, number: int, response: http.client.HTTPResponse, send: Any) -> None:
        status = response.status
        head = {
            "status": status,
            "reason": response.reason,
            "version": "HTTP/1.1" if response.version == 11 else "HTTP/1.0",
            "headers": response.getheaders(),
        }
        phase = "done" if status < 400 else "rejected" if status < 500 else "unknown"
        payload = {0: number, 1: phase, 2: None, 3: None, 4: json.dumps(head).encode(), 5: b"", 6: None, 7: True}
        if response.headers.get("Content-Length") is not None and response.length != CUT_LENGTH:
            send(ANSWER, {**payload, 5: response.read(), 7: False})
            return
        send(ANSWER, payload)
        trouble, total = None, 0
        while trouble is None:
            try:
                data = response.read1(65536)
            except TimeoutError:
                data, trouble = b"", "read_timeout"
            except http.client.IncompleteRead as short:
                data, trouble = short.partial, "closed"
            except ConnectionResetError:
                data, trouble = b"", "reset"
            total += len(data)
            if not data and trouble is None:
                break
            if data:
                send(CHUNK, {0: number, 1: data, 2: False, 3: None})
        if trouble is None and response.headers.get("Content-Length") == str(CUT_LENGTH) and total < CUT_LENGTH:
            trouble = "closed"
        send(CHUNK, {0: number, 1: b"", 2: True, 3: trouble})


def _connect(effect: dict[str, Any]) -> http.client.HTTPConnection:
    url = urlsplit(effect["url"])
    at = urlsplit(effect["proxy"]) if effect["proxy"] else url
    secure = url.scheme == "https"
    port = at.port or (443 if at.scheme == "https" else 80)
    timeout = effect["time_outs"]["connect"]
    try:
        sock = socket.create_connection((at.hostname, port), timeout)
        if effect["proxy"] and secure:
            _tunnel(sock, url)
        if secure:
            sock = _context(effect).wrap_socket(sock, server_hostname=url.hostname)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise Broken("refused", "no_such_name", str(error)) from None
        raise Broken("not_sent", "resolver_down", str(error)) from None
    except ssl.SSLCertVerificationError as error:
        raise Broken("refused", "certificate", error.verify_message) from None
    except ssl.SSLError as error:
        raise Broken("not_sent", "handshake_broken", str(error)) from None
    except TimeoutError:
        raise Broken("not_sent", "connect_timeout") from None
    except ConnectionRefusedError:
        raise Broken("not_sent", "connection_refused") from None
    except OSError as error:
        raise Broken("not_sent", "unreachable", str(error)) from None
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 80)
    connection.sock = sock
    return connection


def _tunnel(sock: socket.socket, url: Any) -> None:
    sock.sendall(f"CONNECT {url.hostname}:{url.port} HTTP/1.1\r\nHost: {url.hostname}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)


def _context(effect: dict[str, Any]) -> ssl.SSLContext:
    certificate = effect["certificate"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if effect["usual_authorities"]:
        context.load_default_certs()
    for bundle in effect["bundles"]:
        context.load_verify_locations(bundle)
    if not effect["verify"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


def _ask(connection: http.client.HTTPConnection, effect: dict[str, Any]) -> http.client.HTTPResponse:
    url = urlsplit(effect["url"])
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if effect["proxy"] and url.scheme == "http":
        target = effect["url"]
    sock = connection.sock
    sock.settimeout(effect["time_outs"]["read"])
    try:
        connection.putrequest(effect["method"], target, skip_host=True, skip_accept_encoding=True)
        names = [name.lower() for name, _ in effect["headers"]]
        for name, value in effect["headers"]:
            connection.putheader(name, value.encode("latin-1"))
        if effect["body"] and "content-length" not in names:
            connection.putheader("Content-Length", str(len(effect["body"])))
        connection.endheaders(effect["body"] or None)
        return connection.getresponse()
    except TimeoutError:
        raise Broken("unknown", "read_timeout") from None
    except http.client.RemoteDisconnected:
        raise Broken("unknown", "closed") from None
    except http.client.BadStatusLine:
        raise Broken("unknown", "not_http") from None
    except ConnectionResetError:
        raise Broken("unknown", "reset") from None
