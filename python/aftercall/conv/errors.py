"""The exceptions that user code may catch."""

from __future__ import annotations


class SMSIntegrationNotFound(Exception):
    """The secret has no integration of that provider."""

    def __init__(self, secret_name: str, integration: str) -> None:
        super().__init__(f"secret {secret_name!r} has no {integration} integration")
        self.secret_name, self.integration = secret_name, integration


class SMSMissingAssistantAccess(Exception):
    """The assistant may not use the secret."""

    def __init__(self, secret_name: str, assistant_id: str, integration: str) -> None:
        super().__init__(f"assistant {assistant_id!r} has no access to secret {secret_name!r} ({integration})")
        self.secret_name, self.assistant_id, self.integration = secret_name, assistant_id, integration


class MissingTemplate(Exception):
    """There is no SMS template of that name."""


class MissingHandoff(Exception):
    """There is no hand-off destination of that name."""

    def __init__(self, handoff_destination: str) -> None:
        super().__init__(f"there is no hand-off destination {handoff_destination!r}")
        self.handoff_destination = handoff_destination


class SecretNotFound(Exception):
    """There is no secret of that name."""

    def __init__(self, secret_name: str) -> None:
        super().__init__(f"there is no secret {secret_name!r}")
        self.secret_name = secret_name


class MissingAccess(Exception):
    """The project may not read that secret."""

    def __init__(self, assistant_id: str, secret_name: str) -> None:
        super().__init__(f"{assistant_id!r} has no access to secret {secret_name!r}")
        self.assistant_id, self.secret_name = assistant_id, secret_name


class InvalidInput(Exception):
    """The request for a secret was malformed."""

    def __init__(self, assistant_id: str, secret_name: str) -> None:
        super().__init__(f"{secret_name!r} is not a name that a secret of {assistant_id!r} can have")
        self.assistant_id, self.secret_name = assistant_id, secret_name


class SMSClientFailure(Exception):
    """The provider did not take the message."""

    def __init__(self, integration: str, reason: str) -> None:
        super().__init__(f"{integration}: {reason}")
        self.integration, self.reason = integration, reason


class ExtractionError(Exception):
    """Nothing could be extracted."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ChatCompletionError(Exception):
    """The model did not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PromptLLMCallLimitError(Exception):
    """The run has asked the model as often as it may."""
