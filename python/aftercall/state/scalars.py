"""The tags that hold no other values: how each is written and read.

`decimal` and `zoneinfo` are imported only when a state has such a value.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from aftercall.state.errors import MAX_INT_DIGITS, TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    import decimal
    import zoneinfo


class UnknownZone(ValueError):
    """The machine has no time zone of that name. `fallback` is the value at its fixed offset, if there is one."""

    def __init__(self, key: str, fallback: object) -> None:
        super().__init__(f"no time zone {key!r} on this machine")
        self.fallback = fallback


def base64(data: bytes) -> str:
    """`data` in standard base64, one line."""
    from binascii import b2a_base64

    return b2a_base64(data, newline=False).decode()


def _from_base64(text: str) -> bytes:
    from binascii import a2b_base64

    return a2b_base64(text, strict_mode=True)


def _decimal(value: decimal.Decimal) -> dict[str, object]:
    text = str(value)
    if len(text) > MAX_INT_DIGITS:
        raise ValueError(f"a decimal of more than {MAX_INT_DIGITS:,} digits")
    return {TAG: "decimal", "value": text}


def _bytes(value: object) -> dict[str, object]:
    return {TAG: "bytes", "value": base64(bytes(value))}  # type: ignore[call-overload]


def _date(value: datetime.date) -> dict[str, object]:
    return {TAG: "date", "value": datetime.date.isoformat(value)}


def _clock(kind: str) -> Callable[[datetime.datetime | datetime.time], dict[str, object]]:
    def write(value: datetime.datetime | datetime.time) -> dict[str, object]:
        base = datetime.datetime if kind == "datetime" else datetime.time
        document: dict[str, object] = {TAG: kind, "value": base.isoformat(value)}  # type: ignore[arg-type]
        if value.fold:
            document["fold"] = 1
        zone = value.tzinfo
        # A `ZoneInfo` made from a file without a key has none: its offset is all that can be told.
        if zone is not None and type(zone).__module__ == "zoneinfo" and zone.key:  # type: ignore[attr-defined]
            document["zone"] = zone.key  # type: ignore[attr-defined]
        return document

    return write


def _timedelta(value: datetime.timedelta) -> dict[str, object]:
    return {
        TAG: "timedelta",
        "days": value.days,
        "seconds": value.seconds,
        "microseconds": value.microseconds,
    }


def _zone(value: zoneinfo.ZoneInfo) -> dict[str, object]:
    if not value.key:
        raise ValueError("a ZoneInfo without a key")
    return {TAG: "zoneinfo", "value": value.key}


#: By qualified class name; subclasses are written as the class they derive from.
SCALARS: dict[str, Callable[..., dict[str, object]]] = {
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.memoryview": _bytes,
    "decimal.Decimal": _decimal,
    "datetime.datetime": _clock("datetime"),
    "datetime.date": _date,
    "datetime.time": _clock("time"),
    "datetime.timedelta": _timedelta,
    "zoneinfo.ZoneInfo": _zone,
}


def _read_int(tag: dict[str, object]) -> int:
    text = _member(tag, "value")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("expected decimal digits with an optional '-'")
    if len(digits) > MAX_INT_DIGITS:
        raise ValueError(f"{len(digits):,} digits; at most {MAX_INT_DIGITS:,} can be read")
    return int(text)


def _read_float(tag: dict[str, object]) -> float:
    text = _member(tag, "value")
    if text not in ("nan", "inf", "-inf"):
        raise ValueError("expected 'nan', 'inf' or '-inf'")
    return float(text)


def _read_str(tag: dict[str, object]) -> str:
    return _from_base64(_member(tag, "value")).decode("utf-16-le", "surrogatepass")


def _read_bytes(tag: dict[str, object]) -> bytes:
    return _from_base64(_member(tag, "value"))


def _read_decimal(tag: dict[str, object]) -> decimal.Decimal:
    import decimal

    text = _member(tag, "value")
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        raise ValueError(f"not a decimal: {text[:80]!r}") from None


def _read_date(tag: dict[str, object]) -> datetime.date:
    return datetime.date.fromisoformat(_member(tag, "value"))


def _fold(tag: dict[str, object]) -> int:
    if tag.get("fold", 1) != 1:
        raise ValueError("expected 'fold' 1, or none at all")
    return 1 if "fold" in tag else 0


def _read_datetime(tag: dict[str, object]) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(_member(tag, "value"))
    value = value.replace(fold=_fold(tag))
    # The wall clock is what the zone places: should this machine's rules differ, the call was still "at ten".
    return value.replace(tzinfo=zone_of(_member(tag, "zone"), value)) if "zone" in tag else value


def _read_time(tag: dict[str, object]) -> datetime.time:
    value = datetime.time.fromisoformat(_member(tag, "value"))
    value = value.replace(fold=_fold(tag))
    return value.replace(tzinfo=zone_of(_member(tag, "zone"), value)) if "zone" in tag else value


def _read_timedelta(tag: dict[str, object]) -> datetime.timedelta:
    parts = [tag.get(name) for name in ("days", "seconds", "microseconds")]
    if not all(type(part) is int for part in parts):
        raise ValueError("expected integers days, seconds and microseconds")
    days, seconds, microseconds = parts
    try:
        return datetime.timedelta(days, seconds, microseconds)  # type: ignore[arg-type]
    except OverflowError as error:
        raise ValueError(str(error)) from None


def _read_zone(tag: dict[str, object]) -> zoneinfo.ZoneInfo:
    return zone_of(_member(tag, "value"), None)


def zone_of(key: str, fallback: object) -> zoneinfo.ZoneInfo:
    """The time zone `key`; `UnknownZone` where the machine has none of that name."""
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(key, fallback) from None


#: What each tag has beside `$type`; `fold` and `zone` are there only when they say something.
MEMBERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("int", "float", "str", "bytes", "decimal", "date", "zoneinfo"), frozenset({"value"})),
    **dict.fromkeys(("datetime", "time"), frozenset({"value", "fold", "zone"})),
    **dict.fromkeys(("tuple", "set", "frozenset", "dict"), frozenset({"items"})),
    "timedelta": frozenset({"days", "seconds", "microseconds"}),
    "enum": frozenset({"class", "name"}),
    "object": frozenset({"class", "fields"}),
}


def _member(tag: dict[str, object], name: str) -> str:
    value = tag.get(name)
    if not isinstance(value, str):
        raise ValueError(f"expected a text {name!r}")
    return value


READERS: dict[str, Callable[[dict[str, object]], object]] = {
    "int": _read_int,
    "float": _read_float,
    "str": _read_str,
    "bytes": _read_bytes,
    "decimal": _read_decimal,
    "date": _read_date,
    "datetime": _read_datetime,
    "time": _read_time,
    "timedelta": _read_timedelta,
    "zoneinfo": _read_zone,
}
