"""Where requests go: nowhere while the project is imported, to the supervisor in a child.

At import time (in the zygote) there is nobody to ask, and a request there would be made once for all conversations:
it is refused with the file and line that made it.
"""

from __future__ import annotations

from json import JSONEncoder

from aftercall._runtime.http import lanes
from aftercall._runtime.http.errors import EffectError, RequestAtImport
from aftercall._runtime.http.response import Response
from aftercall._runtime.http.site import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall._runtime.exchange import Exchange
    from aftercall._runtime.http.request import Origin, Request

#: Time-outs from here on are none.
_FOR_EVER_S = 1e9
_encode = JSONEncoder().encode


class Effects:
    """The way out of this process."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        #: Requests that were refused while importing, as (site, what).
        self.refused_at_import: list[tuple[str, str]] = []

    def open(self, exchange: Exchange) -> None:
        """From now on (in a child) requests are asked of the supervisor."""
        self._exchange = exchange
        lanes.open_lanes(exchange.channel)

    def shut(self) -> None:
        """As before `open`."""
        self._exchange = None

    def check_open(self, what: str) -> None:
        """Raises `RequestAtImport` while importing."""
        if self._exchange is None:
            site = call_site() or "(outside of the project)"
            self.refused_at_import.append((site, what))
            raise RequestAtImport(what, site)

    def begin(
        self,
        request: Request,
        origin: Origin,
        connect: float | None,
        read: float | None,
        lane: lanes.Lane | None = None,
        site: str = "",
    ) -> Reply:
        """Asks for one request; `connect` and `read` are the library's time-outs in seconds.

        `lane` and `site` are given where whoever sends is not who asks.
        """
        if not request.whole:
            raise EffectError(f"a request to {origin} whose answer is read before it is sent to its end", None)
        url = request.url(origin)
        what = f"{request.method} {url}"
        self.check_open(what)
        assert self._exchange is not None
        lane = lane or lanes.current()
        lanes.announce(lane)
        proxy = request.proxy(origin)
        headers = request.headers
        if proxy is not None:  # it holds the user and password
            headers = [(name, value) for name, value in headers if name.lower() != "proxy-authorization"]
        asked = {
            "method": request.method,
            "url": url,
            "headers": headers,
            "site": site or call_site() or lane.site,
            "time_outs": {"connect": _finite(connect), "read": _finite(read)},
            "verify": origin.verify,
            "usual_authorities": origin.usual,
            "bundles": origin.bundles,
            "certificate": origin.certificate,
            "proxy": proxy,
        }
        number = self._exchange.begin(lane.name, "http", _encode(asked).encode(), request.body())
        return Reply(self._exchange, number, request.method, what)


def _finite(seconds: float | None) -> float | None:
    """JSON has no infinity; to wait for ever is to have no time-out."""
    return seconds if seconds is not None and seconds < _FOR_EVER_S else None


class Reply:
    """What comes back to one request."""

    __slots__ = ("_exchange", "number", "response", "what")

    def __init__(self, exchange: Exchange, number: int, method: str, what: str) -> None:
        self._exchange = exchange
        self.number = number
        self.what = what
        self.response = Response(method)

    @property
    def exchange(self) -> Exchange:
        """The way that its frames come."""
        return self._exchange

    def wait(self) -> bytes:
        """The bytes of its next frame; none if its end has no bytes. Not to be called once it has ended."""
        try:
            return self.response.take(self._exchange.next(self.number))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Nobody reads on."""
        if not self.response.ended:
            self.response.ended = True
            self._exchange.close(self.number)


effects = Effects()
