"""`conv.log`, which is also the bare `log` of every project module."""

from __future__ import annotations

from aftercall.conv.host import current
from aftercall.texts import safe_str, truth


class ConversationLogger:
    """Writes entries on the run. Fields may be any objects; what JSON lacks is kept as its `repr`.

    Nothing that the arguments do when they are looked at ends the run.
    """

    __slots__ = ()

    def info(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level info."""
        current.host.log("info", safe_str(content), truth(is_pii), "conversation_logger", fields or None)

    def warning(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level warning."""
        current.host.log("warning", safe_str(content), truth(is_pii), "conversation_logger", fields or None)

    def error(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level error."""
        current.host.log("error", safe_str(content), truth(is_pii), "conversation_logger", fields or None)

    warn = warning


#: The logger that is injected as `log`.
log = ConversationLogger()
