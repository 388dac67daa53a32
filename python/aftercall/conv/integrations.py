"""Configured APIs and pre-built integrations. Both need configuration that a project brings; without it they say so."""

from __future__ import annotations

from collections.abc import Mapping

from aftercall.conv.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aftercall.conv.conversation import Conversation


class NotConfigured(RuntimeError):
    """Something that needs configuration was used without it; the text names what is missing."""


class ApiIntegrationData(Record):
    """An API of `config/api_integrations.yaml`."""

    def __init__(
        self,
        id: str,
        name: str,
        environments: dict[str, dict[str, str]],
        operations: list[dict[str, str]],
    ) -> None:
        self.id = id
        self.name = name
        self.environments = environments
        self.operations = operations

    def to_dict(self) -> dict[str, object]:
        """The fields by name."""
        return dict(self.__dict__)

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> ApiIntegrationData:
        """From the fields by name; absent ones are empty."""
        environments, operations = data.get("environments"), data.get("operations")
        return cls(
            str(data.get("id", "")),
            str(data.get("name", "")),
            dict(environments) if isinstance(environments, dict) else {},
            list(operations) if isinstance(operations, list) else [],
        )


class ApiExecutor:
    """`conv.api`: `conv.api.<integration>.<operation>(…)`."""

    def __init__(self, conv: Conversation, api_integrations: list[ApiIntegrationData] | None = None) -> None:
        self._env = conv.env
        self._names = [api.name for api in api_integrations or []]

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotConfigured(
            f"conv.api.{name}: the environment {self._env!r} has no base URL and credentials for {name!r}"
        )


class Integration:
    """One pre-built integration."""

    def __init__(self, name: str, operations: tuple[str, ...] = ()) -> None:
        self._name = name
        self._operations = operations

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._operations and name not in self._operations:
            raise AttributeError(f"integration {self._name!r} has no operation {name!r}")
        return self.proxy_request

    def proxy_request(self, *_args: object, **_kwargs: object) -> object:
        """Raises `NotConfigured`."""
        raise NotConfigured(f"the integration {self._name!r} is not configured: it needs an account and credentials")


class Tripleseat(Integration):
    """Leads and bookings of Tripleseat."""

    def __init__(self) -> None:
        super().__init__("tripleseat", ("create_lead", "get_bookings"))


class OpenTable(Integration):
    """Reservations of OpenTable."""

    def __init__(self) -> None:
        super().__init__(
            "opentable",
            (
                "check_availability",
                "check_availability_v2",
                "lock_slot",
                "make_reservation",
                "lookup_bookings",
                "update_reservation",
                "cancel_booking",
                "get_reservation",
                "get_experiences",
            ),
        )


class Integrations:
    """`conv.integrations`."""

    def __init__(self) -> None:
        self.tripleseat = Tripleseat()
        self.opentable = OpenTable()

    def __getattr__(self, name: str) -> Integration:
        if name.startswith("_"):
            raise AttributeError(name)
        return Integration(name)

    def proxy_request(
        self,
        integration_id: str,
        endpoint: str,
        http_method: str = "GET",
        headers: dict[str, str] | None = None,
        params: dict[str, object] | None = None,
        body: object = None,
    ) -> object:
        """Raises `NotConfigured`."""
        return Integration(integration_id).proxy_request(endpoint, http_method, headers, params, body)
