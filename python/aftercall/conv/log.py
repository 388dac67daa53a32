"""`conv.log`, which is also the bare `log` of every project module."""

from __future__ import annotations

from aftercall.conv.host import current
from aftercall.texts import kind_name, safe_str, truth


def write(level: str, content: object, is_pii: object, logger: str, fields: dict[str, object]) -> None:
    """One entry. What `logging` would take for an argument (`info("%s paid", name)`) is kept, and warned of once."""
    host = current.host
    if is_pii is None or (type(is_pii) in (bool, int) and is_pii in (0, 1)):
        host.log(level, safe_str(content), bool(is_pii), logger, fields or None)
        return
    host.log(level, safe_str(content), truth(is_pii), logger, {"args": is_pii, **fields})
    if host.warned_of_arguments:
        return
    host.warned_of_arguments = True
    text = (
        f"log.{level}: the second argument is is_pii, not a value for the text: a {kind_name(is_pii)} was kept as the "
        'field "args". Write an f-string, or name it: log.info("paid", user=name)'
    )
    host.log("warning", text, False, "runtime", None)


class ConversationLogger:
    """Writes entries on the run. Fields may be any objects; what JSON lacks is kept as its `repr`.

    Nothing that the arguments do when they are looked at ends the run.
    """

    __slots__ = ()

    def info(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level info."""
        write("info", content, is_pii, "conversation_logger", fields)

    def warning(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level warning."""
        write("warning", content, is_pii, "conversation_logger", fields)

    def error(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level error."""
        write("error", content, is_pii, "conversation_logger", fields)

    warn = warning


#: The logger that is injected as `log`.
log = ConversationLogger()
