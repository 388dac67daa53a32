"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `error`: it is certain to fail. `warning`: it may. `note`: it works, though perhaps not as meant.
Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One finding, with the place and the way out."""

    level: Level
    code: str
    message: str
    file: str
    line: int
    fix: str
    #: Whether it is met while the project is imported, or only when a conversation is handled.
    when: Literal["import", "run"] = "run"

    def document(self) -> dict[str, object]:
        """The fields by name."""
        return dict(vars(self))
