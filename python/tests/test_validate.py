"""`conv.utils.validate_entity`: one spelling for what is valid, a reason for what is not."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest

from aftercall.conv.conversation import Conversation
from aftercall.conv.phones import _AREAS, _calling_codes
from aftercall.conv.utils import Utils
from aftercall.state import decode_state, encode_state

U = Utils

VALID: list[tuple[object, Any, str]] = [
    ("  Ada@Example.COM ", U.EmailConfig(), "Ada@example.com"),
    ("first.last+tag@mail.example.co.uk", U.EmailConfig, "first.last+tag@mail.example.co.uk"),
    ("josé@exämple.es", U.EmailConfig(), "josé@exämple.es"),
    ("+1 (415) 555-2671", U.PhoneNumberConfig(), "+14155552671"),
    ("415.555.2671", U.PhoneNumberConfig(), "+14155552671"),
    ("1-415-555-2671", U.PhoneNumberConfig({"US"}), "+14155552671"),
    ("011 44 20 7946 0958", U.PhoneNumberConfig(), "+442079460958"),
    ("0044 20 7946 0958", U.PhoneNumberConfig({"GB"}), "+442079460958"),
    ("+44 (0)20 7946 0958", U.PhoneNumberConfig(), "+442079460958"),
    ("020 7946 0958", U.PhoneNumberConfig({"GB"}), "+442079460958"),
    ("0118 496 0000", U.PhoneNumberConfig({"GB"}), "+441184960000"),
    ("44 20 7946 0958", U.PhoneNumberConfig({"GB"}), "+442079460958"),
    ("912 345 678", U.PhoneNumberConfig({"ES", "US"}), "+34912345678"),
    ("06 1234 5678", U.PhoneNumberConfig({"IT"}), "+390612345678"),
    ("090-1234-5678", U.PhoneNumberConfig({"jp"}), "+819012345678"),
    ("8 (916) 123-45-67", U.PhoneNumberConfig({"RU"}), "+79161234567"),
    ("+1 416 555 0123", U.PhoneNumberConfig({"CA"}), "+14165550123"),
    ("+1 800 555 0199", U.PhoneNumberConfig({"CA"}), "+18005550199"),
    ("2026-01-31", U.DateConfig(), "2026-01-31"),
    ("2026-01-31T10:00:00Z", U.DateConfig(), "2026-01-31"),
    ("20260131", U.DateConfig(), "2026-01-31"),
    ("1/2/2026", U.DateConfig(), "2026-01-02"),
    ("1/2/2026", U.DateConfig(day_first=True), "2026-02-01"),
    ("31.1.26", U.DateConfig(), "2026-01-31"),
    ("31/12/85", U.DateConfig(day_first=True), "1985-12-31"),
    ("January 5th, 2026", U.DateConfig(), "2026-01-05"),
    ("Monday, the 5th of January 2026", U.DateConfig(), "2026-01-05"),
    (dt.datetime(2026, 1, 5, 10), U.DateConfig(), "2026-01-05"),
    ("2026-01-05", U.DateConfig(earliest_date_inclusive=dt.date(2026, 1, 5)), "2026-01-05"),
    ("14:30", U.TimeConfig(), "14:30"),
    ("14:30:15", U.TimeConfig("%H:%M:%S"), "14:30:15"),
    ("2:30 p.m.", U.TimeConfig(), "14:30"),
    ("2pm", U.TimeConfig("%I:%M %p"), "02:00 PM"),
    ("12 am", U.TimeConfig(), "00:00"),
    ("noon", U.TimeConfig(), "12:00"),
    ("1430", U.TimeConfig(), "14:30"),
    ("7", U.TimeConfig(time_pivot=8), "19:00"),
    ("07:00", U.TimeConfig(time_pivot=8), "07:00"),
    ("9 o'clock", U.TimeConfig(time_pivot=8), "09:00"),
    (dt.time(9, 5), U.TimeConfig(), "09:05"),
    ("18h45", U.TimeConfig(latest_time_inclusive=dt.time(18, 45)), "18:45"),
    ("1,234.50", U.NumericConfig(), "1234.50"),
    ("1.234,50", U.NumericConfig(), "1234.50"),
    ("1,234,567", U.NumericConfig(), "1234567"),
    ("12,5", U.NumericConfig(), "12.5"),
    ("-3", U.NumericConfig(), "-3"),
    (7, U.NumericConfig(min_inclusive=7, max_inclusive=7), "7"),
    (1e300, U.NumericConfig(), "1" + "0" * 300),
    (decimal.Decimal("2.50"), U.NumericConfig(), "2.50"),
    ("4.0", U.QuantityConfig(), "4"),
    ("$ 1,200.00", U.CurrencyConfig(), "1200.00"),
    ("12,50 €", U.CurrencyConfig(), "12.50"),
    ("USD 12", U.CurrencyConfig(), "12"),
    ("US$12", U.CurrencyConfig(), "12"),
    (" Mary   O'Brien-Smith Jr. ", U.NameConfig(), "Mary O'Brien-Smith Jr."),
    ("山田 太郎", U.NameConfig(), "山田 太郎"),
    ("AB-1234", U.AlphanumericConfig(r"[A-Z]{2}-\d{4}"), "AB-1234"),
    ("order AB-1234", U.AlphanumericConfig(r"order ([A-Z]{2}-\d{4})", 1), "AB-1234"),
    ("anything at all", U.AlphanumericConfig(), "anything at all"),
    ("large", U.EnumConfig({"Large", "Extra Large"}), "Large"),
    ("EXTRA-large", U.EnumConfig({"Large", "Extra Large"}), "Extra Large"),
    ("whatever", U.EnumConfig(), "whatever"),
    ("  two words ", U.FreeTextConfig(), "two words"),
]

INVALID: list[tuple[object, Any, str]] = [
    *[(text, U.EmailConfig(), "") for text in ("a@b", "a b@c.de", ".a@b.com", "a..b@c.com", "a@-b.com", "a@b.c")],
    *[(text, U.EmailConfig(), "") for text in ("a@b@c.com", "a@10.0.0.1", f"{'x' * 65}@example.com", "a@b_c.com")],
    ("12345", U.PhoneNumberConfig(), "5 digits after +1; there are 10"),
    ("+1 115 555 2671", U.PhoneNumberConfig(), "begin with 2 to 9"),
    ("+999 1234 5678", U.PhoneNumberConfig(), "no country has the calling code"),
    ("1-800-FLOWERS", U.PhoneNumberConfig(), "has digits"),
    ("+44 20 7946 0958", U.PhoneNumberConfig({"US", "CA"}), "a number of GB or GG or IM or JE; expected one of CA, US"),
    ("+1 416 555 0123", U.PhoneNumberConfig({"US"}), "a number of CA; expected one of US"),
    ("+1 212 555 0123", U.PhoneNumberConfig({"CA"}), "a number of US"),
    ("+44 020 7946 0958", U.PhoneNumberConfig(), "the 0 is left out"),
    ("1" * 40, U.PhoneNumberConfig(), "at most 15"),
    ("+", U.PhoneNumberConfig(), "has digits"),
    ("31/1/2026", U.DateConfig(day_first=False), "month"),
    ("2026-02-30", U.DateConfig(), "day"),
    ("tomorrow", U.DateConfig(), "write it as"),
    ("2026-01-04", U.DateConfig(earliest_date_inclusive=dt.date(2026, 1, 5)), "2026-01-04 is before 2026-01-05"),
    ("2026-01-06", U.DateConfig(latest_date_inclusive=dt.date(2026, 1, 5)), "after"),
    ("25:00", U.TimeConfig(), "hour"),
    ("13 pm", U.TimeConfig(), "there is no 13 pm"),
    ("soon", U.TimeConfig(), "write it as"),
    ("08:59", U.TimeConfig(earliest_time_inclusive=dt.time(9)), "08:59 is before 09:00"),
    ("18:46", U.TimeConfig(latest_time_inclusive=dt.time(18, 45)), "after"),
    ("12 apples", U.NumericConfig(), "not a number"),
    ("1,2,3", U.NumericConfig(), "separators"),
    (True, U.NumericConfig(), "not a number"),
    (float("nan"), U.NumericConfig(), "not a number"),
    (float("inf"), U.NumericConfig(), "not a number"),
    ("9" * 5000, U.NumericConfig(), "size"),
    ("٣", U.NumericConfig(), "not a number"),
    ("2.5", U.QuantityConfig(), "2.5 is not a whole number"),
    ("-1", U.QuantityConfig(), "-1 is less than 0"),
    ("11", U.QuantityConfig(max_inclusive=10), "11 is more than 10"),
    ("-5 €", U.CurrencyConfig(), "less than 0"),
    ("R2-D2", U.NameConfig(), "no '2' in it"),
    ("--", U.NameConfig(), "has letters"),
    ("x" * 300, U.NameConfig(), "longer"),
    ("AB-12345", U.AlphanumericConfig(r"[A-Z]{2}-\d{4}"), "does not match"),
    ("b", U.AlphanumericConfig(r"(a)?b", 1), "matched nothing"),
    ("tiny", U.EnumConfig({"Large", "Small"}), "none of Large, Small"),
    ("   ", U.FreeTextConfig(), "no value"),
    (None, U.FreeTextConfig(), "no value"),
    ("x" * 20_000, U.FreeTextConfig(), "longer than 10,000"),
]


def named(case: object) -> str:
    return repr(case)[:40] if not hasattr(case, "entity_type") else str(case.entity_type)


@pytest.fixture
def validate():
    return Conversation({"id": "1"}, {}).utils.validate_entity


@pytest.mark.parametrize(("value", "config", "expected"), VALID, ids=named)
def test_what_is_valid_comes_back_in_one_spelling(validate, value, config, expected):
    result = validate(value, config)
    assert (result.error, result.value) == (None, expected)
    assert result.valid is result.is_valid is True and result.message is None and result.type == config.entity_type
    assert validate(result.value, config).value == expected or isinstance(config, U.AlphanumericConfig | U.DateConfig)


@pytest.mark.parametrize(("value", "config", "says"), INVALID, ids=named)
def test_what_is_not_valid_says_why(validate, value, config, says):
    result = validate(value, config)
    assert result.valid is result.is_valid is False
    assert result.error and says in result.error and result.message == result.error
    assert isinstance(result.value, str) and result.country_code is None and result.number is None


def test_a_telephone_number_has_its_parts_and_survives_state(validate):
    result = validate("+44 20 7946 0958", U.PhoneNumberConfig())
    assert (result.country_code, result.number) == (44, "2079460958")
    again = decode_state(encode_state({"phone": result}))["phone"]
    assert again == result and again.country_code == 44


@pytest.mark.parametrize("config", [None, "email", dict, object()])
def test_what_is_no_configuration_is_an_error_of_the_code(validate, config):
    with pytest.raises(TypeError, match=r"such as EmailConfig\(\)"):
        validate("x", config)


def test_a_region_that_does_not_exist_is_an_error_of_the_code(validate):
    with pytest.raises(ValueError, match="'XX' is not an ISO 3166 country code"):
        validate("+1", U.PhoneNumberConfig({"XX"}))


@pytest.mark.parametrize("value", [object(), [], {}, b"x", 10**5000, "\ud800", len], ids=range(7))
def test_no_value_makes_it_raise(validate, value):
    for config in (U.EmailConfig, U.PhoneNumberConfig, U.DateConfig, U.TimeConfig, U.NumericConfig, U.NameConfig):
        assert validate(value, config).valid is False


def test_no_calling_code_begins_another_and_no_area_is_two_countries():
    codes = {str(code) for code in _calling_codes.values()}
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]
    areas = [area for text in _AREAS.values() for area in text.split()]
    assert len(areas) == len(set(areas)) and len(_calling_codes) > 230
