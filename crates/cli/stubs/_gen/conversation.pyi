# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""The `conv` object: its document, and what it does after the call."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from _gen.document import Run
from _gen.during_call import DuringCall
from _gen.flow import FunctionExecutor
from _gen.integrations import ApiExecutor, Integrations
from _gen.log import ConversationLogger
from _gen.sms import OutgoingSMS, OutgoingSMSTemplate
from _gen.utils import Utils

class Conversation(DuringCall):
    """A finished conversation, as `end_function(conv)` is given it.

    What it sends (messages, mail, surveys) is queued and leaves only when the run has committed.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        state: Mapping[str, Any],
        env: str = "sandbox",
        run: Run | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None: ...
    @property
    def log(self) -> ConversationLogger:
        """The run's log."""

    @cached_property
    def functions(self) -> FunctionExecutor:
        """The project's functions: `conv.functions.name(…)`."""

    @cached_property
    def api(self) -> ApiExecutor:
        """The project's configured APIs."""

    @cached_property
    def integrations(self) -> Integrations:
        """Pre-built integrations."""

    @cached_property
    def utils(self) -> Utils:
        """Helpers."""

    @property
    def metrics_queue(self) -> list[dict[str, Any]]:
        """Metrics that this run has queued so far: `name`, `value`, and `write_once` where it was asked for."""

    @property
    def sms_queue(self) -> list[OutgoingSMS | OutgoingSMSTemplate]:
        """Text messages that this run has queued so far."""

    def write_metric(self, name: str, value: object = None, *, write_once: bool = False) -> None:
        """Queues a metric: str, int, float, bool or None. Other values are kept as JSON text, with a warning.

        With `write_once`, nothing is written when the call or the run has written the name already. A name has 512
        bytes at most: a longer one is cut, a metric without a name is not kept, both with a warning.
        """

    def send_sms(self, to_number: str, from_number: str, content: str, retry_count: int | None = None) -> None:
        """Queues a text message."""

    def send_sms_template(self, to_number: str, template: str, retry_count: int | None = None) -> None:
        """Queues a text message from a template, filled in now. `MissingTemplate` for an unknown name."""

    def send_whatsapp(
        self, to_number: str, from_number: str, content_id: str, content: str = "", retry_count: int | None = None
    ) -> None:
        """Queues a WhatsApp message made from the provider's template `content_id`."""

    def send_content_template(
        self,
        messaging_service_id: str,
        to_number: str,
        content_id: str,
        content: str = "",
        whatsapp: bool = False,
        content_variables: dict[str, Any] | None = None,
        retry_count: int | None = None,
    ) -> None:
        """Queues a message from the provider's template `content_id`, with its variables."""

    def send_email(self, to: str, body: str, subject: str = "") -> None:
        """Queues a mail."""

    def set_csat_eligibility(self, eligible: bool, reason: str | None = None) -> None:
        """False: no survey, whatever other rules say. True: the other rules decide."""

    def set_csat_phone_number(self, phone_number: str) -> None:
        """Where a survey by text message goes."""

    def set_csat_score(self, score: int) -> None:
        """Records a score from 1 to 5."""

    def set_csat_survey_entered(self) -> None:
        """Records that the caller has taken up the survey."""

    def goto_csat_flow(self) -> None:
        """Asks for a survey; it goes out after the run has committed."""

    def discard_recording(self) -> None:
        """Asks the platform to drop the recording."""

    def generate_external_event(self, *, send_to_llm: bool = False) -> str:
        """An id under which, for an hour, a payload can be posted to this conversation."""

    def log_api_response(self, response: object, override_url: str | None = None) -> None:
        """An entry with URL, method, status and time of an answer of `requests`, and its body when it is not 2xx."""
