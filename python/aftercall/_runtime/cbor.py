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

_FALSE, _TRUE, _NULL, _FLOAT64 = 0xF4, 0xF5, 0xF6, 0xFB


class CborError(ValueError):
    """Bytes that are not one of the items above, or a value that has none."""


def encode(item: Item) -> bytes:
    """`item` as CBOR."""
    out = bytearray()
    _write(item, out, 0)
    return bytes(out)


def _write(item: Item, out: bytearray, depth: int) -> None:
    # One function for all items, the common ones first: a child writes a few dozen, each call touches pages anew.
    if isinstance(item, str):
        # A lone surrogate has no UTF-8; what travels as text here is for people to read.
        text = item.encode("utf-8", "backslashreplace")
        _head(out, 0x60, len(text))
        out += text
    elif item is None:
        out.append(_NULL)
    elif isinstance(item, bytes):
        _head(out, 0x40, len(item))
        out += item
    elif isinstance(item, bool):
        out.append(_TRUE if item else _FALSE)
    elif isinstance(item, int):
        if item >= 0:
            _head(out, 0x00, item)
        else:
            _head(out, 0x20, -1 - item)
    elif isinstance(item, float):
        from struct import pack

        out.append(_FLOAT64)
        out += pack(">d", item)
    elif depth >= MAX_DEPTH:
        raise CborError(f"nested deeper than {MAX_DEPTH} levels")
    elif isinstance(item, dict):
        _head(out, 0xA0, len(item))
        for key, member in item.items():
            if type(key) is not int:
                raise CborError(f"a map's key is an integer, not {type(key).__name__}")
            if 0 <= key < 24:
                out.append(key)
            else:
                _write(key, out, depth)
            _write(member, out, depth + 1)
    elif isinstance(item, list | tuple):
        _head(out, 0x80, len(item))
        for member in item:
            _write(member, out, depth + 1)
    else:
        raise CborError(f"{type(item).__name__} has no item in CBOR here")


def _head(out: bytearray, major: int, value: int) -> None:
    if value < 24:
        out.append(major | value)
        return
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * size):
            out.append(major | code)
            out += value.to_bytes(size, "big")
            return
    raise CborError(f"an integer of {value.bit_length()} bits does not fit")


def decode(data: bytes) -> Item:
    """The one item that `data` is. `CborError` for anything else."""
    item, end = _read(data, 0, 0)
    if end != len(data):
        raise CborError(f"{len(data) - end} bytes are left over")
    return item


def _read(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    if at >= len(data):
        raise CborError("cut short")
    head = data[at]
    major, value = head & 0xE0, head & 0x1F
    if major >= 0xC0:
        return _simple(data, at, head)
    at += 1
    if value >= 24:
        value, at = _argument(data, at, value)
    if major == 0x00:
        return value, at
    if major == 0x20:
        return -1 - value, at
    end = at + value
    if end > len(data):  # each member of an array or a map takes a byte at least
        raise CborError("cut short")
    if major == 0x40:
        return data[at:end], end
    if major == 0x60:
        try:
            return data[at:end].decode(), end
        except UnicodeDecodeError:
            raise CborError("text that is not UTF-8") from None
    if depth >= MAX_DEPTH:
        raise CborError(f"nested deeper than {MAX_DEPTH} levels")
    return _members(data, at, value, depth) if major == 0x80 else _pairs(data, at, value, depth)


def _argument(data: bytes, at: int, code: int) -> tuple[int, int]:
    """The number in the bytes that follow a head with `code`, and where what follows begins."""
    if code > 27:
        raise CborError("indefinite lengths are not used")
    size = 1 << (code - 24)
    end = at + size
    if end > len(data):
        raise CborError("cut short")
    value = int.from_bytes(data[at:end], "big")
    if value < 24 or (size > 1 and value < 1 << (4 * size)):
        raise CborError("a number is not in its shortest form")
    return value, end


def _simple(data: bytes, at: int, head: int) -> tuple[Item, int]:
    if head == _FLOAT64:
        from struct import unpack

        if at + 9 > len(data):
            raise CborError("cut short")
        value: float = unpack(">d", data[at + 1 : at + 9])[0]
        return value, at + 9
    if head < 0xE0:
        raise CborError("tags are not used")
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
