# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""The turns of a conversation."""

class _Turn:
    role: str
    text: str

    def __init__(self, text: str) -> None: ...
    def to_dict(self) -> dict[str, str]:
        """`{"type": "user" | "agent", "text": …}`"""

    def to_string(self) -> str:
        """`User: …` or `Agent: …`"""

class UserInput(_Turn):
    """What the caller said or wrote."""

    role: str

class AgentResponse(_Turn):
    """What the agent said or wrote."""

    role: str
