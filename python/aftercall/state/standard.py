"""The short list of standard classes that state may hold as `object`, beside those with a tag of their own."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import collections
    import fractions
    import uuid


def _timezone_fields(value: datetime.timezone) -> dict[str, object]:
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined]
    return {"offset": offset, **({"name": name[0]} if name else {})}


def _timezone(_kind: type, fields: dict[str, object]) -> datetime.timezone:
    offset, name = fields.get("offset"), fields.get("name")
    if not isinstance(offset, datetime.timedelta) or not isinstance(name, str | None):
        raise ValueError("expected an 'offset' and, if it has one, a 'name'")
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, name)


def _uuid(kind: type[uuid.UUID], fields: dict[str, object]) -> uuid.UUID:
    digits = fields.get("hex")
    if not isinstance(digits, str):
        raise ValueError("expected 'hex'")
    return kind(hex=digits)


def _fraction(kind: type[fractions.Fraction], fields: dict[str, object]) -> fractions.Fraction:
    numerator, denominator = fields.get("numerator"), fields.get("denominator")
    if not isinstance(numerator, int) or not isinstance(denominator, int) or denominator == 0:
        raise ValueError("expected integers 'numerator' and 'denominator', the latter not 0")
    return kind(numerator, denominator)


def _deque(kind: type[collections.deque[object]], fields: dict[str, object]) -> collections.deque[object]:
    items, limit = fields.get("items"), fields.get("maxlen")
    if not isinstance(items, list) or not isinstance(limit, int | None):
        raise ValueError("expected a list 'items' and 'maxlen', an integer or null")
    return kind(items, limit)


#: Class name on the wire → its fields. Each is whole: equality and type are kept.
STANDARD_FIELDS: dict[str, Callable[..., dict[str, object]]] = {
    "collections.deque": lambda value: {"items": list(value), "maxlen": value.maxlen},
    "datetime.timezone": _timezone_fields,
    "fractions.Fraction": lambda value: {"numerator": value.numerator, "denominator": value.denominator},
    "types.SimpleNamespace": lambda value: dict(vars(value)),
    "uuid.UUID": lambda value: {"hex": value.hex},
}

#: The other way. Their constructors are called: they are the standard library's, not the state's sender's.
STANDARD_REBUILD: dict[str, Callable[..., object]] = {
    "collections.deque": _deque,
    "datetime.timezone": _timezone,
    "fractions.Fraction": _fraction,
    "types.SimpleNamespace": lambda kind, fields: kind(**fields),
    "uuid.UUID": _uuid,
}


def standard_class(name: str) -> type | None:
    """The class of that name if it is on the list."""
    if name not in STANDARD_FIELDS:
        return None
    module, _, attribute = name.rpartition(".")
    __import__(module)
    found = getattr(sys.modules[module], attribute)
    return found if isinstance(found, type) else None
