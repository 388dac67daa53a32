"""The turns of a conversation."""

from __future__ import annotations


class _Turn:
    __slots__ = ("text",)

    role = ""
    _label = ""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_dict(self) -> dict[str, str]:
        """`{"type": "user" | "agent", "text": …}`"""
        return {"type": self.role, "text": self.text}

    def to_string(self) -> str:
        """`User: …` or `Agent: …`"""
        return f"{self._label}: {self.text}"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.text == other.text

    def __hash__(self) -> int:
        return hash((self.role, self.text))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class UserInput(_Turn):
    """What the caller said or wrote."""

    __slots__ = ()
    role = "user"
    _label = "User"


class AgentResponse(_Turn):
    """What the agent said or wrote."""

    __slots__ = ()
    role = "agent"
    _label = "Agent"
