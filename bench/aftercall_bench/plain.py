"""The least that can be given to the end function as `conv`: for peers, which have none, and as the bound of ours."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Turn:
    """One turn."""

    __slots__ = ("role", "text")

    def __init__(self, role: str, text: str) -> None:
        self.role = role
        self.text = text


class Log:
    """Keeps its entries."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[dict[str, object]] = []

    def info(self, content: str, **fields: object) -> None:
        """Keeps one entry."""
        self.entries.append({"level": "info", "content": content, **fields})


class Conversation:
    """State, turns, a log, metrics."""

    def __init__(self, document: dict[str, object]) -> None:
        turns: list[dict[str, str]] = document["turns"]  # type: ignore[assignment]
        self.state: dict[str, object] = document["state"]  # type: ignore[assignment]
        self.history = [Turn(turn["role"], turn["text"]) for turn in turns]
        self.log = Log()
        self.metrics: list[dict[str, object]] = []

    def write_metric(self, name: str, value: object = None) -> None:
        """Keeps one metric."""
        self.metrics.append({"name": name, "value": value})


def run(function: Callable[[Conversation], object], document: bytes | str) -> str:
    """JSON in, JSON out: `state`, `metrics`, `logs`."""
    conv = Conversation(json.loads(document))
    function(conv)
    return json.dumps({"state": conv.state, "metrics": conv.metrics, "logs": conv.log.entries})


def load_function(project: str) -> Callable[[object], object]:
    """The project's `end_function`."""
    path = os.path.join(project, "functions", "end_function.py")
    with open(path) as file:
        names: dict[str, object] = {"__name__": "functions.end_function", "__file__": path}
        exec(compile(file.read(), path, "exec"), names)
    return names["end_function"]  # type: ignore[return-value]
