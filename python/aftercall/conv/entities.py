"""Entities: what the call collected, and the shapes that a value can be checked against."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from aftercall.conv.record import AttributeDict, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from datetime import date, time


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

    #: Of a valid telephone number: the calling code, and the number within the country.
    country_code: int | None = None
    number: str | None = None

    def __init__(
        self,
        id: str,
        name: str,
        valid: bool,
        value: str,
        type: EntityType | str,
        error: str | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.valid = valid
        self.value = value
        self.type = EntityType(type) if type in {kind.value for kind in EntityType} else type
        self.error = error

    @property
    def is_valid(self) -> bool:
        """`valid`."""
        return self.valid

    @property
    def message(self) -> str | None:
        """`error`: what is wrong; None when nothing is."""
        return self.error

    def to_dict(self) -> dict[str, object]:
        """The fields by name."""
        return {**self.__dict__, "type": str(self.type)}

    @classmethod
    def from_dict(cls, d: Mapping[str, object]) -> EntityValidationResult:
        """From the fields by name; absent ones are empty."""
        error = d.get("error")
        return cls(
            str(d.get("id", "")),
            str(d.get("name", "")),
            bool(d.get("valid", False)),
            str(d.get("value", "")),
            str(d.get("type", "free_text")),
            None if error is None else str(error),
        )


class Entities(AttributeDict):
    """`conv.entities`: by attribute or key; a missing attribute is None."""


class Address(Record):
    """A postal address; what is not known is None."""

    def __init__(
        self,
        street_number: str | None = None,
        street_name: str | None = None,
        city: str | None = None,
        state: str | None = None,
        postcode: str | None = None,
        country: str | None = None,
    ) -> None:
        self.street_number = street_number
        self.street_name = street_name
        self.city = city
        self.state = state
        self.postcode = postcode
        self.country = country


class BaseRangeConfig(Record):
    """A number within bounds; None is no bound."""

    entity_type: EntityType

    def __init__(
        self,
        min_inclusive: float | None = None,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.FLOAT,
    ) -> None:
        if min_inclusive is not None and max_inclusive is not None and min_inclusive > max_inclusive:
            raise ValueError("min_inclusive is above max_inclusive")
        self.min_inclusive = min_inclusive
        self.max_inclusive = max_inclusive
        self.numeric_type = NumericType(numeric_type)


class NonNegativeMaxRangeConfig(BaseRangeConfig):
    """As `BaseRangeConfig`, from 0 up."""

    def __init__(
        self,
        min_inclusive: float | None = 0,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.FLOAT,
    ) -> None:
        if max_inclusive is not None and max_inclusive < 0:
            raise ValueError("max_inclusive is below 0")
        super().__init__(min_inclusive, max_inclusive, numeric_type)


class NumericConfig(BaseRangeConfig):
    """A number."""

    entity_type = EntityType.NUMERIC


class QuantityConfig(NonNegativeMaxRangeConfig):
    """A count."""

    entity_type = EntityType.QUANTITY

    def __init__(
        self,
        min_inclusive: float | None = 0,
        max_inclusive: float | None = None,
        numeric_type: NumericType | str = NumericType.INT,
    ) -> None:
        super().__init__(min_inclusive, max_inclusive, numeric_type)


class CurrencyConfig(NonNegativeMaxRangeConfig):
    """An amount of money."""

    entity_type = EntityType.CURRENCY


class NameConfig(Record):
    """A name."""

    entity_type = EntityType.NAME


class FreeTextConfig(Record):
    """Any text."""

    entity_type = EntityType.FREE_TEXT


class AlphanumericConfig(Record):
    """A text that a pattern matches whole; `capturing_group` picks the part that is the value."""

    entity_type = EntityType.ALPHANUMERIC

    def __init__(self, custom_regex: str = r".+", capturing_group: int | None = None) -> None:
        self.custom_regex = custom_regex
        self.capturing_group = capturing_group
        groups = self.get_compiled_regex().groups  # a bad pattern is refused here
        if capturing_group is not None and not 0 <= capturing_group <= groups:
            raise ValueError(f"capturing_group {capturing_group}: the pattern has {groups} groups")

    def get_compiled_regex(self) -> re.Pattern[str]:
        """The pattern."""
        import re

        return re.compile(self.custom_regex)


class EmailConfig(AlphanumericConfig):
    """An e-mail address."""

    entity_type = EntityType.EMAIL

    def __init__(
        self, custom_regex: str = r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", capturing_group: int | None = None
    ) -> None:
        super().__init__(custom_regex, capturing_group)


class DateConfig(Record):
    """A date within bounds; `day_first` reads 1/2 as 1 February."""

    entity_type = EntityType.DATE

    def __init__(
        self,
        day_first: bool | None = None,
        earliest_date_inclusive: date | None = None,
        latest_date_inclusive: date | None = None,
    ) -> None:
        self.day_first = day_first
        self.earliest_date_inclusive = earliest_date_inclusive
        self.latest_date_inclusive = latest_date_inclusive


class TimeConfig(Record):
    """A time of day within bounds; hours below `time_pivot` without am or pm are taken as pm."""

    entity_type = EntityType.TIME

    def __init__(
        self,
        format: str = "%H:%M",
        earliest_time_inclusive: time | None = None,
        latest_time_inclusive: time | None = None,
        time_pivot: int = 0,
    ) -> None:
        self.format = format
        self.earliest_time_inclusive = earliest_time_inclusive
        self.latest_time_inclusive = latest_time_inclusive
        self.time_pivot = time_pivot


class PhoneNumberConfig(Record):
    """A telephone number; `regions` are ISO country codes that it may belong to."""

    entity_type = EntityType.PHONE_NUMBER

    def __init__(self, regions: set[str] | None = None) -> None:
        self.regions = regions


class EnumConfig(Record):
    """One of some values."""

    entity_type = EntityType.ENUM

    def __init__(self, allowed_vals: set[str] | None = None) -> None:
        self.allowed_vals = allowed_vals


EntityConfig = (
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
