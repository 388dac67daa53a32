"""What code registers with `atexit`, kept here instead of by the interpreter: so it can be seen.

Nearly every project has handlers that have nothing to do in a child: `requests` brings two, and running them would
cost a child a fifth of its page faults. Those are known and left out; all others run as they do elsewhere.
"""

from __future__ import annotations

import atexit
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Handler = Callable[..., object]

_registered: list[tuple[Handler, tuple[object, ...], Mapping[str, object]]] = []

#: Log handlers that hold nothing back; that they were closed, nobody sees.
_UNBUFFERED = frozenset({"NullHandler", "StreamHandler", "_StderrHandler", "ToRun"})


def install() -> None:
    """Takes `atexit`'s place. In the zygote, before the project is imported."""
    atexit.register = register  # type: ignore[assignment]
    atexit.unregister = unregister


def register(func: Handler, /, *args: object, **kwargs: object) -> Handler:
    """As `atexit.register`."""
    if not callable(func):
        raise TypeError("the first argument must be callable")
    _registered.append((func, args, kwargs))
    return func


def unregister(func: Handler, /) -> None:
    """As `atexit.unregister`."""
    _registered[:] = [entry for entry in _registered if entry[0] != func]


def waiting() -> bool:
    """Whether anything is to be done. What has nothing to do is forgotten."""
    if _registered:
        _registered[:] = [entry for entry in _registered if not _is_idle(entry[0])]
    return bool(_registered) or atexit._ncallbacks() > 0


def run() -> None:
    """Runs all handlers, the last one first. One that raises is told of on stderr, and the others run."""
    while _registered:
        func, args, kwargs = _registered.pop()
        try:
            func(*args, **kwargs)
        except BaseException as error:
            _tell(func, error)
    atexit._run_exitfuncs()


def _is_idle(func: Handler) -> bool:
    module, name = getattr(func, "__module__", None), getattr(func, "__name__", None)
    if (module, name) == ("logging", "shutdown"):
        return _logging_holds_nothing()
    if (module, name) == ("weakref", "_exitfunc"):
        return _nothing_to_finalize()
    return (module, name) == ("certifi.core", "exit_cacert_ctx")  # forgets where a file lies


def _logging_holds_nothing() -> bool:
    """Handlers of `logging` write at once, but for those that buffer, that write to files, and those of others."""
    handlers = getattr(sys.modules.get("logging"), "_handlerList", ())
    return all(type(reference()).__name__ in _UNBUFFERED for reference in list(handlers) if reference() is not None)


def _nothing_to_finalize() -> bool:
    """`weakref.finalize` registers once for all objects. Pools of `urllib3` only close connections: there are none."""
    finalize = getattr(sys.modules.get("weakref"), "finalize", None)
    pending = getattr(finalize, "_registry", {}).values()
    return all(
        not one.atexit or str(getattr(one.func, "__module__", "")).startswith("urllib3.") for one in list(pending)
    )


def _tell(func: Handler, error: BaseException) -> None:
    import traceback

    from aftercall.texts import safe_repr

    print(f"Exception ignored in atexit callback {safe_repr(func)}:", file=sys.stderr)
    print("".join(traceback.format_exception(error)), end="", file=sys.stderr)
