# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Text messages and mail, as values. What is queued is sent when the run has committed, never from here."""

from typing import Any, TypeAlias

from _gen.record import Record

class SMSCredentials(Record):
    """An account of a provider."""

    account_sid: str
    auth_token: str

    def __init__(self, account_sid: str, auth_token: str) -> None: ...

class SMSTemplate(Record):
    """A text with placeholders, and the number that it is sent from."""

    name: str
    content: str
    phone_number: str

    def __init__(self, name: str, content: str, phone_number: str) -> None: ...

class OutgoingSMSTemplate(Record):
    """A template to send."""

    to_number: str
    template: str

    def __init__(self, to_number: str, template: str) -> None: ...

class OutgoingSMS(Record):
    """A text to send; `content_id` is the provider's own template (WhatsApp)."""

    to_number: str
    from_number: str
    content: str
    content_id: str | None

    def __init__(self, to_number: str, from_number: str, content: str, content_id: str | None = None) -> None: ...

SMSObj: TypeAlias = OutgoingSMS | OutgoingSMSTemplate

class SMSSentEvent(Record):
    """An attempt to send, and whether it was taken."""

    success: bool
    sms: SMSObj

    def __init__(self, success: bool, sms: SMSObj) -> None: ...
    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> SMSSentEvent:
        """From `{"success", "sms": {…}}`."""

    def to_dict(self) -> dict[str, Any]:
        """`{"success", "sms": {…}}`"""

class SMSClient:
    """A provider's client. Messages leave through the run's queue, so a client of its own sends nothing."""

    provider: str
    sms_credentials: SMSCredentials

    def __init__(self, sms_credentials: SMSCredentials) -> None: ...
    def send_sms(self, sms: OutgoingSMS) -> dict[str, Any]:
        """Raises `SMSClientFailure`: use `conv.send_sms`."""

    def retry_send_sms(self, sms: OutgoingSMS, retry_count: int) -> dict[str, Any]:
        """As `send_sms`."""

class TwilioSMSClient(SMSClient):
    """Twilio's."""

    provider: str

class TelnyxSMSClient(SMSClient):
    """Telnyx's."""

    provider: str

class OutgoingEmail(Record):
    """A mail to send."""

    to: str
    body: str
    subject: str

    def __init__(self, to: str, body: str, subject: str = "") -> None: ...
    def asdict(self) -> dict[str, str]:
        """`to`, `body`, `subject`."""
