# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Configured APIs and pre-built integrations. Both need configuration that a project brings; without it they say so."""

from collections.abc import Mapping
from typing import Any

from _gen.conversation import Conversation
from _gen.record import Record

class ApiIntegrationData(Record):
    """An API of `config/api_integrations.yaml`."""

    id: str
    name: str
    environments: dict[str, dict[str, str]]
    operations: list[dict[str, str]]

    def __init__(
        self, id: str, name: str, environments: dict[str, dict[str, str]], operations: list[dict[str, str]]
    ) -> None: ...
    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ApiIntegrationData:
        """From the fields by name; absent ones are empty."""

class ApiExecutor:
    """`conv.api`: `conv.api.<integration>.<operation>(…)`."""

    def __init__(self, conv: Conversation, api_integrations: list[ApiIntegrationData] | None = None) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

class Integration:
    """One pre-built integration."""

    def __init__(self, name: str, operations: tuple[str, ...] = ()) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def proxy_request(self, *_args: object, **_kwargs: object) -> Any:
        """Raises `NotConfigured`."""

class Tripleseat(Integration):
    """Leads and bookings of Tripleseat."""

    def __init__(self) -> None: ...

class OpenTable(Integration):
    """Reservations of OpenTable."""

    def __init__(self) -> None: ...

class Integrations:
    """`conv.integrations`."""

    tripleseat: Tripleseat
    opentable: OpenTable

    def __init__(self) -> None: ...
    def __getattr__(self, name: str) -> Integration: ...
    def proxy_request(
        self,
        integration_id: str,
        endpoint: str,
        http_method: str = "GET",
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        body: object = None,
    ) -> Any:
        """Raises `NotConfigured`."""
