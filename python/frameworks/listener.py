"""What the examples send: a server of a few lines, and the examples themselves."""

from __future__ import annotations

import json
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load_example(path: str) -> dict[str, Any]:
    """The names of an example, which is not started."""
    return runpy.run_path(str(_EXAMPLES / path), run_name="example")


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Conversations that clients of this process send, as they arrive."""
    sent: list[dict[str, Any]] = []

    class Accepts(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = {"run_id": "r", "conversation_id": "c", "external_id": sent[-1]["id"], "status": "queued"}
            body = json.dumps(answer).encode()
            self.send_response(202)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Accepts) as server:
        monkeypatch.setenv("AFTERCALL_SERVER", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield sent
        finally:
            server.shutdown()
            thread.join()
