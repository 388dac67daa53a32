"""Which modules are patched once they are imported. What patches a library is itself imported only then."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _by(shim: str, function: str) -> Callable[[ModuleType], None]:
    def patch(module: ModuleType) -> None:
        getattr(import_module(f"aftercall._runtime.http.{shim}"), function)(module)

    return patch


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "aiohttp.connector": _by("transports", "connector_imported"),
    "asyncio.base_events": _by("lanes", "event_loop_imported"),
    "concurrent.futures.thread": _by("lanes", "executor_imported"),
    "http.client": _by("sockets", "http_client_imported"),
    "ssl": _by("tls", "ssl_imported"),
    "threading": _by("lanes", "threading_imported"),
    "urllib3.connection": _by("sockets", "urllib3_connection_imported"),
    "uvloop": _by("lanes", "uvloop_imported"),
}
for _core in ("httpcore", "httpcore2"):
    HOOKS[f"{_core}._backends.sync"] = _by("streams", "sync_backend_imported")
    for _backend in ("auto", "anyio", "trio"):
        HOOKS[f"{_core}._backends.{_backend}"] = _by("streams", "async_backend_imported")
