# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`conv.utils`."""

from typing import Any

from _gen import entities as _entities

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
    ) -> str | dict[str, Any]:
        """Asks a language model. NotImplementedError where none is configured."""

    def get_secret(self, secret_name: str) -> str | dict[str, Any]:
        """The secret of that name; `SecretNotFound` where there is none."""

    def validate_entity(
        self, value: object, entity_config: _entities.EntityConfig | type[_entities.EntityConfig]
    ) -> _entities.EntityValidationResult:
        """Whether `value` is what `entity_config` (an `EmailConfig()` and so on) describes, and its one spelling."""

    def extract_address(
        self, addresses: list[_entities.Address] | None = None, country: str = "US"
    ) -> _entities.Address:
        """The address that the caller gave; `ExtractionError` where it cannot be told."""

    def extract_city(
        self, city_spellings: list[str] | None = None, states: list[str] | None = None, country: str = "US"
    ) -> _entities.Address:
        """The city that the caller named; `ExtractionError` where it cannot be told."""

    def geocode_address(self, *_args: object, **_kwargs: object) -> Any:
        """Raises `NotConfigured`."""
    extract_and_geocode_address = geocode_address
