"""What everyone who is measured runs: a dozen reads of state, one regular expression over every turn, two log entries,
three metrics, 2 KB of state left behind."""

import re
import time

ORDER = re.compile(r"\border (?:number )?(\d{4,6})\b", re.IGNORECASE)
READ = (
    "name", "customer_id", "topic", "sentiment", "resolved", "language",
    "city", "plan", "callback", "priority", "agent", "pause_s",
)  # fmt: skip


def end_function(conv):
    """Leaves a report of the conversation in its state."""
    known = {name: conv.state.get(name) for name in READ}
    orders = [number for turn in conv.history for number in ORDER.findall(turn.text)]
    conv.log.info(
        "conversation read", turns=len(conv.history), known=sum(value is not None for value in known.values())
    )
    if known["pause_s"]:
        time.sleep(known["pause_s"])
    conv.state["report"] = {
        "customer": known["customer_id"],
        "topic": known["topic"],
        "orders": orders,
        "excerpt": [f"{turn.role}: {turn.text[:54]}" for turn in conv.history],
    }
    conv.write_metric("TOPIC", known["topic"])
    conv.write_metric("ORDERS", len(orders))
    conv.write_metric("RESOLVED", bool(known["resolved"]))
    conv.log.info("report made", orders=len(orders), topic=known["topic"])
