"""The few items of CBOR (RFC 8949) that frames are made of, and nothing else.

Unsigned and negative integers, bytes, text, array, map with integer keys, bool, null, float64; definite lengths in
their shortest form. Anything else is refused: what reads frames is the border of two processes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Item = int | bytes | str | bool | None | float | Sequence["Item"] | Mapping[int, "Item"]

#: Arrays and maps nest at most this deep.
MAX_DEPTH = 8

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)
_FALSE, _TRUE, _NULL, _FLOAT64 = 0xF4, 0xF5, 0xF6, 0xFB


class CborError(ValueError):
    """Bytes that are not one of the items above, or a value that has none."""


def encode(item: Item) -> bytes:
    """`item` as CBOR."""
    out: list[bytes] = []
    _write(item, out, 0)
    return b"".join(out)


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * size):
            return bytes((major << 5 | code,)) + value.to_bytes(size, "big")
    raise CborError(f"an integer of {value.bit_length()} bits does not fit")


def _write(item: Item, out: list[bytes], depth: int) -> None:
    if item is None:
        out.append(b"\xf6")
    elif item is True:
        out.append(b"\xf5")
    elif item is False:
        out.append(b"\xf4")
    elif isinstance(item, int):
        out.append(_head(_UINT, item) if item >= 0 else _head(_NEGATIVE, -1 - item))
    elif isinstance(item, bytes):
        out += (_head(_BYTES, len(item)), item)
    elif isinstance(item, str):
        # A lone surrogate has no UTF-8; what travels as text here is for people to read.
        text = item.encode("utf-8", "backslashreplace")
        out += (_head(_TEXT, len(text)), text)
    elif isinstance(item, float):
        from struct import pack

        out.append(b"\xfb" + pack(">d", item))
    elif depth >= MAX_DEPTH:
        raise CborError(f"nested deeper than {MAX_DEPTH} levels")
    elif isinstance(item, list | tuple):
        out.append(_head(_ARRAY, len(item)))
        for member in item:
            _write(member, out, depth + 1)
    elif isinstance(item, dict):
        out.append(_head(_MAP, len(item)))
        for key, member in item.items():
            if type(key) is not int:
                raise CborError(f"a map's key is an integer, not {type(key).__name__}")
            _write(key, out, depth + 1)
            _write(member, out, depth + 1)
    else:
        raise CborError(f"{type(item).__name__} has no item in CBOR here")


def decode(data: bytes) -> Item:
    """The one item that `data` is. `CborError` for anything else."""
    item, end = _read(data, 0, 0)
    if end != len(data):
        raise CborError(f"{len(data) - end} bytes are left over")
    return item


def _argument(data: bytes, at: int) -> tuple[int, int]:
    """The number that the head at `at` carries, and where what follows begins."""
    low = data[at] & 0x1F
    if low < 24:
        return low, at + 1
    if low > 27:
        raise CborError("indefinite lengths are not used")
    size = 1 << (low - 24)
    end = at + 1 + size
    if end > len(data):
        raise CborError("cut short")
    value = int.from_bytes(data[at + 1 : end], "big")
    if value < 24 or (size > 1 and value < 1 << (4 * size)):
        raise CborError("a number is not in its shortest form")
    return value, end


def _read(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    if at >= len(data):
        raise CborError("cut short")
    head = data[at]
    major = head >> 5
    if major == 7:
        return _simple(data, at, head)
    if major == 6:
        raise CborError("tags are not used")
    value, at = _argument(data, at)
    if major == _UINT:
        return value, at
    if major == _NEGATIVE:
        return -1 - value, at
    if major in (_BYTES, _TEXT):
        end = at + value
        if end > len(data):
            raise CborError("cut short")
        raw = data[at:end]
        if major == _BYTES:
            return raw, end
        try:
            return raw.decode(), end
        except UnicodeDecodeError:
            raise CborError("text that is not UTF-8") from None
    if depth >= MAX_DEPTH:
        raise CborError(f"nested deeper than {MAX_DEPTH} levels")
    if value > len(data) - at:  # each member takes a byte at least
        raise CborError("cut short")
    return _members(data, at, value, depth) if major == _ARRAY else _pairs(data, at, value, depth)


def _simple(data: bytes, at: int, head: int) -> tuple[Item, int]:
    if head == _FLOAT64:
        from struct import unpack

        if at + 9 > len(data):
            raise CborError("cut short")
        value: float = unpack(">d", data[at + 1 : at + 9])[0]
        return value, at + 9
    if head not in (_FALSE, _TRUE, _NULL):
        raise CborError(f"unknown item {head:#x}")
    return (False, True, None)[head - _FALSE], at + 1


def _members(data: bytes, at: int, count: int, depth: int) -> tuple[list[Item], int]:
    items = []
    for _ in range(count):
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return items, at


def _pairs(data: bytes, at: int, count: int, depth: int) -> tuple[dict[int, Item], int]:
    pairs: dict[int, Item] = {}
    for _ in range(count):
        key, at = _read(data, at, depth + 1)
        if type(key) is not int:
            raise CborError("a map's key is an integer")
        if key in pairs:
            raise CborError(f"key {key} is there twice")
        pairs[key], at = _read(data, at, depth + 1)
    return pairs, at
