"""The `func_*` decorators: they describe a function to a model during the call, and change nothing here."""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., object])


def _unchanged(function: F) -> F:
    return function


def func_parameter(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Describes a parameter; the function is returned unchanged."""
    return _unchanged


def func_description(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Describes the function; it is returned unchanged."""
    return _unchanged


def func_latency_control(*_args: object, **_kwargs: object) -> Callable[[F], F]:
    """Says what to do while the function runs; it is returned unchanged."""
    return _unchanged
