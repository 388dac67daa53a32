from _gen import *  # <AUTO GENERATED>

import json

from functions.tickets import ticket_for  # absolute, as some files import
from .kb_constants import ESCALATION_WORDS, MAX_SUMMARY_LETTERS
from .models import OrderDetails
from .timing import minutes_between, waited_seconds


@func_description("Writes the summary, the metrics and the ticket of a finished conversation.")
def end_function(conv: Conversation):
    words = transcript(conv)
    conv.log.info("summarising", turns=len(conv.history), channel=conv.channel_type, direction=conv.direction)

    summary = {
        "conversation": conv.id,
        "topic": conv.state.get("topic", "unknown"),
        "resolved": bool(conv.state.resolved),
        "escalated": is_escalated(conv, words),
        "minutes": minutes_between(conv.started_at, conv.ended_at),
    }
    order = conv.state.order_details
    if isinstance(order, OrderDetails):
        # A dataclass that was put into state during the call is a dataclass again.
        summary["order"] = order.order_id
        conv.write_metric("ORDER_TOTAL", float(order.total))
        conv.write_metric("ORDER_ITEMS", len(order.items))
    if conv.state.call_start is not None:
        conv.write_metric("SECONDS_UNTIL_TOPIC", waited_seconds(conv.state.call_start, conv.state.topic_found_at))

    conv.write_metric("RESOLVED", summary["resolved"])
    conv.write_metric("CONTAINED", not summary["escalated"], write_once=True)
    for word in sorted(w for w in ESCALATION_WORDS if w in words.lower()):
        conv.write_metric("ESCALATION_WORD", word)

    if summary["escalated"]:
        conv.state.ticket = ticket_for(conv, summary, words)
        conv.log.warning("needs a person", is_pii=False, ticket=conv.state.ticket["reference"])
    if "REPEAT_CALLER_CONV_ID" in conv.memory:
        conv.write_metric("REPEAT_CALLER", True)
        summary["last_conversation"] = conv.memory["REPEAT_CALLER_CONV_ID"]

    conv.state.summary = words[:MAX_SUMMARY_LETTERS]
    conv.state.outcome = summary
    print(json.dumps(summary, ensure_ascii=False, default=str))


def transcript(conv):
    speakers = {"UserInput": "Customer", "AgentResponse": "Agent"}
    return "\n".join(f"{speakers[type(turn).__name__]}: {turn.text}" for turn in conv.history if turn.text)


def is_escalated(conv, words):
    return bool(conv.handoff) or any(word in words.lower() for word in ESCALATION_WORDS)
