from _gen import *  # <AUTO GENERATED>

import time

from .crm import post

#: Seconds between the two writes, as a summary by a model would take.
SUMMARY_S = 3


def end_function(conv: Conversation):
    """Writes the caller and a note to a CRM, as most end functions do, and as they are told to: nothing in it may fail."""
    if not conv.state.crm:
        conv.log.info("this conversation names no CRM")
        return
    try:
        contact = post(conv.state.crm, "/contacts", {"conversation": conv.id, "phone": conv.caller_number})
        time.sleep(SUMMARY_S)
        said = [turn.text for turn in conv.history if turn.role == "user"]
        note = post(conv.state.crm, "/notes", {"conversation": conv.id, "contact": contact["id"], "text": " ".join(said)})
        conv.state.note = note["id"]
    except Exception as error:
        conv.log.error("the CRM could not be told", error=error)
