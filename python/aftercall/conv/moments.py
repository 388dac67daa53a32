"""Dates and times of day as people and language models write them."""

from __future__ import annotations

import re
from datetime import date, datetime, time

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
#: Two-digit years from here on are of the last century, as POSIX has it.
_CENTURY_PIVOT = 69
DATE_FORMS = "write it as 2026-01-31, 31/01/2026 or 31 January 2026"
TIME_FORMS = "write it as 14:30, 2:30 pm or 2pm"


def read_date(value: object, text: str, day_first: bool | None) -> date:
    """The date. Without `day_first`, 1/2 is 2 January and 31/1 what it can only be. ValueError says why not."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = " ".join(text.lower().split())
    found = re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ].*)?", text)
    if found:
        return date(int(found[1]), int(found[2]), int(found[3]))
    if re.fullmatch(r"\d{8}", text):
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    found = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})", text)
    if found:
        return _ordered(int(found[1]), int(found[2]), _year(found[3]), day_first)
    found = re.fullmatch(rf"{_WEEKDAY}(?:the )?{_DAY}(?: of)? {_MONTH},? (\d{{4}})", text)
    if found:
        return date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
    found = re.fullmatch(rf"{_WEEKDAY}{_MONTH} {_DAY},? (\d{{4}})", text)
    if found:
        return date(int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2]))
    raise ValueError(f"not a date: {DATE_FORMS}")


def _ordered(first: int, second: int, year: int, day_first: bool | None) -> date:
    if day_first is None:
        day_first = first > 12
    return date(year, second, first) if day_first else date(year, first, second)


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    return int(text) + (1900 if int(text) >= _CENTURY_PIVOT else 2000)


def read_time(value: object, text: str, form: str, pivot: int) -> time:
    """The time of day, also as `form` writes it. Hours below `pivot` without am or pm are pm. ValueError: why not."""
    if isinstance(value, datetime):
        return value.time().replace(tzinfo=None)
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    text = " ".join(text.lower().replace(".m.", "m").replace(".m", "m").split())
    if text in ("noon", "midday"):
        return time(12)
    if text == "midnight":
        return time(0)
    found = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2}))?(?::(\d{2})(?:\.\d+)?)?\s*(am|pm)?(?:z|[+-]\d{2}:?\d{2})?", text)
    if found is None:
        found = re.fullmatch(r"(\d{2})(\d{2})()\s*(am|pm)?", text)
    if found is None:
        found = re.fullmatch(r"(\d{1,2})()()\s*o'?clock\s*(am|pm)?", text)
    if found is None:
        return _by_form(text, form)
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    half = found[4]
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no {hour} {half}")
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif 0 < hour < min(pivot, 12) and not found[1].startswith("0"):
        hour += 12
    return time(hour, minute, second)


def _by_form(text: str, form: str) -> time:
    try:
        return datetime.strptime(text, form).time()
    except ValueError:
        raise ValueError(f"not a time of day: {TIME_FORMS}") from None
