# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Flows and functions: where a call moved, and calling the project's other functions."""

from collections.abc import Callable, Mapping
from typing import Any

from _gen.conversation import Conversation
from _gen.record import Record

class FlowTransition(Record):
    """A wish to enter or leave a flow."""

    goto_flow: str | None
    exit_flow: bool

    def __init__(self, goto_flow: str | None = None, exit_flow: bool = False) -> None: ...

class Transition(Record):
    """A wish to enter or leave a flow, or to go to a step."""

    exit_flow: bool
    goto_flow: str | None
    goto_step: str | None

    def __init__(self, exit_flow: bool = False, goto_flow: str | None = None, goto_step: str | None = None) -> None: ...
    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Transition:
        """From a dict with the names of the fields."""

    def is_noop(self) -> bool:
        """Whether it asks for nothing."""

class StepTransition(Record):
    """A wish to go to a step."""

    goto_step: str | None

    def __init__(self, goto_step: str | None = None) -> None: ...

class FunctionExecutor(dict[str, Any]):
    """`conv.functions`: `conv.functions.name(…)` calls `name(conv, …)` of `functions/name.py`."""

    def __init__(self, conv: Conversation) -> None: ...
    def __getattr__(self, name: str) -> Callable[..., Any]: ...

class FlowFunctionExecutor(dict[str, Any]):
    """Functions of a flow: `flow.functions.name(…)` calls `name(conv, flow, …)`."""

    def __init__(self, conv: Conversation, flow: Flow) -> None: ...

class Flow:
    """A flow, as functions of a flow are given it during the call."""

    function_dir: str

    def __init__(
        self, current_step: str, step_transition: StepTransition, conv: Conversation, function_dir: str
    ) -> None: ...
    @property
    def current_step(self) -> str:
        """The step that the call is in."""

    @property
    def functions(self) -> FlowFunctionExecutor:
        """The flow's own functions."""

    def goto_step(self, step_name: str, label: str | None = None) -> None:
        """Notes the wish; after the call nothing follows it."""
