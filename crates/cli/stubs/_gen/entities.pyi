# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""Entities: what the call collected, and the shapes that a value can be checked against."""

import re
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Any, TypeAlias

from _gen.record import AttributeDict, Record

class EntityType(StrEnum):
    """What kind of value an entity is."""

    ADDRESS = "address"
    ALPHANUMERIC = "alphanumeric"
    DATE = "date"
    EMAIL = "email"
    NUMERIC = "numeric"
    PHONE_NUMBER = "phone_number"
    TIME = "time"
    ENUM = "enum"
    CURRENCY = "currency"
    QUANTITY = "quantity"
    NAME = "name"
    FREE_TEXT = "free_text"

class NumericType(StrEnum):
    """Whether a number may have a fraction."""

    INT = "int"
    FLOAT = "float"

class EntityValidationResult(Record):
    """An entity that the call collected, or a value that `validate_entity` looked at, and whether it is valid.

    `value` is what was given, in one spelling where it is valid. A telephone number has its parts too.
    """

    country_code: int | None
    number: str | None
    id: str
    name: str
    valid: bool
    value: str
    type: EntityType | str
    error: str | None

    def __init__(
        self, id: str, name: str, valid: bool, value: str, type: EntityType | str, error: str | None = None
    ) -> None: ...
    @property
    def is_valid(self) -> bool:
        """`valid`."""

    @property
    def message(self) -> str | None:
        """`error`: what is wrong; None when nothing is."""

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> EntityValidationResult:
        """From the fields by name; absent ones are empty."""

class Entities(AttributeDict):
    """`conv.entities`: by attribute or key; a missing attribute is None."""

class Address(Record):
    """A postal address; what is not known is None."""

    street_number: str | None
    street_name: str | None
    city: str | None
    state: str | None
    postcode: str | None
    country: str | None

    def __init__(
        self,
        street_number: str | None = None,
        street_name: str | None = None,
        city: str | None = None,
        state: str | None = None,
        postcode: str | None = None,
        country: str | None = None,
    ) -> None: ...

class BaseRangeConfig(Record):
    """A number within bounds; None is no bound."""

    entity_type: EntityType
    min_inclusive: float | None
    max_inclusive: float | None
    numeric_type: NumericType

    def __init__(
        self,
        min_inclusive: float | None = None,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.FLOAT,
    ) -> None: ...

class NonNegativeMaxRangeConfig(BaseRangeConfig):
    """As `BaseRangeConfig`, from 0 up."""

    def __init__(
        self,
        min_inclusive: float | None = 0,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.FLOAT,
    ) -> None: ...

class NumericConfig(BaseRangeConfig):
    """A number."""

    entity_type: EntityType

class QuantityConfig(NonNegativeMaxRangeConfig):
    """A count."""

    entity_type: EntityType

    def __init__(
        self,
        min_inclusive: float | None = 0,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.INT,
    ) -> None: ...

class CurrencyConfig(NonNegativeMaxRangeConfig):
    """An amount of money."""

    entity_type: EntityType

class NameConfig(Record):
    """A name."""

    entity_type: EntityType

class FreeTextConfig(Record):
    """Any text."""

    entity_type: EntityType

class AlphanumericConfig(Record):
    """A text that a pattern matches whole; `capturing_group` picks the part that is the value."""

    entity_type: EntityType
    custom_regex: str
    capturing_group: int | None

    def __init__(self, custom_regex: str = ".+", capturing_group: int | None = None) -> None: ...
    def get_compiled_regex(self) -> re.Pattern[str]:
        """The pattern."""

class EmailConfig(AlphanumericConfig):
    """An e-mail address."""

    entity_type: EntityType

    def __init__(
        self, custom_regex: str = "[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+", capturing_group: int | None = None
    ) -> None: ...

class DateConfig(Record):
    """A date within bounds; `day_first` reads 1/2 as 1 February."""

    entity_type: EntityType
    day_first: bool | None
    earliest_date_inclusive: date | None
    latest_date_inclusive: date | None

    def __init__(
        self,
        day_first: bool | None = None,
        earliest_date_inclusive: date | None = None,
        latest_date_inclusive: date | None = None,
    ) -> None: ...

class TimeConfig(Record):
    """A time of day within bounds; hours below `time_pivot` without am or pm are taken as pm."""

    entity_type: EntityType
    format: str
    earliest_time_inclusive: time | None
    latest_time_inclusive: time | None
    time_pivot: int

    def __init__(
        self,
        format: str = "%H:%M",
        earliest_time_inclusive: time | None = None,
        latest_time_inclusive: time | None = None,
        time_pivot: int = 0,
    ) -> None: ...

class PhoneNumberConfig(Record):
    """A telephone number; `regions` are ISO country codes that it may belong to."""

    entity_type: EntityType
    regions: set[str] | None

    def __init__(self, regions: set[str] | None = None) -> None: ...

class EnumConfig(Record):
    """One of some values."""

    entity_type: EntityType
    allowed_vals: set[str] | None

    def __init__(self, allowed_vals: set[str] | None = None) -> None: ...

EntityConfig: TypeAlias = (
    NumericConfig
    | QuantityConfig
    | CurrencyConfig
    | NameConfig
    | FreeTextConfig
    | AlphanumericConfig
    | DateConfig
    | EmailConfig
    | TimeConfig
    | PhoneNumberConfig
    | EnumConfig
)
