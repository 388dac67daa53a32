"""Looking at whatever a user's code hands over: as plain, valid, short text, and never with an exception.

A log call, a metric or a queued action must not end a run, whatever its arguments do when they are looked at. So what
their own methods raise is caught here down to `BaseException`: an object whose `__repr__` calls `sys.exit()` has not
decided that the run is over, it was only written down.
"""

from __future__ import annotations

from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sized

#: Characters of a class's name.
MAX_NAME = 200
#: Characters of `repr` kept for what has no form of its own.
MAX_REPR = 1_000
#: Members of a set, and bytes of a byte string, of which a `repr` is made at all.
MAX_REPR_MEMBERS = 1_000
#: Bits of an integer that is written out (some 1,230 digits; a JSON reader takes 4,300 at most).
MAX_INT_BITS = 4_096
#: Bits up to which the digits of a longer one are counted exactly; that takes milliseconds.
MAX_COUNTED_BITS = 1_000_000
#: Digits shown of an integer that is too long.
SHOWN_DIGITS = 12
_DIGITS_PER_BIT = 0.30102999566398120


def kind_name(value: object) -> str:
    """The name of the class of `value`, past whatever its metaclass says."""
    return escaped(shortened(type.__dict__["__qualname__"].__get__(type(value)), MAX_NAME))


def escaped(text: str) -> str:
    """`text` as a plain `str`; lone surrogates, which no UTF-8 has, as ``\\udXXX``."""
    if type(text) is not str:
        text = str.__str__(text)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def shortened(text: str, limit: int) -> str:
    """`text` with at most `limit` characters, and a note of what was cut off."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [{len(text) - limit:,} more characters were cut off]"


def safe_str(value: object) -> str:
    """`str(value)`; what that raises, as a text."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if kind in _LONG and (long := _too_long(value)):
        return long
    try:
        return str.__str__(str(value))
    except BaseException as error:
        return f"<{kind_name(value)}: str() raised {kind_name(error)}>"


def safe_repr(value: object) -> str:
    """`repr(value)` as valid Unicode, cut to `MAX_REPR` characters; what it raises, as a text."""
    kind = type(value)
    text = _too_long(value) if kind in _LONG else None
    if text is None:
        try:
            text = str.__str__(repr(value))
        except BaseException as error:
            text = f"<{kind_name(value)}: repr() raised {kind_name(error)}>"
    if len(text) > MAX_REPR:
        text = text[:MAX_REPR] + "…"
    return escaped(text)


_LONG = frozenset({int, bytes, bytearray, set, frozenset})


def _too_long(value: object) -> str | None:
    """What is told of a built-in value whose text would be long (or, an integer's, is refused); else None."""
    if type(value) is int:
        return None if value.bit_length() <= MAX_INT_BITS else integer_text(value)
    sized: Sized = value  # type: ignore[assignment]
    if len(sized) <= MAX_REPR_MEMBERS:
        return None
    if isinstance(value, bytes | bytearray):
        return f"{bytes(value[:40])!r}… [{len(value):,} bytes]"
    return f"<a {type(value).__name__} of {len(sized):,} members>"


def integer_text(value: int) -> str:
    """An integer that is too long to be written out: its first digits, and how many it has."""
    sign, size = "-" if value < 0 else "", abs(value)
    bits = size.bit_length()
    if bits > MAX_COUNTED_BITS:
        return f"{sign}… [an integer of about {round(bits * _DIGITS_PER_BIT):,} digits]"
    digits = int(bits * _DIGITS_PER_BIT) + 1
    first = size // 10 ** (digits - SHOWN_DIGITS)
    if first < 10 ** (SHOWN_DIGITS - 1):  # one digit fewer than its bits allow
        digits -= 1
        first = size // 10 ** (digits - SHOWN_DIGITS)
    return f"{sign}{first}… [an integer of {digits:,} digits]"


def truth(value: object) -> bool:
    """`bool(value)`; True where that raises: what asks takes True for the careful answer."""
    try:
        return bool(value)
    except BaseException:
        return True


def dict_items(value: dict[object, object]) -> list[tuple[object, object]]:
    """What a dict holds, in its order, without asking the methods of a subclass. A thread may change it meanwhile."""
    if issubclass(type(value), OrderedDict):  # it keeps an order of its own
        return list(OrderedDict.items(value))  # type: ignore[arg-type]
    return list(dict.items(value))
