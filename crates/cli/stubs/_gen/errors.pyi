# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""The exceptions that user code may catch."""

class SMSIntegrationNotFound(Exception):
    """The secret has no integration of that provider."""

    def __init__(self, secret_name: str, integration: str) -> None: ...

class SMSMissingAssistantAccess(Exception):
    """The assistant may not use the secret."""

    def __init__(self, secret_name: str, assistant_id: str, integration: str) -> None: ...

class MissingTemplate(Exception):
    """There is no SMS template of that name."""

class MissingHandoff(Exception):
    """There is no hand-off destination of that name."""

    handoff_destination: str

    def __init__(self, handoff_destination: str) -> None: ...

class SecretNotFound(Exception):
    """There is no secret of that name."""

    secret_name: str

    def __init__(self, secret_name: str) -> None: ...

class MissingAccess(Exception):
    """The project may not read that secret."""

    def __init__(self, assistant_id: str, secret_name: str) -> None: ...

class InvalidInput(Exception):
    """The request for a secret was malformed."""

    def __init__(self, assistant_id: str, secret_name: str) -> None: ...

class SMSClientFailure(Exception):
    """The provider did not take the message."""

    def __init__(self, integration: str, reason: str) -> None: ...

class ExtractionError(Exception):
    """Nothing could be extracted."""

    message: str

    def __init__(self, message: str) -> None: ...

class ChatCompletionError(Exception):
    """The model did not answer."""

    message: str

    def __init__(self, message: str) -> None: ...

class PromptLLMCallLimitError(Exception):
    """The run has asked the model as often as it may."""
