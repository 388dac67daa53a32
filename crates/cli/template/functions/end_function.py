from _gen import *  # <AUTO GENERATED>

from .summary import summarise


def end_function(conv: Conversation) -> None:
    """Runs once for every finished conversation, in a process of its own."""
    summary = summarise(conv)
    conv.log.info("conversation is over", turns=summary.turns, channel=conv.channel_type)

    conv.write_metric("USER_TURNS", summary.user_turns)
    conv.write_metric("RESOLVED", bool(conv.state.resolved))

    # What is written to state is kept on the conversation.
    conv.state.summary = summary.text

    if conv.state.call_back_on and conv.caller_number and conv.callee_number:
        # Queued: recorded on the run if it succeeds. This version does not send it.
        day = conv.state.call_back_on  # put into state as a date during the call, and a date again here
        text = f"We will call you back on {day:%A, %d %B}."
        conv.send_sms(to_number=conv.caller_number, from_number=conv.callee_number, content=text)
