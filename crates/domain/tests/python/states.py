"""The Python end of `state_python.rs`: states of every type, made from a seed, written and read by `aftercall.state`.

`write SEED COUNT` prints COUNT states on the wire, one a line. `compare SEED COUNT` reads them back from standard
input and compares each with the state it was made from. `read` only reads.
"""

import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import random
import sys
import types
import uuid
import zoneinfo

from aftercall.state import StandIn, decode_state, encode_state

try:
    import pydantic
except ImportError:
    pydantic = None


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Option(enum.Flag):
    GIFT = 1
    EXPRESS = 2


@dataclasses.dataclass
class Order:
    loyalty_id: object
    lines: object


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: object
    y: object


class Plain:
    pass


CLASSES = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in (Size, Option, Order, Point, Plain)}
if pydantic is not None:

    class Booking(pydantic.BaseModel):
        name: str
        at: datetime.datetime | None = None
        guests: list[int] = []

    CLASSES["__main__.Booking"] = Booking

ZONES = ["Europe/Madrid", "Asia/Tokyo", "America/Argentina/Buenos_Aires", "UTC"]


class Maker:
    """Random values, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        alphabet = 'ab$type/~"\\\0\n\u00e9\u4e2d\u200e\U0001f600'
        text = "".join(self.random.choice(alphabet) for _ in range(self.random.randrange(8)))
        return text + "\ud800" if self.random.random() < 0.1 else text

    def key(self):
        return self.random.choice(["$type", "value", "items", "", "a.b", self.text(), self.text()])

    def number(self):
        size = self.random.choice([1, 100, 2**53, 2**64, 10**400])
        return self.random.choice([self.random.randint(-size, size), self.random.uniform(-1e3, 1e3), 1e308, 5e-324, -0.0, 1.0])

    def zone(self):
        offset = datetime.timedelta(microseconds=self.random.randint(-86_399_999_999, 86_399_999_999))
        return self.random.choice([None, datetime.UTC, datetime.timezone(offset), zoneinfo.ZoneInfo(self.random.choice(ZONES))])

    def moment(self):
        draw = self.random.randrange
        date = datetime.date.fromordinal(draw(2, 3_652_058))
        time = datetime.time(draw(24), draw(60), draw(60), self.random.choice([0, draw(10**6)]), self.zone(), fold=draw(2))
        delta = datetime.timedelta(draw(-999_999_999, 10**9), draw(86_400), draw(10**6))
        return self.random.choice([date, time, datetime.datetime.combine(date, time), delta])

    def scalar(self):
        draw = self.random
        return draw.choice(
            [
                lambda: None,
                lambda: draw.random() < 0.5,
                self.text,
                self.number,
                self.moment,
                lambda: draw.choice([math.nan, math.inf, -math.inf]),
                lambda: draw.randbytes(draw.randrange(6)),
                lambda: decimal.Decimal(draw.choice(["0.10", "-1E+30", "NaN", "-Infinity", "1e-99999999", "sNaN12", "-0"])),
                lambda: zoneinfo.ZoneInfo(draw.choice(ZONES)),
                lambda: draw.choice([*Size, *Option, Option.GIFT | Option.EXPRESS]),
                lambda: draw.choice([uuid.UUID(int=draw.getrandbits(128)), fractions.Fraction(draw.randint(-9, 9), 7)]),
            ]
        )()

    def hashable(self):
        # Values that equal others of another type, or not even themselves, would collapse or get lost in a set.
        value = self.scalar()
        while value is None or isinstance(value, bool | int | float | decimal.Decimal | fractions.Fraction):
            value = self.scalar()
        wrap = self.random.randrange(6)
        return {0: (value,), 1: frozenset([value]), 2: Point(value, 1)}.get(wrap, value)

    def value(self, depth=0):
        if depth > 4 or self.random.random() < 0.4:
            return self.scalar()
        items = [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return self.random.choice(
            [
                lambda: items,
                lambda: tuple(items),
                lambda: {self.key(): item for item in items},
                lambda: {self.hashable(): item for item in items},
                lambda: {self.hashable() for _ in items},
                lambda: frozenset(self.hashable() for _ in items),
                lambda: Order(items, {self.key(): None}),
                lambda: Point(*(items + [1, 2])[:2]),
                lambda: self.plain(items),
                lambda: types.SimpleNamespace(items=items),
                lambda: self.booking(),
            ]
        )()

    def plain(self, items):
        plain = Plain()
        plain.items = items
        return plain

    def booking(self):
        if pydantic is None:
            return None
        at = datetime.datetime(2026, 1, self.random.randint(1, 31), tzinfo=datetime.UTC)
        return self.random.choice([Booking(name="x"), Booking(name="y", at=at, guests=[1, 2])])

    def state(self):
        return {f"v{index}": self.value() for index in range(5)} | {self.key(): self.scalar()}


def same(one, other):
    """Equality that looks at types too, and to which NaN is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float | decimal.Decimal):
        return repr(one) == repr(other)
    if isinstance(one, datetime.datetime | datetime.time):
        return repr(one) == repr(other) and getattr(one.tzinfo, "key", None) == getattr(other.tzinfo, "key", None)
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(key, other_key) and same(value, other_value)
            for (key, value), (other_key, other_value) in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, set | frozenset):
        rest = list(other)
        for item in one:
            found = [index for index, candidate in enumerate(rest) if same(item, candidate)]
            if not found:
                return False
            del rest[found[0]]
        return not rest
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    if isinstance(one, Plain | types.SimpleNamespace):
        return same(vars(one), vars(other))
    if pydantic is not None and isinstance(one, pydantic.BaseModel):
        return same(dict(one), dict(other)) and one.model_fields_set == other.model_fields_set
    return not isinstance(one, StandIn) and one == other


def read_lines():
    # Not `splitlines`, to which U+2028 inside a text ends a line.
    return sys.stdin.read().split("\n")[:-1]


def warned(path, text):
    raise SystemExit(f"{path}: {text}")


def main(command, seed="0", count="0"):
    maker = Maker(int(seed))
    if command == "write":
        for _ in range(int(count)):
            print(json.dumps(encode_state(maker.state()), ensure_ascii=False))
    elif command == "compare":
        states = [maker.state() for _ in range(int(count))]
        lines = read_lines()
        for index, (state, line) in enumerate(zip(states, lines, strict=True)):
            back = decode_state(json.loads(line), CLASSES.get, warned)
            if not same(state, back):
                raise SystemExit(f"state {index} came back as another:\n{state!r}\n{back!r}\n{line}")
        print(f"{len(states)} same, {sum(map(len, lines))} characters, pydantic {'with' if pydantic else 'without'}")
    else:
        for line in read_lines():
            decode_state(json.loads(line))


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    main(*sys.argv[1:])
