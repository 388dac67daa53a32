"""`conv.utils.validate_entity`: whether a value is what a configuration of `conv.utils` describes.

Values come from callers and language models, so they are read kindly (spaces, currency signs, `2pm`) and given back in
one spelling. What is wrong with a value is said in words that can be spoken on.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

from aftercall.conv import entities
from aftercall.conv.entities import EntityType, EntityValidationResult, NumericType
from aftercall.texts import safe_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Characters of a value; an e-mail address (RFC 5321), its local part, a name.
MAX_VALUE = 10_000
MAX_EMAIL, MAX_LOCAL_PART, MAX_NAME = 254, 64, 200
#: Digits of a number, on both sides of its point.
MAX_DIGITS = 400
#: Allowed values that an error lists.
MAX_LISTED = 20


class _Invalid(ValueError):
    """The value is not valid; the text says why."""


def validate_entity(value: object, entity_config: object) -> EntityValidationResult:
    """Checks `value`. A config's class stands for one with its defaults; TypeError for what is no config."""
    config = entity_config() if isinstance(entity_config, type) else entity_config
    check = next((check for kind, check in _CHECKS if isinstance(config, kind)), None)
    if check is None:
        raise TypeError(f"entity_config is a config of conv.utils, such as EmailConfig(), not {type(config).__name__}")
    text = "" if value is None else safe_str(value).strip()
    kind: EntityType = getattr(config, "entity_type", EntityType.NUMERIC)  # a bare range has none
    result = EntityValidationResult("", "", False, text[:MAX_VALUE], kind)
    try:
        if not text:
            raise _Invalid("there is no value")
        if not isinstance(value, str | int | float | Decimal | date | time):
            raise _Invalid(f"expected a text, not a {type(value).__name__}")
        if len(text) > MAX_VALUE:
            raise _Invalid(f"longer than {MAX_VALUE:,} characters")
        check(value, text, config, result)
        result.valid = True
    except _Invalid as problem:
        result.error = str(problem)
    return result


def _number(value: object, text: str, config: entities.BaseRangeConfig, result: EntityValidationResult) -> None:
    if isinstance(value, bool):
        raise _Invalid("not a number")
    if isinstance(config, entities.CurrencyConfig):
        text = re.sub(r"^(-?)\s*(?:[A-Z]{3}\s*|[A-Z]{0,3}[^\w\s\-+.,])\s*|\s*(?:[A-Z]{3}|[^\w\s\-+.,])$", r"\1", text)
    try:
        number = Decimal(repr(value)) if type(value) is float else Decimal(_plain_number(text))
    except InvalidOperation:
        raise _Invalid("not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise _Invalid("not a number of a size that can be kept")
    if config.numeric_type is NumericType.INT and number != number.to_integral_value():
        raise _Invalid(f"{number:f} is not a whole number")
    if config.min_inclusive is not None and number < Decimal(str(config.min_inclusive)):
        raise _Invalid(f"{number:f} is less than {config.min_inclusive}")
    if config.max_inclusive is not None and number > Decimal(str(config.max_inclusive)):
        raise _Invalid(f"{number:f} is more than {config.max_inclusive}")
    result.value = f"{number.to_integral_value() if config.numeric_type is NumericType.INT else number:f}"


def _plain_number(text: str) -> str:
    """Digits with a point: without spaces and separators of thousands, a decimal comma made a point."""
    text = re.sub(r"(?<=\d)[\s_'\u00a0\u202f](?=\d)", "", text)
    if not re.fullmatch(r"[+-]?(\d[\d.,]*|[.,]\d+)", text) or not text.isascii():
        raise _Invalid("not a number")
    point = "," if text.rfind(",") > text.rfind(".") else "."
    other = "." if point == "," else ","
    if re.fullmatch(rf"[+-]?\d{{1,3}}(\{other}\d{{3}})+(\{point}\d+)?", text):
        return text.replace(other, "").replace(point, ".")
    thousands = r"[+-]?\d{1,3}(,\d{3})+" if point == "," else r"[+-]?\d{1,3}(\.\d{3}){2,}"
    if re.fullmatch(thousands, text):
        return text.replace(point, "")
    if other in text or text.count(point) > 1:
        raise _Invalid("not a number: its separators do not fit each other")
    return text.replace(point, ".")


def _name(_value: object, text: str, _config: object, result: EntityValidationResult) -> None:
    name = " ".join(text.split())
    if len(name) > MAX_NAME:
        raise _Invalid(f"longer than {MAX_NAME} characters")
    wrong = next((letter for letter in name if not _in_name(letter)), None)
    if wrong is not None:
        raise _Invalid(f"a name has no {wrong!r} in it")
    if not any(letter.isalpha() for letter in name):
        raise _Invalid("a name has letters")
    result.value = name


def _in_name(letter: str) -> bool:
    return letter.isalpha() or letter in " .,'-\u2019\u02bc\u00b7\u30fb" or unicodedata.category(letter)[0] == "M"


def _free_text(_value: object, text: str, _config: object, result: EntityValidationResult) -> None:
    result.value = text


def _alphanumeric(
    _value: object, text: str, config: entities.AlphanumericConfig, result: EntityValidationResult
) -> None:
    found = config.get_compiled_regex().fullmatch(text)
    if found is None:
        raise _Invalid(f"it does not match {config.custom_regex}")
    part = found[config.capturing_group or 0]
    if part is None:
        raise _Invalid(f"group {config.capturing_group} of {config.custom_regex} matched nothing")
    result.value = part


_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")


def _email(value: object, text: str, config: entities.EmailConfig, result: EntityValidationResult) -> None:
    _alphanumeric(value, text, config, result)
    local, _, domain = result.value.rpartition("@")
    labels = domain.split(".")
    if len(result.value) > MAX_EMAIL or len(local) > MAX_LOCAL_PART:
        raise _Invalid("an e-mail address is not that long")
    if not _LOCAL_PART.fullmatch(local):
        raise _Invalid("what stands before the @ is no e-mail address's")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) and "_" not in label for label in labels):
        raise _Invalid("what stands behind the @ is no domain")
    if labels[-1].isdigit() or len(labels[-1]) < 2:
        raise _Invalid(f"there is no top-level domain {labels[-1]!r}")
    result.value = f"{local}@{domain.lower()}"


def _date(value: object, text: str, config: entities.DateConfig, result: EntityValidationResult) -> None:
    from aftercall.conv.moments import read_date

    try:
        found = read_date(value, text, config.day_first)
    except ValueError as problem:
        raise _Invalid(str(problem)) from None
    earliest, latest = (
        bound.date() if isinstance(bound, datetime) else bound
        for bound in (config.earliest_date_inclusive, config.latest_date_inclusive)
    )
    if earliest is not None and found < earliest:
        raise _Invalid(f"{found} is before {earliest}")
    if latest is not None and found > latest:
        raise _Invalid(f"{found} is after {latest}")
    result.value = found.isoformat()


def _time(value: object, text: str, config: entities.TimeConfig, result: EntityValidationResult) -> None:
    from aftercall.conv.moments import read_time

    try:
        found = read_time(value, text, config.format, config.time_pivot)
    except ValueError as problem:
        raise _Invalid(str(problem)) from None
    earliest, latest = config.earliest_time_inclusive, config.latest_time_inclusive
    if earliest is not None and found < earliest.replace(tzinfo=None):
        raise _Invalid(f"{found:%H:%M} is before {earliest:%H:%M}")
    if latest is not None and found > latest.replace(tzinfo=None):
        raise _Invalid(f"{found:%H:%M} is after {latest:%H:%M}")
    result.value = found.strftime(config.format)


def _phone(_value: object, text: str, config: entities.PhoneNumberConfig, result: EntityValidationResult) -> None:
    from aftercall.conv.phones import NotANumber, parse_phone

    try:
        code, number = parse_phone(text, config.regions)
    except NotANumber as problem:
        raise _Invalid(str(problem)) from None
    result.value, result.country_code, result.number = f"+{code}{number}", code, number


def _enum(_value: object, text: str, config: entities.EnumConfig, result: EntityValidationResult) -> None:
    allowed = sorted(str(value) for value in config.allowed_vals or ())
    if not config.allowed_vals or text in allowed:
        result.value = text
        return
    alike = [value for value in allowed if _folded(value) == _folded(text)]
    if len(alike) != 1:
        more = f" and {len(allowed) - MAX_LISTED} more" if len(allowed) > MAX_LISTED else ""
        raise _Invalid(f"it is none of {', '.join(allowed[:MAX_LISTED])}{more}")
    result.value = alike[0]


def _folded(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.casefold())).strip()


#: Subclasses before their bases.
_CHECKS: tuple[tuple[type, Callable[..., None]], ...] = (
    (entities.BaseRangeConfig, _number),
    (entities.EmailConfig, _email),
    (entities.AlphanumericConfig, _alphanumeric),
    (entities.NameConfig, _name),
    (entities.FreeTextConfig, _free_text),
    (entities.DateConfig, _date),
    (entities.TimeConfig, _time),
    (entities.PhoneNumberConfig, _phone),
    (entities.EnumConfig, _enum),
)
