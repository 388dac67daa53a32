# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`conv.log`, which is also the bare `log` of every project module."""

class ConversationLogger:
    """Writes entries on the run. Fields may be any objects; what JSON lacks is kept as its `repr`.

    Nothing that the arguments do when they are looked at ends the run.
    """

    def info(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level info."""

    def warning(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level warning."""

    def error(self, content: object, is_pii: bool = False, **fields: object) -> None:
        """An entry of level error."""
    warn = warning

log: ConversationLogger
