"""Text messages and mail, as values. What is queued is sent when the run has committed, never from here."""

from __future__ import annotations

from aftercall.conv.errors import SMSClientFailure
from aftercall.conv.record import Record


class SMSCredentials(Record):
    """An account of a provider."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token

    def __repr__(self) -> str:
        return f"SMSCredentials(account_sid={self.account_sid!r}, auth_token=…)"


class SMSTemplate(Record):
    """A text with placeholders, and the number that it is sent from."""

    def __init__(self, name: str, content: str, phone_number: str) -> None:
        self.name = name
        self.content = content
        self.phone_number = phone_number


class OutgoingSMSTemplate(Record):
    """A template to send."""

    def __init__(self, to_number: str, template: str) -> None:
        self.to_number = to_number
        self.template = template


class OutgoingSMS(Record):
    """A text to send; `content_id` is the provider's own template (WhatsApp)."""

    def __init__(self, to_number: str, from_number: str, content: str, content_id: str | None = None) -> None:
        self.to_number = to_number
        self.from_number = from_number
        self.content = content
        self.content_id = content_id


SMSObj = OutgoingSMS | OutgoingSMSTemplate


class SMSSentEvent(Record):
    """An attempt to send, and whether it was taken."""

    def __init__(self, success: bool, sms: SMSObj) -> None:
        self.success = success
        self.sms = sms

    @classmethod
    def from_dict(cls, d: dict[str, object]) -> SMSSentEvent:
        """From `{"success", "sms": {…}}`."""
        sms = d["sms"]
        if not isinstance(sms, dict):
            raise TypeError("'sms' must be an object")
        kind = OutgoingSMSTemplate if "template" in sms else OutgoingSMS
        return cls(bool(d["success"]), kind(**sms))

    def to_dict(self) -> dict[str, object]:
        """`{"success", "sms": {…}}`"""
        return {"success": self.success, "sms": dict(self.sms.__dict__)}


class SMSClient:
    """A provider's client. Messages leave through the run's queue, so a client of its own sends nothing."""

    provider = "sms"

    def __init__(self, sms_credentials: SMSCredentials) -> None:
        self.sms_credentials = sms_credentials

    def send_sms(self, sms: OutgoingSMS) -> dict[str, object]:
        """Raises `SMSClientFailure`: use `conv.send_sms`."""
        raise SMSClientFailure(self.provider, "use conv.send_sms: messages are sent once the run has committed")

    def retry_send_sms(self, sms: OutgoingSMS, retry_count: int) -> dict[str, object]:
        """As `send_sms`."""
        return self.send_sms(sms)


class TwilioSMSClient(SMSClient):
    """Twilio's."""

    provider = "twilio"


class TelnyxSMSClient(SMSClient):
    """Telnyx's."""

    provider = "telnyx"


class OutgoingEmail(Record):
    """A mail to send."""

    def __init__(self, to: str, body: str, subject: str = "") -> None:
        self.to = to
        self.body = body
        self.subject = subject

    def asdict(self) -> dict[str, str]:
        """`to`, `body`, `subject`."""
        return {"to": self.to, "body": self.body, "subject": self.subject}
