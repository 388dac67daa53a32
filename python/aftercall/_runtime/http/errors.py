"""What user code meets when a request has no answer: the exception that the same cause has outside, or our own."""

from __future__ import annotations

from errno import ECONNREFUSED, ECONNRESET, EHOSTUNREACH

#: Troubles that a library meets while it connects, before anything was sent.
CONNECTING = frozenset(
    {
        "forbidden",
        "malformed",
        "no_such_name",
        "resolver_down",
        "connection_refused",
        "unreachable",
        "connect_timeout",
        "handshake_broken",
        "certificate",
    }
)
#: The other side has closed the connection: a library finds the end of what it reads.
CLOSED = "closed"
#: What came back is not HTTP: a library finds a status line that is none.
NOT_HTTP = "not_http"
#: Where the supervisor gives no trouble: by phase.
_BY_PHASE = {"refused": "forbidden", "not_sent": "connection_refused"}


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


class Trouble:
    """Why a request has no answer, or not all of one."""

    __slots__ = ("code", "message", "phase", "word")

    def __init__(self, word: str | None, phase: str, code: str | None, message: str | None) -> None:
        self.word = word or _BY_PHASE.get(phase, CLOSED)
        self.phase = phase
        self.code = code
        self.message = message

    @property
    def connecting(self) -> bool:
        """Whether libraries meet it while they connect."""
        return self.word in CONNECTING

    def error(self, what: str) -> Exception:
        """What a socket raises outside. `what` was asked for; it is told where the supervisor gives no message."""
        error = self._error(what)
        if not isinstance(error, EffectError):
            error.trouble = self.word  # type: ignore[attr-defined]  # it did not come from the kernel of this machine
            if self.message:
                error.add_note(self.message)
        return error

    def _error(self, what: str) -> Exception:
        word = self.word
        if word in ("forbidden", "malformed"):
            return EffectRefused(self.message or f"{what} was not sent", self.code, self.phase)
        if word == "connection_refused":
            return ConnectionRefusedError(ECONNREFUSED, "Connection refused")
        if word == "unreachable":
            return OSError(EHOSTUNREACH, "No route to host")
        if word in ("connect_timeout", "read_timeout"):
            return TimeoutError("timed out")
        if word in ("reset", "stream_refused", CLOSED):
            return ConnectionResetError(ECONNRESET, "Connection reset by peer")
        if word in ("no_such_name", "resolver_down"):
            return _name_error(word)
        if word in ("certificate", "handshake_broken"):
            return _tls_error(word, self.message)
        return EffectError(self.message or f"{what} got no answer that can be given ({word})", self.code, self.phase)


def _name_error(word: str) -> Exception:
    from socket import EAI_AGAIN, EAI_NONAME, gaierror

    if word == "no_such_name":
        return gaierror(EAI_NONAME, "Name or service not known")
    return gaierror(EAI_AGAIN, "Temporary failure in name resolution")


def _tls_error(word: str, message: str | None) -> Exception:
    from ssl import SSLCertVerificationError, SSLError

    if word == "certificate":
        text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message or 'no reason given'}"
        error: SSLError = SSLCertVerificationError(1, text)
        error.verify_message = message or ""  # type: ignore[attr-defined]  # what OpenSSL sets by itself
        error.verify_code = 0  # type: ignore[attr-defined]
        error.reason = "CERTIFICATE_VERIFY_FAILED"
    else:
        error = SSLError(1, f"[SSL] the handshake broke off: {message or 'no reason given'}")
        error.reason = "HANDSHAKE_FAILURE"
    error.library = "SSL"
    return error


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
