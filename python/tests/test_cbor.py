"""The frames' codec takes what it writes, and nothing else."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aftercall._runtime import cbor

integers = st.integers(-(2**64), 2**64 - 1)
scalars = st.none() | st.booleans() | integers | st.binary() | st.text() | st.floats(allow_nan=False)
items = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(integers, inner, max_size=5), max_leaves=12
)


def depth(item: Any) -> int:
    if isinstance(item, list):
        return 1 + max(map(depth, item), default=0)
    if isinstance(item, dict):
        return 1 + max(map(depth, item.values()), default=0)
    return 0


@given(items)
def test_what_is_written_is_read_back(item: Any) -> None:
    if depth(item) > cbor.MAX_DEPTH:
        with pytest.raises(cbor.CborError):
            cbor.encode(item)
        return
    data = cbor.encode(item)
    assert cbor.decode(data) == item
    for end in range(len(data)):
        with pytest.raises(cbor.CborError):
            cbor.decode(data[:end])
    with pytest.raises(cbor.CborError, match="left over"):
        cbor.decode(data + b"\x00")


@given(st.binary(max_size=64))
@example(b"\x9f\x00\xff")
@example(b"\xa1\x61a\x00")
def test_any_bytes_are_read_or_refused_and_there_is_one_spelling(data: bytes) -> None:
    try:
        item = cbor.decode(data)
    except cbor.CborError:
        return
    assert cbor.encode(item) == data or struct.pack(">d", float("nan"))[:2] in data


@pytest.mark.parametrize(
    "data",
    [
        b"\x18\x05",  # 5 in two bytes
        b"\x19\x00\xff",  # 255 in three
        b"\x5f\x41a\xff",  # bytes of indefinite length
        b"\xc0\x00",  # a tag
        b"\xf7",  # undefined
        b"\xf9\x00\x00",  # float16
        b"\xfa\x00\x00\x00\x00",  # float32
        b"\xa2\x01\x00\x01\x00",  # a key twice
        b"\xa1\x41a\x00",  # a key that is bytes
        b"\x61\xff",  # text that is not UTF-8
        b"\x9a\xff\xff\xff\xff",  # an array longer than the data
        b"\x81" * 9 + b"\x00",  # too deep
        b"",
    ],
)
def test_other_cbor_is_refused(data: bytes) -> None:
    with pytest.raises(cbor.CborError):
        cbor.decode(data)


def test_lone_surrogates_become_readable_text() -> None:
    assert cbor.decode(cbor.encode("a\ud800")) == "a\\ud800"
