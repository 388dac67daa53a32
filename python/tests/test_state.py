"""State on the wire: what goes out comes back, and what must not come in does not."""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pickle
import sys
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import pydantic
import pydantic.v1
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.conv.entities import Address, EntityType
from aftercall.conv.state import State
from aftercall.conv.variant import Variant
from aftercall.state import (
    MAX_DEPTH,
    MAX_INT_DIGITS,
    MAX_KEYS,
    StandIn,
    StateError,
    decode_state,
    encode_state,
    has_tags,
)


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Item:
    name: str
    price: decimal.Decimal
    tags: set[str] = dataclasses.field(default_factory=set)

    def __post_init__(self) -> None:
        raise AssertionError("objects are rebuilt without __init__")


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


class Plain:
    __slots__ = ("__dict__", "__secret", "slot")

    def __init__(self) -> None:
        self.slot = 1
        self.free = [2]
        self.__secret = "s"

    def secret(self) -> str:
        return self.__secret


class Pair(NamedTuple):
    left: int
    right: str


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    number: int
    items: list[str] = []
    _seen: int = pydantic.PrivateAttr(default=0)


class Strict(pydantic.BaseModel):
    when: dt.datetime
    note: str = "none"


class Old(pydantic.v1.BaseModel):
    number: int
    note: str = ""


def resolve(name: str) -> type | None:
    module, _, attribute = name.rpartition(".")
    found = globals().get(attribute) if module == __name__ else None
    return found if isinstance(found, type) else None


def through(value: Any) -> Any:
    """`value`, out and back, as JSON text in between."""
    text = json.dumps(encode_state({"value": value}), allow_nan=False)
    text.encode()  # no lone surrogate has slipped through
    return decode_state(json.loads(text), resolve)["value"]


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down; nan equals nan."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        alike = left == right and math.copysign(1, left) == math.copysign(1, right)
        return alike or (left != left and right != right)
    if isinstance(left, decimal.Decimal):
        return str(left) == str(right)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left.items(), right.items(), strict=True))
    if isinstance(left, dt.datetime | dt.time):
        return (
            left.isoformat() == right.isoformat()
            and left.fold == right.fold
            and repr(left.tzinfo) == repr(right.tzinfo)
        )
    return bool(left == right)


zones = st.sampled_from(["Europe/Madrid", "Asia/Tokyo", "America/New_York", "UTC"]).map(zoneinfo.ZoneInfo)
#: Whole seconds: of an offset below one second CPython's `fromisoformat` reads zero.
offsets = st.integers(-86399, 86399).map(lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)))
#: Surrogates side by side are a character in UTF-16: that spelling alone does not come back.
surrogates = st.text(st.characters(categories=["Cs", "Lu"])).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
numbers = st.integers() | st.integers(-(10**400), 10**400) | st.floats()
hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.dates() | st.just(Colour.RED),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
leaves = (
    st.none()
    | st.booleans()
    | numbers
    | st.text()
    | surrogates
    | st.binary()
    | st.decimals(allow_nan=True)
    | st.datetimes(timezones=st.none() | zones | offsets)
    | st.times(timezones=st.none() | offsets)
    | st.dates()
    | st.timedeltas()
    | zones
    | st.sampled_from([*Colour, Access.READ | Access.WRITE, Level.LOW, EntityType.EMAIL])
    | st.builds(Point, st.floats(allow_nan=False), st.floats(allow_nan=False))
    | st.builds(Pair, st.integers(), st.text())
    | st.uuids()
    | st.fractions()
)
keys = st.text() | st.just("$type") | surrogates
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
    ),
    max_leaves=25,
)


@given(values)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    assert same(through(value), value)


@given(values)
def test_what_is_written_depends_on_the_value_alone(value: Any) -> None:
    assert json.dumps(encode_state({"v": value})) == json.dumps(encode_state({"v": copy.deepcopy(value)}))


@given(values)
def test_no_tag_is_missed(value: Any) -> None:
    wire = json.dumps(encode_state({"v": value})).encode()
    plain = json.loads(wire)
    if not has_tags(wire):
        assert same(decode_state(plain), plain)


def test_sets_are_written_in_one_order_whatever_the_hash_seed() -> None:
    assert encode_state({"v": {"b", "a", "c", 1}})["v"] == {"$type": "set", "items": ["a", "b", "c", 1]}


def bare(kind: type, **fields: Any) -> Any:
    value = object.__new__(kind)
    for name, field in fields.items():
        object.__setattr__(value, name, field)
    return value


def test_objects_come_back_as_their_class() -> None:
    item = bare(Item, name="tea", price=decimal.Decimal("2.50"), tags={"hot"})
    assert through(item) == item
    assert through(Point(1.5, -0.0)) == Point(1.5, -0.0)
    plain = through(Plain())
    assert (plain.slot, plain.free, plain.secret()) == (1, [2], "s")
    assert through(Pair(1, "x")) == Pair(1, "x") and type(through(Pair(1, "x"))) is Pair
    nested = {"orders": [item], "by": {Colour.RED: Point(0.0, 1.0)}}
    assert through(nested) == nested


def test_pydantic_models_come_back_whole() -> None:
    order = Order(number=7, colour="red")
    order._seen = 3
    back = through(order)
    assert back == order and back._seen == 3 and back.colour == "red"
    assert back.model_fields_set == order.model_fields_set == {"number", "colour"}
    assert back.model_dump(exclude_unset=True) == {"number": 7, "colour": "red"}
    strict = Strict(when=dt.datetime(2026, 1, 5, tzinfo=zoneinfo.ZoneInfo("Europe/Madrid")))
    assert through(strict) == strict and through(strict).when.tzinfo.key == "Europe/Madrid"
    old = Old(number=1)
    assert through(old) == old and through(old).__fields_set__ == {"number"}


def test_classes_of_gen_have_gens_name_on_the_wire() -> None:
    address = Address(city="Leeds", postcode="LS1")
    assert encode_state({"a": address})["a"]["class"] == "_gen.Address"  # type: ignore[index]
    assert through(address) == address and type(through(address)) is Address
    assert type(through(Variant(colour="blue"))) is Variant and through(Variant(colour="blue")).colour == "blue"


@pytest.mark.parametrize(
    "value",
    [
        uuid.UUID(int=5),
        fractions.Fraction(1, 3),
        types.SimpleNamespace(a=1, b=[2]),
        collections.deque([1, 2], maxlen=3),
        dt.timezone(dt.timedelta(hours=1), "CET"),
        dt.UTC,
    ],
)
def test_standard_classes_come_back(value: Any) -> None:
    assert through(value) == value and type(through(value)) is type(value)


def test_subclasses_of_plain_types_are_written_as_what_they_are_a_kind_of() -> None:
    class Name(str):
        __slots__ = ()

    value = {"o": collections.OrderedDict(a=1), "c": collections.Counter("aab"), "n": Name("x"), "b": bytearray(b"z")}
    assert through(value) == {"o": {"a": 1}, "c": {"a": 2, "b": 1}, "n": "x", "b": b"z"}
    assert type(through(value)["n"]) is str


def test_the_document_that_another_engine_must_read() -> None:
    """The exact text of each tag: the Rust side has the same list."""
    madrid = zoneinfo.ZoneInfo("Europe/Madrid")
    state = {
        "aware": dt.datetime(2026, 1, 5, 10, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        "zoned": dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=madrid),
        "naive": dt.datetime(2026, 1, 5, 10, 0, 0, 250000),
        "date": dt.date(2026, 1, 5),
        "time": dt.time(9, 30),
        "delta": dt.timedelta(days=-1, seconds=3),
        "zone": madrid,
        "price": decimal.Decimal("12.50"),
        "raw": b"\x00\xff",
        "pair": (1, "a"),
        "frozen": frozenset({2, 1}),
        "nan": float("nan"),
        "minus": float("-inf"),
        "big": 2**53 + 1,
        "edge": 2**53,
        "byint": {1: "one"},
        "escaped": {"$type": "mine"},
        "half": "\ud800a",
    }
    assert encode_state(state) == {
        "aware": {"$type": "datetime", "value": "2026-01-05T10:00:00+01:00"},
        "zoned": {"$type": "datetime", "value": "2026-10-25T02:30:00+01:00", "fold": 1, "zone": "Europe/Madrid"},
        "naive": {"$type": "datetime", "value": "2026-01-05T10:00:00.250000"},
        "date": {"$type": "date", "value": "2026-01-05"},
        "time": {"$type": "time", "value": "09:30:00"},
        "delta": {"$type": "timedelta", "days": -1, "seconds": 3, "microseconds": 0},
        "zone": {"$type": "zoneinfo", "value": "Europe/Madrid"},
        "price": {"$type": "decimal", "value": "12.50"},
        "raw": {"$type": "bytes", "value": "AP8="},
        "pair": {"$type": "tuple", "items": [1, "a"]},
        "frozen": {"$type": "frozenset", "items": [1, 2]},
        "nan": {"$type": "float", "value": "nan"},
        "minus": {"$type": "float", "value": "-inf"},
        "big": {"$type": "int", "value": "9007199254740993"},
        "edge": 9007199254740992,
        "byint": {"$type": "dict", "items": [[1, "one"]]},
        "escaped": {"$type": "dict", "items": [["$type", "mine"]]},
        "half": {"$type": "str", "value": "ANhhAA=="},
    }


@pytest.mark.parametrize(
    ("wire", "path", "reason"),
    [
        ({"a": {"$type": "pickle", "value": "x"}}, "/a", "unknown $type 'pickle'"),
        ({"a": {"$type": 5}}, "/a", "unknown $type 5"),
        ({"a/b": [0, {"$type": "date", "value": "x"}]}, "/a~1b/1", "date: "),
        ({"a": {"$type": "set", "items": [1, []]}}, "/a", "set: unhashable"),
        ({"a": {"$type": "set", "items": [1, 1]}}, "/a", "twice"),
        ({"a": {"$type": "dict", "items": [[1]]}}, "/a/items/0", "a pair"),
        ({"a": {"$type": "tuple", "items": [{"$type": "int", "value": "1e3"}]}}, "/a/items/0", "decimal digits"),
        ({"a": {"$type": "int", "value": "9" * (MAX_INT_DIGITS + 1)}}, "/a", "digits"),
        ({"a": {"$type": "object", "class": "x.Y", "fields": {"f": {"$type": "no"}}}}, "/a/fields/f", "unknown"),
        ({"a": {"$type": "bytes", "value": "?"}}, "/a", "bytes: "),
        ({"a": {"$type": "date", "value": "2026-01-05", "x": 1}}, "/a/x", "no member"),
        ({"a": {"$type": "datetime", "value": "2026-01-05T10:00:00", "fold": 2}}, "/a", "fold"),
        ({"a": {"$type": "timedelta", "days": 1}}, "/a", "timedelta: "),
        ({"a": {"$type": "decimal", "value": "12,5"}}, "/a", "not a decimal"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(wire: Any, path: str, reason: str) -> None:
    with pytest.raises(StateError) as caught:
        decode_state(wire, resolve)
    assert caught.value.path == path
    assert reason in caught.value.reason
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_limits_hold_both_ways() -> None:
    deepest = {"v": nested(MAX_DEPTH - 1)}
    assert decode_state(encode_state(deepest)) == deepest
    with pytest.raises(StateError, match="nested deeper"):
        encode_state({"v": nested(MAX_DEPTH)})
    with pytest.raises(StateError, match="nested deeper"):
        decode_state({"v": nested(MAX_DEPTH)})
    many = {str(n): n for n in range(MAX_KEYS + 1)}
    with pytest.raises(StateError, match="10,001 keys"):
        encode_state({"v": many})
    with pytest.raises(StateError, match="10,001 keys"):
        decode_state({"v": many})


def test_a_structure_that_holds_itself_is_refused_at_once() -> None:
    circle: list[Any] = []
    circle += [circle, circle]
    with pytest.raises(StateError, match="contains itself"):
        encode_state({"v": circle})
    shared: list[Any] = []
    for _ in range(40):
        shared = [shared, shared]
    with pytest.raises(StateError, match="values"):
        encode_state({"v": shared})


@pytest.mark.parametrize(
    "value",
    [lambda: 1, sys, object(), ValueError("x"), open, (n for n in ()), 10**5000, type],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_written_is_refused_or_noted(value: Any) -> None:
    with pytest.raises(StateError) as caught:
        encode_state({"a": [{"b": value}]})
    assert caught.value.path == "/a/0/b"
    told: list[tuple[str, str]] = []
    wire = encode_state({"a": [{"b": value}], "c": 1}, lambda path, _value, reason: told.append((path, reason)))
    json.dumps(wire, allow_nan=False)
    assert [path for path, _ in told] == ["/a/0/b"]
    back = decode_state(wire)
    assert back["c"] == 1
    assert "repr" in dir(back["a"][0]["b"])  # type: ignore[index]


def test_an_unknown_class_becomes_a_read_only_stand_in_that_loses_nothing() -> None:
    wire = {
        "o": {"$type": "object", "class": "vendor.models.Order", "fields": {"loyalty_id": "L1", "n": [1]}},
        "e": {"$type": "enum", "class": "vendor.models.Colour", "name": "RED"},
    }
    told: list[str] = []
    state = decode_state(wire, resolve, lambda path, text: told.append(f"{path}: {text}"))
    order: Any = state["o"]
    assert isinstance(order, StandIn) and order.loyalty_id == "L1" and state["e"].name == "RED"  # type: ignore[attr-defined]
    assert [line.split(":")[0] for line in told] == ["/o", "/e"]
    with pytest.raises(AttributeError, match="no field 'price'"):
        _ = order.price
    with pytest.raises(AttributeError, match="read-only"):
        order.loyalty_id = "L2"
    assert encode_state(state) == wire
    assert copy.deepcopy(order) == order == pickle.loads(pickle.dumps(order))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("os.system", {}),
        ("builtins.object", {}),
        ("subprocess.Popen", {"args": "true"}),
        (f"{__name__}.sys.modules", {}),
        (f"{__name__}.Strict", {"surplus": 1}),
        ("_gen.Conversation.__init__", {}),
        ("", {}),
    ],
)
def test_nothing_but_known_classes_is_ever_made(name: str, fields: Any) -> None:
    state = decode_state({"v": {"$type": "object", "class": name, "fields": fields}}, resolve)
    assert type(state["v"]) is StandIn


def test_no_setter_and_no_new_of_the_class_runs() -> None:
    global Trap

    class Trap:
        def __new__(cls) -> Any:
            raise AssertionError("__new__ ran")

        @property
        def armed(self) -> bool:
            return False

        @armed.setter
        def armed(self, value: bool) -> None:
            raise AssertionError("a setter ran")

    wire = {"$type": "object", "class": f"{__name__}.Trap", "fields": {"armed": True, "x": 1}}
    assert vars(decode_state({"v": wire}, resolve)["v"]) == {"armed": True, "x": 1}


def test_an_unknown_zone_keeps_the_instant() -> None:
    wire = {"$type": "datetime", "value": "2026-01-05T10:00:00+01:00", "zone": "Mars/Olympus"}
    told: list[str] = []
    value = decode_state({"v": wire}, None, lambda _path, text: told.append(text))["v"]
    assert value == dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC) and "Mars/Olympus" in told[0]


def test_state_behaves_as_end_functions_expect() -> None:
    state = State({"a": 1}, {"from_": "+1555"})
    state.b = 2
    assert state["b"] == 2 and state.missing is None and state.from_ == "+1555" == state["from_"]
    assert dict(state) == {"a": 1, "b": 2} and "from_" in state and len(state) == 2
    with pytest.raises(KeyError):
        _ = state["missing"]
    del state.b
    with pytest.raises(AttributeError):
        del state.b
    for twin in (copy.deepcopy(state), copy.copy(state), pickle.loads(pickle.dumps(state))):
        assert type(twin) is State and twin == state and twin.from_ == "+1555"
