"""An end function that uses about half of what `conv` has, and satisfies `mypy --strict`."""

from _gen import *  # <AUTO GENERATED>

import datetime

import plog
from utils.secret_vault import secret_vault

from .analysis import Analysis, analyse
from .follow_up import follow_up


@func_description("Sums up a finished conversation, and does what it left to be done.")
@plog.tmp_bind(step="end")
def end_function(conv: Conversation) -> None:
    analysis = analyse(conv)
    conv.log.info("analysed", turns=analysis.turns, topic=analysis.topic, channel=conv.channel_type)
    write_metrics(conv, analysis)

    conv.state.analysis = {"topic": analysis.topic, "resolved": analysis.resolved}
    conv.state.seen_at = conv.ended_at or conv.started_at
    if "attempts" in conv.state:
        del conv.state.attempts

    follow_up(conv, analysis)
    if conv.integration_attributes and not signed(conv.integration_attributes):
        conv.log.warning("the integration did not sign its attributes", is_pii=False)
    if conv.recording is not None and conv.state.get("recording_refused", False):
        conv.discard_recording()


def write_metrics(conv: Conversation, analysis: Analysis) -> None:
    conv.write_metric("TOPIC", analysis.topic)
    conv.write_metric("RESOLVED", analysis.resolved, write_once=True)
    conv.write_metric("SECONDS", conv.duration)
    conv.write_metric("ENDED_IN", conv.current_flow or conv.current_step or conv.ended_reason)
    if conv.started_at and conv.started_at.astimezone(datetime.UTC).hour >= 18:
        conv.write_metric("AFTER_HOURS")
    before = {event.name for event in conv.metric_events}
    if "CSAT_SCORE" not in before and analysis.resolved:
        conv.set_csat_eligibility(True, reason="resolved")
        conv.goto_csat_flow()
    if conv.direction == "outbound" or conv.platform == "dialler":
        conv.write_metric("CAMPAIGN", conv.real_time_config.get("campaign"))
    conv.log.info("queued", metrics=[metric["name"] for metric in conv.metrics_queue], run=conv.run.id, env=conv.env)


def signed(attributes: dict[str, object]) -> bool:
    try:
        secret = secret_vault.get_secret("integration")
    except (SecretNotFound, MissingAccess) as error:
        plog.exception("no secret", name=str(error))
        return True
    return isinstance(secret, str) and attributes.get("signature") == secret
