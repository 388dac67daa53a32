import hashlib

from .kb_constants import MAX_SUMMARY_LETTERS

PRIORITIES = {"billing": "high", "outage": "urgent"}


def ticket_for(conv, summary, words):
    """What would go to the ticket system; the reference follows from the conversation, so that a retry makes the same."""
    handoff = conv.handoff
    return {
        "reference": "SD-" + hashlib.sha256(conv.id.encode()).hexdigest()[:8].upper(),
        "priority": PRIORITIES.get(summary["topic"], "normal"),
        "queue": getattr(handoff, "destination", None) or "general",
        "text": words[:MAX_SUMMARY_LETTERS],
    }
