def end_function(conv):
    """The smallest project: one file, nothing imported."""
    said = [turn.text for turn in conv.history if turn.role == "user" and turn.text]
    log.info("hello from the other side of the call", turns=len(conv.history))  # noqa: F821 - every module has `log`
    conv.write_metric("CALLER_SPOKE", bool(said))
    conv.state.first_words = said[0] if said else None
