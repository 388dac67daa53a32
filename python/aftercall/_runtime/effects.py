"""HTTP from user code: the one place where a request becomes an effect frame, and its answer a response.

`http.client` is what `requests`, `urllib3`, `urllib.request` and `botocore` stand on. Its connections get a socket of
ours, which gathers the request, asks the supervisor, and gives back what the supervisor says. No byte leaves the
process otherwise: the child has no network.

At import time (in the zygote) there is nobody to ask, and a request there would be made once for all conversations:
it is refused with the file and line that made it.
"""

from __future__ import annotations

import io
import sys
from json import dumps

from aftercall._runtime.frames import Answer, Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, ModuleType

    from _typeshed import WriteableBuffer

#: The lane of the main thread's work; others come with replay.
MAIN_LANE = "0"
#: Bytes of one request that are gathered before it is refused here.
MAX_REQUEST = 8 * 1024 * 1024


class EffectError(ConnectionError):
    """A request that got no answer from the other side. `code` is ours (``AC0401``), `phase` says how far it came."""

    def __init__(self, message: str, code: str | None = None, phase: str = "refused") -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.phase = phase


class EffectRefused(EffectError):
    """The supervisor refused the request before anything was sent."""


class RequestAtImport(EffectError):
    """A request was made while the project was being imported."""

    def __init__(self, what: str, site: str) -> None:
        super().__init__(
            f"{site}: {what} while the project was being imported. Make the request inside a function: what a module "
            "does when it is imported happens once, not once per conversation",
            "AC0205",
        )
        self.site = site


#: Exceptions looked at along `__cause__`, `__context__` and arguments.
_MAX_LOOKED_AT = 64


def refusal_in(error: BaseException, kind: type[EffectError] = EffectError) -> EffectError | None:
    """Our own refusal that `error` is, was raised from, or carries: libraries wrap what they catch, some twice."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending and len(seen) < _MAX_LOOKED_AT:
        item = pending.pop(0)
        if not issubclass(type(item), BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if issubclass(type(item), kind):
            return item  # type: ignore[return-value]
        below: BaseException = item  # type: ignore[assignment]
        pending += [*below.args, getattr(below, "reason", None), *getattr(below, "exceptions", ())]
        pending += [below.__cause__, None if below.__suppress_context__ else below.__context__]
    return None


def refusal_code(error: BaseException) -> str | None:
    """The code of the refused request that ended the function, if one did."""
    try:
        refusal = refusal_in(error)
    except Exception:  # an exception class that does as it likes when it is looked at
        return None
    return None if refusal is None else refusal.code


class Effects:
    """Where requests go: nowhere (while importing), or to the supervisor (in a child)."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._project = ""
        #: Requests that were refused while importing, as (site, what).
        self.refused_at_import: list[tuple[str, str]] = []

    def set_project(self, project: str | None) -> None:
        """The folder whose files are the user's own, for call sites."""
        self._project = project.rstrip("/") + "/" if project else ""

    def open(self, exchange: Exchange) -> None:
        """From now on (in a child) requests are asked of the supervisor."""
        self._exchange = exchange

    def call_site(self) -> str:
        """`file:line` of the innermost frame of the user's own files, relative to the project."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if self._project and file.startswith(self._project):
                return f"{file[len(self._project) :]}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def check_open(self, what: str) -> None:
        """Raises `RequestAtImport` while importing."""
        if self._exchange is None:
            site = self.call_site() or "(outside of the project)"
            self.refused_at_import.append((site, what))
            raise RequestAtImport(what, site)

    def request(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        """Asks for one request, and gives the bytes of its response as HTTP/1.1 has them."""
        self.check_open(f"{method} {url}")
        assert self._exchange is not None
        request = {"method": method, "url": url, "headers": headers, "site": self.call_site()}
        data = dumps(request).encode()
        answer = self._exchange.ask(MAIN_LANE, "http", data, body)
        return _response(answer, method, url)


def _response(answer: Answer, method: str, url: str) -> bytes:
    message = answer.message or f"{method} {url} was not sent"
    kind = EffectRefused if answer.phase == "refused" else EffectError
    raise kind(message, answer.code, answer.phase)


effects = Effects()


class EffectSocket:
    """What a connection of `http.client` takes for its socket: one request, then its response."""

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self._scheme = scheme
        self._authority = host if port == {"http": 80, "https": 443}[scheme] else f"{host}:{port}"
        self._sent = bytearray()

    def sendall(self, data: bytes) -> None:
        """Gathers a part of the request."""
        self._sent += data
        if len(self._sent) > MAX_REQUEST:
            raise EffectRefused(f"a request of more than {MAX_REQUEST:,} bytes", "AC0402")

    def makefile(self, *_args: object, **_kwargs: object) -> object:
        """The response. It is asked for when the first byte of it is read: the request is whole then."""
        parts = self._parse()
        self._sent.clear()
        return io.BufferedReader(_ResponseBytes(*parts))

    def _parse(self) -> tuple[str, str, list[tuple[str, str]], bytes]:
        head, _, body = bytes(self._sent).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.rpartition(" ")[0]
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        chunked = any(name.lower() == "transfer-encoding" and "chunked" in value for name, value in headers)
        if chunked:
            body = _unchunked(body)
            headers = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
        absolute = target.startswith(("http://", "https://"))  # as a proxy is asked
        url = target if absolute else f"{self._scheme}://{self._authority}{target}"
        return method, url, headers, body

    def settimeout(self, _timeout: float | None) -> None:
        """Taken and not used: the supervisor bounds every request."""

    def setsockopt(self, *_args: object) -> None:
        """Taken and not used."""

    def close(self) -> None:
        """Nothing is open."""

    def shutdown(self, _how: int) -> None:
        """Nothing is open."""


class _ResponseBytes(io.RawIOBase):
    """The bytes of a response, as HTTP/1.1 has them."""

    def __init__(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> None:
        super().__init__()
        self._request = (method, url, headers, body)
        self._bytes: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._bytes is None:
            self._bytes = io.BytesIO(effects.request(*self._request))
        return self._bytes.readinto(buffer)


def _unchunked(body: bytes) -> bytes:
    out = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            break
        out += body[:length]
        body = body[length + 2 :]
    return bytes(out)


def _connect(scheme: str) -> object:
    def connect(self: object) -> None:
        host = getattr(self, "_tunnel_host", None) or self.host  # type: ignore[attr-defined]
        port = (getattr(self, "_tunnel_port", None) if getattr(self, "_tunnel_host", None) else None) or self.port  # type: ignore[attr-defined]
        # A proxy that the code names is not used: the supervisor decides the way out.
        effects.check_open(f"connection to {host}:{port}")
        self.sock = EffectSocket(scheme, host, port)  # type: ignore[attr-defined]
        if scheme == "https":
            self.is_verified = True  # type: ignore[attr-defined]  # urllib3 asks: the supervisor verifies

    return connect


def http_client_imported(module: ModuleType) -> None:
    """Called once `http.client` is imported."""
    module.HTTPConnection.connect = _connect("http")
    if hasattr(module, "HTTPSConnection"):
        module.HTTPSConnection.connect = _connect("https")


def urllib3_connection_imported(module: ModuleType) -> None:
    """Called once `urllib3.connection` (or botocore's or pip's copy of it) is imported: it connects by itself."""
    http_client_imported(module)
