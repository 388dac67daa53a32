from _gen import *  # <AUTO GENERATED>

from .scenarios import SCENARIOS
from .summary import summarise


def end_function(conv: Conversation):
    """Does what the conversation's state asks for in `demo`; most ask for nothing."""
    conv.log.info("conversation is over", channel=conv.channel_type, turns=len(conv.history), attempt=conv.run.attempt)

    scenario = SCENARIOS.get(conv.state.demo)
    if scenario is not None:
        scenario(conv)

    summary = summarise(conv)
    conv.write_metric("USER_TURNS", summary["user_turns"])
    conv.write_metric("HANDED_OFF", summary["handed_off"])
    conv.write_metric("DURATION_S", conv.duration)
    conv.state.summary = summary["text"]
