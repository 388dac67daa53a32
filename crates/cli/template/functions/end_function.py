from _gen import *  # <AUTO GENERATED>

from .summary import summarise


def end_function(conv: Conversation):
    """Runs once for every finished conversation, in a process of its own."""
    summary = summarise(conv)
    conv.log.info("conversation is over", turns=summary["turns"], channel=conv.channel_type)

    conv.write_metric("USER_TURNS", summary["user_turns"])
    conv.write_metric("RESOLVED", bool(conv.state.resolved))

    # What is written to state is kept on the conversation.
    conv.state.summary = summary["text"]
