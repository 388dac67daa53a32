# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""The `func_*` decorators: they describe a function to a model during the call, and change nothing here."""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

def func_parameter(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Describes a parameter; the function is returned unchanged."""

def func_description(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Describes the function; it is returned unchanged."""

def func_latency_control(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Says what to do while the function runs; it is returned unchanged."""
