# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`plog`: writes to the run's log, with fields that can be bound for a while.

plog.info("booked", booking=reference)
with plog.tmp_bind(caller=number): …
@plog.tmp_bind(step="crm")
"""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

def debug(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level debug."""

def info(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level info."""

def warning(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level warning."""

warn = warning

def error(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level error."""

def exception(msg: object, is_pii: bool = False, **fields: object) -> None:
    """An entry of level error with the exception that is being handled."""

class tmp_bind:
    """Adds fields to every entry inside: a context manager and a decorator."""

    def __init__(self, **fields: object) -> None: ...
    def __enter__(self) -> tmp_bind: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __call__(self, function: F) -> F: ...
