"""Chance, the same in every attempt of a run.

A retry finds the writes of the attempt before it by what is in them. So an id that the function makes up (`uuid4`,
`secrets`, a boundary) has to be the same one again, and another in every other run. Each lane draws from a stream of
its own, so that threads may change places:

    SHAKE-256(seed of the run ‖ purpose ‖ number of the draw ‖ name of the lane)

The seed comes with the start frame, and is a keyed hash of the server's: who sees some numbers foresees no others.
What a purpose draws does not move another's stream: a library's back-off, which draws `random` as often as it fails,
leaves the next `uuid4` alone.

A zygote has no seed, and draws from the kernel. Importing this module changes nothing: `install` does.
"""

from __future__ import annotations

import os
import sys
from operator import index

from aftercall._runtime.http.lanes import current, main_lane

try:  # without `hashlib`, which would load OpenSSL into every zygote
    from _sha3 import shake_256  # type: ignore[import-not-found]
except ImportError:  # pragma: no cover - an interpreter that was built without it
    from hashlib import shake_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from types import ModuleType
    from typing import Any

    from aftercall._runtime.http.lanes import Lane

#: What a stream is for. `SEED`: of a generator that was given none; `GENERATOR`: of what a lane sees as the generator
#: behind `random.random` and its like; `NAMES`: of temporary files.
BYTES, SEED, GENERATOR, NODE, NUMPY, NAMES = b"b", b"s", b"g", b"n", b"y", b"t"
SEED_BYTES = 32
#: The most that is drawn in one go; `shake_256` refuses 512 MiB.
MAX_DRAW = 1 << 20
#: The node of a uuid1 has 48 bits. With this one set it is nobody's network card (RFC 9562, 6.10).
NODE_BYTES, MULTICAST = 6, 1 << 40
#: Packages that sign by ECDSA or DSA with what `os.urandom` gives: two signatures by one nonce give the private key
#: away, and the attempts of a run may sign different texts (the time is in them). They draw from the kernel.
SIGNERS = frozenset(("Crypto", "Cryptodome", "ecdsa"))

_kernel_urandom = os.urandom
_kernel_getrandom: Callable[..., bytes] | None = getattr(os, "getrandom", None)
#: The run's seed: in a child, once it has been told.
_seed: bytes | None = None
#: Whether the code has seeded the generator behind `random.random`: then it is one for all, as Python has it.
_seeded_by_hand = False


def install() -> None:
    """Replaces what draws. In the zygote, before anything of the project is imported."""
    os.urandom = urandom
    if _kernel_getrandom is not None:
        os.getrandom = getrandom


def reseed(seed: bytes) -> None:
    """In a child: draws from the run's 32 bytes from now on. What the zygote has loaded is made to follow."""
    global _seed, _seeded_by_hand
    _seed, _seeded_by_hand = seed, False
    modules = sys.modules
    for name, follow in _FOLLOW.items():
        module = modules.get(name)
        if module is not None:
            follow(module)


def urandom(size: int, /) -> bytes:
    """Return a bytes object containing random bytes suitable for cryptographic use."""
    if _seed is None or _called_by_signer():
        return _kernel_urandom(size)
    return _bytes(size)


def getrandom(size: int, flags: int = 0) -> bytes:
    """Obtain a series of random bytes."""
    if _seed is None or _called_by_signer():
        assert _kernel_getrandom is not None
        return _kernel_getrandom(size, flags)
    return _bytes(size)


def _called_by_signer() -> bool:
    caller = sys._getframe(1).f_back  # there is none where a bare thread calls us
    name = caller.f_globals.get("__name__") if caller is not None else None
    return isinstance(name, str) and name.partition(".")[0] in SIGNERS


def _bytes(size: int) -> bytes:
    size = index(size)
    if size < 0:
        raise ValueError("negative argument not allowed")
    lane = current()
    if size <= MAX_DRAW:
        return _draw(lane, BYTES, next(lane.draws), size)
    sizes = (min(MAX_DRAW, size - at) for at in range(0, size, MAX_DRAW))
    return b"".join(_draw(lane, BYTES, next(lane.draws), part) for part in sizes)


def _draw(lane: Lane, purpose: bytes, number: int, size: int) -> bytes:
    assert _seed is not None
    drawn: bytes = shake_256(_seed + purpose + number.to_bytes(8, "big") + lane.name.encode()).digest(size)
    return drawn


def _number(lane: Lane, purpose: bytes, number: int = 0, size: int = SEED_BYTES) -> int:
    return int.from_bytes(_draw(lane, purpose, number, size), "big")


def random_imported(module: ModuleType) -> None:
    """Once `random` is imported: what is given no seed takes one from the stream, and each lane has a generator."""
    shared: Random = module._inst
    # The class seeds itself by C code, which asks the kernel.
    seed = module.Random.seed

    def seed_from_stream(self: Random, a: Any = None, version: int = 2) -> None:
        if a is None and _seed is not None:
            lane = current()
            a = _number(lane, SEED, next(lane.seeds))
        seed(self, a, version)

    _named_like(seed, seed_from_stream)
    module.Random.seed = seed_from_stream
    module._urandom = urandom  # type: ignore[attr-defined]  # it was imported before `install`, perhaps

    def generator() -> Random:
        if _seed is None or _seeded_by_hand:
            return shared
        lane = current()
        if lane.parent is None:
            return shared
        if lane.generator is None:
            lane.generator = module.Random(_number(lane, GENERATOR))
        return lane.generator

    for name, method in list(vars(module).items()):
        if getattr(method, "__self__", None) is shared:
            setattr(module, name, _of_lane(generator, name, method))

    def seed_of_lane(a: Any = None, version: int = 2) -> None:
        global _seeded_by_hand
        _seeded_by_hand = a is not None and _seed is not None
        generator().seed(a, version)

    _named_like(module.seed, seed_of_lane)
    module.seed = seed_of_lane  # type: ignore[attr-defined]
    if _seed is not None:
        _follow_random(module)


def _of_lane(generator: Callable[[], Random], name: str, method: Callable[..., object]) -> Callable[..., object]:
    def of_lane(*args: object, **kwargs: object) -> object:
        return getattr(generator(), name)(*args, **kwargs)

    _named_like(method, of_lane)
    return of_lane


def _named_like(original: Any, ours: Any) -> None:
    """As `functools.wraps`, for people and for `inspect.signature`."""
    ours.__name__, ours.__doc__, ours.__wrapped__ = original.__name__, original.__doc__, original
    ours.__qualname__ = original.__qualname__


def _follow_random(module: ModuleType) -> None:
    # Never the seed itself: a Mersenne Twister gives away what it was seeded with.
    module._inst.seed(_number(main_lane, GENERATOR))


def _follow_uuid(module: ModuleType) -> None:
    """Of a uuid1: its node, here, and its sequence, which is drawn from `random`. Its time is real."""
    module._node = _number(main_lane, NODE, size=NODE_BYTES) | MULTICAST  # type: ignore[attr-defined]
    # Two children forked in one tick of the clock must not make the same uuid1.
    module._last_timestamp = None  # type: ignore[attr-defined]
    module._generate_time_safe = None  # type: ignore[attr-defined]


def tempfile_imported(module: ModuleType) -> None:
    """Once `tempfile` is imported: all lanes share its names, so it must not take from the stream of the first."""
    unseeded: type[Random] = module._Random
    module._Random = lambda: unseeded() if _seed is None else unseeded(_number(main_lane, NAMES))  # type: ignore[attr-defined]


def _follow_tempfile(module: ModuleType) -> None:
    # It may have been found while importing, and the child has a folder of its own.
    module.tempdir = None  # type: ignore[attr-defined]


def _follow_numpy(module: ModuleType) -> None:
    """Of its functions; a generator of its own without a seed asks `secrets`."""
    words = _draw(main_lane, NUMPY, 0, SEED_BYTES)
    module.seed([int.from_bytes(words[at : at + 4], "big") for at in range(0, SEED_BYTES, 4)])


def _if_seeded(follow: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def imported(module: ModuleType) -> None:
        if _seed is not None:
            follow(module)

    return imported


#: What is done to modules that are loaded when a child begins …
_FOLLOW: dict[str, Callable[[ModuleType], None]] = {
    "random": _follow_random,
    "uuid": _follow_uuid,
    "tempfile": _follow_tempfile,
    "numpy.random": _follow_numpy,
}
#: … and to those that are imported later.
HOOKS: dict[str, Callable[[ModuleType], None]] = {
    **{name: _if_seeded(follow) for name, follow in _FOLLOW.items()},
    "random": random_imported,
    "tempfile": tempfile_imported,
}
