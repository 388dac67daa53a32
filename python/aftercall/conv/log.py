"""`conv.log`, which is also the bare `log` of every project module."""

from __future__ import annotations

from aftercall.conv.host import current


def text_of(content: object) -> str:
    """`str(content)`; never an exception, since a log call must not end a run."""
    if type(content) is str:
        return content
    try:
        return str(content)
    except Exception as error:
        return f"<{type(content).__qualname__}: str() raised {type(error).__name__}>"


class ConversationLogger:
    """Writes entries on the run. Fields may be any objects; what JSON lacks is kept as its `repr`."""

    __slots__ = ()

    def info(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level info."""
        current.host.log("info", text_of(content), bool(is_pii), "conversation_logger", fields or None)

    def warning(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level warning."""
        current.host.log("warning", text_of(content), bool(is_pii), "conversation_logger", fields or None)

    def error(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level error."""
        current.host.log("error", text_of(content), bool(is_pii), "conversation_logger", fields or None)

    warn = warning


#: The logger that is injected as `log`.
log = ConversationLogger()
