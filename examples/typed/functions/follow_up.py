from _gen import *  # <AUTO GENERATED>

from .analysis import Analysis


def follow_up(conv: Conversation, analysis: Analysis) -> None:
    number = reachable_at(conv)
    if number is None or analysis.resolved:
        return
    try:
        conv.send_sms_template(number, template="follow_up")
    except MissingTemplate:
        conv.send_sms(number, conv.callee_number or "", content=greeting(conv))
    if mail := conv.entities.email:
        conv.send_email(to=mail.value, subject=f"Your call about {analysis.topic}", body=analysis.words)
    answer = conv.generate_external_event(send_to_llm=False)
    conv.log.info("will follow up", queued=len(conv.sms_queue), answer=answer, language=conv.language)


def reachable_at(conv: Conversation) -> str | None:
    """The caller's number in its one spelling, where there is one that can be sent to."""
    if conv.channel_type.startswith("webchat") or not conv.caller_number:
        return None
    checked = conv.utils.validate_entity(conv.caller_number, PhoneNumberConfig(regions={"GB", "US", "ES", "JP"}))
    if not checked.is_valid:
        log.warning("a number that cannot be sent to", is_pii=True, number=conv.caller_number, why=checked.message)
        return None
    return checked.value


def greeting(conv: Conversation) -> str:
    text = conv.translations.follow_up or "We will come back to you about your call."
    opening = conv.variant.greeting if conv.variant else None
    if "REPEAT_CALLER_CONV_ID" in conv.memory:
        opening = f"Hello again (we spoke in {conv.memory['REPEAT_CALLER_CONV_ID']})."
    return f"{opening} {text}" if opening else text
