"""Flows and functions: where a call moved, and calling the project's other functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftercall.conv.host import current
from aftercall.conv.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall.conv.conversation import Conversation


class FlowTransition(Record):
    """A wish to enter or leave a flow."""

    def __init__(self, goto_flow: str | None = None, exit_flow: bool = False) -> None:
        self.goto_flow = goto_flow
        self.exit_flow = exit_flow


class Transition(Record):
    """A wish to enter or leave a flow, or to go to a step."""

    def __init__(self, exit_flow: bool = False, goto_flow: str | None = None, goto_step: str | None = None) -> None:
        self.exit_flow = exit_flow
        self.goto_flow = goto_flow
        self.goto_step = goto_step

    @classmethod
    def from_dict(cls, d: Mapping[str, object]) -> Transition:
        """From a dict with the names of the fields."""
        flow, step = d.get("goto_flow"), d.get("goto_step")
        return cls(bool(d.get("exit_flow")), None if flow is None else str(flow), None if step is None else str(step))

    def is_noop(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.exit_flow or self.goto_flow or self.goto_step)


class StepTransition(Record):
    """A wish to go to a step."""

    def __init__(self, goto_step: str | None = None) -> None:
        self.goto_step = goto_step


class FunctionExecutor(dict[str, object]):
    """`conv.functions`: `conv.functions.name(…)` calls `name(conv, …)` of `functions/name.py`."""

    def __init__(self, conv: Conversation) -> None:
        super().__init__()
        object.__setattr__(self, "_conv", conv)

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        find = current.host.find_function
        function = find(name) if find is not None else None
        if function is None:
            raise AttributeError(
                f"conv.functions.{name}: there is no functions/{name}.py with a function {name}(conv, …)"
            )
        conv: Conversation = object.__getattribute__(self, "_conv")
        return _Bound(function, conv)


class _Bound:
    """A function of the project whose first argument is the conversation."""

    __slots__ = ("_conv", "_function")

    def __init__(self, function: Callable[..., object], conv: Conversation) -> None:
        self._function = function
        self._conv = conv

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self._function(self._conv, *args, **kwargs)


class FlowFunctionExecutor(dict[str, object]):
    """Functions of a flow: `flow.functions.name(…)` calls `name(conv, flow, …)`."""

    def __init__(self, conv: Conversation, flow: Flow) -> None:
        super().__init__()
        object.__setattr__(self, "conv", conv)
        object.__setattr__(self, "flow", flow)

    def __getattr__(self, name: str) -> Callable[..., object]:
        raise AttributeError(f"flow.functions.{name}: functions of a flow run during the call")


class Flow:
    """A flow, as functions of a flow are given it during the call."""

    def __init__(
        self, current_step: str, step_transition: StepTransition, conv: Conversation, function_dir: str
    ) -> None:
        self._current_step = current_step
        self._step_transition = step_transition
        self._conv = conv
        self.function_dir = function_dir

    @property
    def current_step(self) -> str:
        """The step that the call is in."""
        return self._current_step

    @property
    def functions(self) -> FlowFunctionExecutor:
        """The flow's own functions."""
        return FlowFunctionExecutor(self._conv, self)

    def goto_step(self, step_name: str, label: str | None = None) -> None:
        """Notes the wish; after the call nothing follows it."""
        self._step_transition.goto_step = step_name
