"""What `end_function` returned: nothing, as a rule; awaited where it can be; never looked at otherwise."""

from __future__ import annotations

from aftercall.conv.host import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import CodeType

#: Flags of a code object (`inspect.CO_GENERATOR` and so on, the same since Python 3.6).
CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200


def run_to_end(returned: object) -> object:
    """Awaits what can be awaited, and what that gives in turn: a decorator may have wrapped one in another."""
    while is_awaitable(returned):
        returned = _awaited(returned)  # type: ignore[arg-type]
    return returned


def is_awaitable(value: object) -> bool:
    """As `inspect.isawaitable` says, without `inspect`."""
    if hasattr(type(value), "__await__"):
        return True
    code = _generator_code(value)
    return code is not None and bool(code.co_flags & CO_ITERABLE_COROUTINE)


def _awaited(awaitable: Awaitable[object]) -> object:
    import asyncio

    async def main() -> object:
        return await awaitable

    return asyncio.run(main())


def warn_of_unstarted(returned: object) -> None:
    """A warning on the run when a generator came back that nobody has begun: none of its body ran."""
    code = _generator_code(returned)
    if code is None or not _is_unstarted(returned, code):
        return
    text = (
        f"end_function returned a generator ({code.co_name}, line {code.co_firstlineno}) that nobody iterates: none of "
        "its body ran. Leave out `yield`, or go through it: `for step in steps(conv): ...`"
    )
    current.host.log("warning", text, False, "runtime", None)


def _is_unstarted(generator: object, code: CodeType) -> bool:
    """As `inspect.getgeneratorstate` says; an asynchronous one stands at its first line (3.11 has no better word)."""
    if code.co_flags & CO_ASYNC_GENERATOR:
        frame = getattr(generator, "ag_frame", None)
        return frame is not None and frame.f_lineno == code.co_firstlineno
    frame = getattr(generator, "gi_frame", None)
    return frame is not None and not (generator.gi_suspended or generator.gi_running)  # type: ignore[attr-defined]


def _generator_code(value: object) -> CodeType | None:
    kind = type(value)
    if kind.__module__ != "builtins" or kind.__name__ not in ("generator", "async_generator"):
        return None
    code: CodeType | None = getattr(value, "ag_code" if kind.__name__ == "async_generator" else "gi_code", None)
    return code
