"""The other side: a server on the loopback interface that answers by path, well and badly, and writes down what it got.

A path is `/<side>/<library>/<case>/<what>`; `<side>` says who asks (`outside`, `inside`). Nothing here is particular to
a library, but for the few answers that vendors' SDKs insist on.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

#: Seconds that slow answers take; time-outs of the cases are shorter.
SLOW_S = 1.5
BIG = bytes(range(256)) * 4096

_VENDORS = [
    ("/chat/completions", {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}]}),
    ("/v1/messages", {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "hello"}],
        "usage": {"input_tokens": 1, "output_tokens": 1}}),
    ("/v1/customers", {"id": "cus_1", "object": "customer", "email": "a@b.example"}),
    ("/Messages.json", {"sid": "SM1", "status": "queued", "body": "hi", "account_sid": "AC1"}),
    ("/chat.postMessage", {"ok": True, "channel": "C1", "ts": "1.0"}),
    ("/envelope/", {"id": "e"}),
]  # fmt: skip
_CHAT_EVENTS = [
    {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
     "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in ("hel", "lo")
]  # fmt: skip
_MESSAGE_EVENTS = [
    ("message_start", {"type": "message_start", "message": _VENDORS[1][1] | {"content": []}}),
    ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}),
    ("content_block_stop", {"type": "content_block_stop", "index": 0}),
    ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                       "usage": {"output_tokens": 1}}),
    ("message_stop", {"type": "message_stop"}),
]  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def log_message(self, *_args: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def _any(self) -> None:
        if self.command == "CONNECT":
            self._tunnel()
            return
        self.body = self._read_body()
        parts = urlsplit(self.path)
        _, side, library, case, *rest = parts.path.split("/")
        path = "/" + "/".join(rest)
        body = "" if path.startswith("/opaque") else _neutral(self.body)  # times, ids
        self.server.seen[side, library, case].append((self.command, path, parts.query, body))
        special = getattr(self, "_" + rest[0].replace("-", "_"), None) if rest and rest[0] else None
        if special:
            special(*rest[1:])
            return
        for ending, answer in _VENDORS:
            if path.endswith(ending):
                self._vendor(ending, answer)
                return
        self._echo()

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _give(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", headers.pop("content_type", "text/plain"))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def _json(self, value: object, status: int = 200, **headers: str) -> None:
        self._give(status, json.dumps(value).encode(), content_type="application/json", **headers)

    def _vendor(self, ending: str, answer: object) -> None:
        asked = json.loads(self.body) if self.body.startswith(b"{") and b"\n" not in self.body[:2000] else {}
        if isinstance(asked, dict) and asked.get("stream"):
            if ending == "/v1/messages":
                self._events([f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in _MESSAGE_EVENTS])
            else:
                self._events([f"data: {json.dumps(data)}\n\n" for data in _CHAT_EVENTS] + ["data: [DONE]\n\n"])
        else:
            self._json(answer)

    def _events(self, events: list[str]) -> None:
        self._chunks([event.encode() for event in events], "text/event-stream")

    def _chunks(self, parts: list[bytes], kind: str = "text/plain", whole: bool = True) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.flush()
            time.sleep(0.05)
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def _echo(self, *_rest: str) -> None:
        wanted = ("content-type", "authorization", "cookie", "x-case", "accept-encoding")
        headers = {name: self.headers[name] for name in wanted if name in self.headers}
        self._json({"method": self.command, "headers": headers, "body": _neutral(self.body)}, X_Case="one")

    def _bucket(self, *_rest: str) -> None:
        """As a store of objects."""
        self._give(200, b"" if self.command == "PUT" else b"object" * 1000, ETag='"e"')

    def _status(self, status: str, *_rest: str) -> None:
        self._json({"error": {"message": f"status {status}", "type": "t", "code": "c"}}, int(status))

    def _gzip(self, *_rest: str) -> None:
        self._give(200, gzip.compress(b"squeezed" * 100, mtime=0), Content_Encoding="gzip")

    def _reason(self, *_rest: str) -> None:
        self.send_response(200, "Schlie\xdfen nicht m\xf6glich")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _many_headers(self, *_rest: str) -> None:
        """More than `http.client` takes."""
        self._give(200, b"many", **{f"X_{number}": "1" for number in range(150)})

    def _big(self, *_rest: str) -> None:
        self._give(200, BIG)

    def _chunked(self, *_rest: str) -> None:
        self._chunks([b"one", b"two", b"three"])

    def _sse(self, *_rest: str) -> None:
        self._events(["data: 1\n\n", "data: 2\n\n", "event: end\ndata: 3\n\n"])

    def _endless(self, *_rest: str) -> None:
        self._chunks([b"data: again\n\n"] * 60, "text/event-stream")

    def _until_close(self, *_rest: str) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"to the end")

    def _slow(self, *_rest: str) -> None:
        time.sleep(SLOW_S)
        self._give(200, b"late")

    def _slow_body(self, *_rest: str) -> None:
        self._cut(5, SLOW_S)

    def _truncated(self, *_rest: str) -> None:
        self._cut(5, 0)

    def _cut(self, size: int, wait: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * size)
        self.wfile.flush()
        time.sleep(wait)
        self.close_connection = True

    def _truncated_chunked(self, *_rest: str) -> None:
        self._chunks([b"one"], whole=False)

    def _close(self, *_rest: str) -> None:
        self.close_connection = True

    def _reset(self, *_rest: str) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _garbage(self, *_rest: str) -> None:
        self.wfile.write(b"rubbish that is no status line\r\n\r\n")
        self.close_connection = True

    def _redirect(self, status: str) -> None:
        self._give(int(status), b"", Location="../echo", Set_Cookie="seen=1; Path=/")

    def _auth(self, *_rest: str) -> None:
        if self.headers.get("Authorization"):
            self._echo()
        else:
            self._give(401, b"who?", WWW_Authenticate='Basic realm="r"')

    def _flaky(self, *_rest: str) -> None:
        key = self.path
        with self.server.lock:
            self.server.times[key] += 1
            first = self.server.times[key] == 1
        if first:
            self._give(503, b"not yet", Retry_After="0")
        else:
            self._give(200, b"now")

    def _tunnel(self) -> None:
        """As a proxy does: the bytes of both sides are handed on."""
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            for one, other in ((self.connection, there), (there, self.connection)):
                threading.Thread(target=_hand_on, args=(one, other), daemon=True).start()
            self.close_connection = True
            time.sleep(1)


def _hand_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)


def _neutral(body: bytes) -> str:
    """A body without what differs each time: the boundaries of multipart."""
    text = body.decode("latin-1")
    boundary = re.match(r"--([0-9A-Za-z'-]{16,})\r\n", text)
    return text.replace(boundary.group(1), "BOUNDARY") if boundary else text


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.seen: dict[tuple[str, str, str], list[tuple[str, str, str, str]]] = defaultdict(list)
        self.times: dict[str, int] = defaultdict(int)
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):  # a handshake that fails is the client's affair
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)

    def handle_error(self, *_args: object) -> None:
        pass


class World:
    """All that cases may meet, as addresses."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.plain = Server()
        self.secure = Server(context)
        self.secure.seen = self.plain.seen
        ca, client = folder / "company-ca.pem", folder / "client.pem"
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(client)
        free = socket.create_server(("127.0.0.1", 0))
        # A queue that is full: whoever connects now waits.
        self._full = socket.socket()
        self._full.bind(("127.0.0.1", 0))
        self._full.listen(0)
        self._fillers = [socket.socket() for _ in range(3)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(self._full.getsockname())
        self.document = {
            "http": f"http://127.0.0.1:{self.plain.server_port}",
            "https": f"https://127.0.0.1:{self.secure.server_port}",
            "not_tls": f"https://127.0.0.1:{self.plain.server_port}",
            "refused": f"http://127.0.0.1:{free.getsockname()[1]}",
            "nowhere": "http://nowhere.invalid",
            "unreached": f"http://127.0.0.1:{self._full.getsockname()[1]}",
            "ca": str(ca),
            "client": str(client),
        }
        free.close()

    def seen(self, side: str, library: str, case: str) -> list[tuple[str, str, str, str]]:
        return self.plain.seen[side, library, case]

    def close(self) -> None:
        for server in (self.plain, self.secure):
            server.shutdown()
            server.server_close()
        for one in (self._full, *self._fillers):
            one.close()
