"""`conv.utils`."""

from __future__ import annotations

from aftercall.conv import entities as _entities
from aftercall.conv.errors import ExtractionError, SecretNotFound
from aftercall.conv.integrations import NotConfigured

_NO_MODEL = "no language model is configured for this environment"


class Utils:
    """Helpers that reach outside the conversation. What is not configured says so in its documented way."""

    EntityType = _entities.EntityType
    NumericType = _entities.NumericType
    NumericConfig = _entities.NumericConfig
    QuantityConfig = _entities.QuantityConfig
    CurrencyConfig = _entities.CurrencyConfig
    NameConfig = _entities.NameConfig
    FreeTextConfig = _entities.FreeTextConfig
    AlphanumericConfig = _entities.AlphanumericConfig
    DateConfig = _entities.DateConfig
    EmailConfig = _entities.EmailConfig
    TimeConfig = _entities.TimeConfig
    PhoneNumberConfig = _entities.PhoneNumberConfig
    EnumConfig = _entities.EnumConfig
    EntityConfig = _entities.EntityConfig

    def prompt_llm(
        self, prompt: str, *, show_history: bool = False, return_json: bool = False, model: str = "gpt-4o"
    ) -> str | dict[str, object]:
        """Asks a language model. NotImplementedError where none is configured."""
        raise NotImplementedError(f"prompt_llm(model={model!r}): {_NO_MODEL}")

    def get_secret(self, secret_name: str) -> str | dict[str, object]:
        """The secret of that name; `SecretNotFound` where there is none."""
        raise SecretNotFound(secret_name)

    def validate_entity(
        self, value: object, entity_config: _entities.EntityConfig | type[_entities.EntityConfig]
    ) -> _entities.EntityValidationResult:
        """Whether `value` is what `entity_config` (an `EmailConfig()` and so on) describes, and its one spelling."""
        from aftercall.conv.validate import validate_entity

        return validate_entity(value, entity_config)

    def extract_address(
        self, addresses: list[_entities.Address] | None = None, country: str = "US"
    ) -> _entities.Address:
        """The address that the caller gave; `ExtractionError` where it cannot be told."""
        raise ExtractionError(f"extract_address: {_NO_MODEL}")

    def extract_city(
        self, city_spellings: list[str] | None = None, states: list[str] | None = None, country: str = "US"
    ) -> _entities.Address:
        """The city that the caller named; `ExtractionError` where it cannot be told."""
        raise ExtractionError(f"extract_city: {_NO_MODEL}")

    def geocode_address(self, *_args: object, **_kwargs: object) -> object:
        """Raises `NotConfigured`."""
        raise NotConfigured("geocode_address: no geocoding service is configured for this environment")

    extract_and_geocode_address = geocode_address
