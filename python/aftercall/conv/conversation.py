"""The `conv` object: its document, and what it does after the call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

from aftercall.conv.document import Run
from aftercall.conv.during_call import DuringCall
from aftercall.conv.errors import MissingTemplate
from aftercall.conv.flow import FunctionExecutor
from aftercall.conv.host import current
from aftercall.conv.integrations import ApiExecutor, Integrations
from aftercall.conv.jsonable import Limits, jsonable
from aftercall.conv.log import ConversationLogger, log
from aftercall.conv.metrics import MAX_METRICS, metric_name, metric_value, warn_of_too_many
from aftercall.conv.sms import OutgoingSMS, OutgoingSMSTemplate
from aftercall.conv.utils import Utils
from aftercall.texts import safe_str, truth

#: Characters of an error answer that `log_api_response` keeps.
MAX_ERROR_BODY = 2_000
#: Warnings about one queued action.
MAX_ACTION_WARNINGS = 5
#: Values of one queued action, and characters of each text in it.
_ACTION_LIMITS = Limits(values=10_000, text=1024 * 1024)

Action = dict[str, object]


class Conversation(DuringCall):
    """A finished conversation, as `end_function(conv)` is given it.

    What it sends (messages, mail, surveys) is queued and leaves only when the run has committed.
    """

    def __init__(
        self,
        document: Mapping[str, object],
        state: Mapping[str, object],
        env: str = "sandbox",
        run: Run | None = None,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(document, state, env, run or Run("", 1, ""), defaults or {})
        self._metrics: list[dict[str, object]] = []
        self._too_many_metrics = False
        self._actions: list[Action] = []
        self._sms: list[OutgoingSMS | OutgoingSMSTemplate] = []

    @property
    def log(self) -> ConversationLogger:
        """The run's log."""
        return log

    @cached_property
    def functions(self) -> FunctionExecutor:
        """The project's functions: `conv.functions.name(…)`."""
        return FunctionExecutor(self)

    @cached_property
    def api(self) -> ApiExecutor:
        """The project's configured APIs."""
        return ApiExecutor(self)

    @cached_property
    def integrations(self) -> Integrations:
        """Pre-built integrations."""
        return Integrations()

    @cached_property
    def utils(self) -> Utils:
        """Helpers."""
        return Utils()

    @property
    def metrics_queue(self) -> list[dict[str, object]]:
        """Metrics that this run has queued so far: `name`, `value`, and `write_once` where it was asked for."""
        return [dict(metric) for metric in self._metrics]

    @property
    def sms_queue(self) -> list[OutgoingSMS | OutgoingSMSTemplate]:
        """Text messages that this run has queued so far."""
        return list(self._sms)

    def write_metric(self, name: str, value: object = None, *, write_once: bool = False) -> None:
        """Queues a metric: str, int, float, bool or None. Other values are kept as JSON text, with a warning.

        With `write_once`, nothing is written when the call or the run has written the name already. A name has 512
        bytes at most: a longer one is cut, a metric without a name is not kept, both with a warning.
        """
        name = metric_name(name)
        if not name:
            return
        write_once = truth(write_once)
        if write_once and self._has_written(name):
            return
        if len(self._metrics) >= MAX_METRICS:
            if not self._too_many_metrics:
                self._too_many_metrics = True
                warn_of_too_many()
            return
        metric: dict[str, object] = {"name": name, "value": metric_value(name, value)}
        if write_once:
            metric["write_once"] = True
        self._metrics.append(metric)

    def _has_written(self, name: str) -> bool:
        return any(event.name == name for event in self.metric_events) or any(
            metric["name"] == name for metric in self._metrics
        )

    def _queue(self, kind: str, **fields: object) -> None:
        """Keeps an action as it is now, as plain data: what is queued must reach whoever carries it out."""
        notes: list[str] = []
        given = {name: value for name, value in fields.items() if value is not None}
        kept = jsonable(given, _ACTION_LIMITS, safe_str, notes)
        assert isinstance(kept, dict)
        self._actions.append({"kind": kind, **kept})
        for note in notes[:MAX_ACTION_WARNINGS]:
            current.host.log("warning", f"queued action {kind}: {note}", False, "runtime", None)

    def send_sms(self, to_number: str, from_number: str, content: str, retry_count: int | None = None) -> None:
        """Queues a text message."""
        self._sms.append(OutgoingSMS(to_number, from_number, content))
        self._queue("sms", to=to_number, **{"from": from_number}, content=content, retry_count=retry_count)

    def send_sms_template(self, to_number: str, template: str, retry_count: int | None = None) -> None:
        """Queues a text message from a template, filled in now. `MissingTemplate` for an unknown name."""
        found = self.sms_templates.get(template)
        if found is None:
            known = ", ".join(sorted(self.sms_templates)) or "none"
            raise MissingTemplate(f"there is no SMS template {template!r}; there are: {known}")
        self._sms.append(OutgoingSMSTemplate(to_number, template))
        unfilled: list[str] = []
        content = self._filled(found.content, unfilled)
        if unfilled:
            names = ", ".join(unfilled[:MAX_ACTION_WARNINGS])
            text = f"send_sms_template({template!r}): nothing fills {names}: sent as it stands"
            current.host.log("warning", text, False, "runtime", None)
        sender = {"from": found.phone_number or None}
        self._queue("sms", to=to_number, **sender, content=content, template=template, retry_count=retry_count)

    def _filled(self, text: str, unfilled: list[str]) -> str:
        """`text` with `{{vrbl:name}}` and `$name` from state, `${name}` from the variant's attributes.

        Placeholders that nothing fills stay as they are, and are added to `unfilled`.
        """
        import re

        attributes: Mapping[str, object] = self.variant or {}

        def value(found: re.Match[str]) -> str:
            braced, plain, variant = found.groups()
            if variant is not None:
                attribute = self.variant_name if variant == "variant_name" else attributes.get(variant)
                return safe_str(attribute) if attribute is not None else left(found[0])
            name = braced or plain
            if name in self.state:
                return safe_str(self.state[name])
            # `$5` is an amount of money as often as not
            return found[0] if plain and plain[0].isdigit() else left(found[0])

        def left(placeholder: str) -> str:
            unfilled.append(placeholder)
            return placeholder

        return re.sub(r"\{\{\s*vrbl:\s*(\w+)\s*\}\}|\$(\w+)|\$\{(\w+)\}", value, text)

    def send_whatsapp(
        self,
        to_number: str,
        from_number: str,
        content_id: str,
        content: str = "",
        retry_count: int | None = None,
    ) -> None:
        """Queues a WhatsApp message made from the provider's template `content_id`."""
        self._sms.append(OutgoingSMS(to_number, from_number, content, content_id))
        self._queue(
            "whatsapp",
            to=to_number,
            **{"from": from_number},
            content_id=content_id,
            content=content or None,
            retry_count=retry_count,
        )

    def send_content_template(
        self,
        messaging_service_id: str,
        to_number: str,
        content_id: str,
        content: str = "",
        whatsapp: bool = False,
        content_variables: dict[str, object] | None = None,
        retry_count: int | None = None,
    ) -> None:
        """Queues a message from the provider's template `content_id`, with its variables."""
        self._sms.append(OutgoingSMS(to_number, messaging_service_id, content, content_id))
        self._queue(
            "content_template",
            messaging_service_id=messaging_service_id,
            to=to_number,
            content_id=content_id,
            content=content or None,
            whatsapp=whatsapp,
            content_variables=content_variables,
            retry_count=retry_count,
        )

    def send_email(self, to: str, body: str, subject: str = "") -> None:
        """Queues a mail."""
        self._queue("email", to=to, subject=subject, body=body)

    def set_csat_eligibility(self, eligible: bool, reason: str | None = None) -> None:
        """False: no survey, whatever other rules say. True: the other rules decide."""
        self._queue("csat_eligibility", eligible=truth(eligible), reason=reason)

    def set_csat_phone_number(self, phone_number: str) -> None:
        """Where a survey by text message goes."""
        self._queue("csat_phone_number", phone_number=phone_number)

    def set_csat_score(self, score: int) -> None:
        """Records a score from 1 to 5."""
        if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
            raise ValueError(f"a CSAT score is an integer from 1 to 5, not {score!r}")
        self._queue("csat_score", score=score)

    def set_csat_survey_entered(self) -> None:
        """Records that the caller has taken up the survey."""
        self._queue("csat_survey_entered")

    def goto_csat_flow(self) -> None:
        """Asks for a survey; it goes out after the run has committed."""
        self._queue("csat_survey")

    def discard_recording(self) -> None:
        """Asks the platform to drop the recording."""
        self._queue("discard_recording")

    def generate_external_event(self, *, send_to_llm: bool = False) -> str:
        """An id under which, for an hour, a payload can be posted to this conversation."""
        event = os.urandom(16).hex()
        self._queue("external_event", id=event, send_to_llm=truth(send_to_llm))
        return event

    def log_api_response(self, response: object, override_url: str | None = None) -> None:
        """An entry with URL, method, status and time of an answer of `requests`, and its body when it is not 2xx."""
        status = _part(response, "status_code")
        method = _part(response, "request", "method")
        url = override_url if isinstance(override_url, str) else _part(response, "url")
        fields: dict[str, object] = {"url": url, "method": method, "status": status}
        elapsed = _part(response, "elapsed")
        if isinstance(elapsed, timedelta):
            fields["response_time_s"] = elapsed.total_seconds()
        succeeded = isinstance(status, int) and 200 <= status < 300
        if not succeeded:
            fields["error_body"] = safe_str(_part(response, "text") or "")[:MAX_ERROR_BODY]
        level = "info" if succeeded else "error"
        text = f"{safe_str(method)} {safe_str(url)}: {safe_str(status)}"
        current.host.log(level, text, False, "conversation_logger", fields)


def _part(value: object, *names: str) -> object:
    """An attribute of an attribute; None where there is none, or where it raises (a body that was never read)."""
    for name in names:
        try:
            value = getattr(value, name, None)
        except Exception:
            return None
    return value
