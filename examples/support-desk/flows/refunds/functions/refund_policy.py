from _gen import *  # <AUTO GENERATED>


@func_description("How long a customer has to send something back.")
def refund_policy(conv: Conversation, flow: Flow):
    return {"days": 30}
