"""What looks random to a function is the same in every attempt of its run, and in no other run."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

ONE, OTHER = b"1" * 32, b"2" * 32

DRAW = """
import asyncio, os, random, secrets, tempfile, threading, time, uuid
from concurrent.futures import ThreadPoolExecutor
from random import SystemRandom, choice, randbytes

def draw():
    own = random.Random()
    return {
        "uuid4": str(uuid.uuid4()),
        "token_hex": secrets.token_hex(),
        "token_urlsafe": secrets.token_urlsafe(),
        "randbelow": secrets.randbelow(1 << 64),
        "urandom": os.urandom(20).hex(),
        "getrandom": os.getrandom(20).hex(),
        "system": SystemRandom().random(),
        "random": random.random(),
        "randint": random.randint(0, 1 << 64),
        "gauss": [random.gauss(0, 1) for _ in range(3)],
        "choice": [choice(range(1 << 32)), randbytes(8).hex()],
        "own": [own.random(), own.getrandbits(64)],
        "uuid1": uuid.uuid1().int & (1 << 64) - 1,
        "name": os.path.basename(tempfile.mktemp()),
    }
"""


@pytest.fixture
def draws(zygote):
    """What a project's function leaves in `conv.state.drawn`, by seed."""

    def start(body, **settings):
        process = zygote(DRAW + textwrap.dedent(body), **settings)
        assert "ready" in process.answer, process.answer

        def attempt(seed, **state):
            attempt = process.run({"id": "c-1", "state": state}, seed=seed)
            assert attempt.outcome == "returned", attempt.error
            return attempt.state["drawn"]

        return attempt

    return start


def values(drawn):
    """Each number of a `draw`, alone."""
    for value in drawn.values():
        yield from value if isinstance(value, list) else (value,)


@pytest.mark.parametrize("mode", ["serve", "late_import"])
@pytest.mark.parametrize("fork", [None, "fork"])
def test_attempts_of_a_run_draw_the_same_and_those_of_another_run_others(draws, mode, fork):
    settings = {"mode": mode, **({"fork": fork} if fork else {})}
    attempt = draws("def end_function(conv): conv.state.drawn = [draw(), draw()]", **settings)
    first = attempt(ONE)
    assert attempt(ONE) == first
    every = [value for drawn in (*first, *attempt(OTHER)) for value in values(drawn)]
    assert len({str(value) for value in every}) == len(every)


def test_a_function_that_imports_what_draws_draws_the_same(zygote):
    process = zygote(
        """
        def end_function(conv):
            import random, secrets, uuid
            conv.state.drawn = [random.random(), random.Random().random(), secrets.token_hex(), uuid.uuid4().hex]
            conv.state.drawn.append(uuid.uuid1().node)
        """
    )
    first, again, other = (process.run(seed=seed).state["drawn"] for seed in (ONE, ONE, OTHER))
    assert first == again and not set(first) & set(other)


THREADS = """
def work(name, rest_s):
    time.sleep(rest_s)
    drawn[name] = [draw() | {"name": None}, draw() | {"name": None}]

def end_function(conv):
    global drawn
    drawn = {}
    rests = conv.state.rests
    threads = [threading.Thread(target=work, args=(f"thread {n}", rest)) for n, rest in enumerate(rests)]
    [thread.start() for thread in threads]
    drawn["main"] = draw() | {"name": None}
    [thread.join() for thread in threads]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, ["a", "b", "c"], rests))

    async def task(name, rest):
        await asyncio.sleep(rest)
        drawn[name] = [draw() | {"name": None}]

    async def tasks():
        await asyncio.gather(*(task(f"task {n}", rest) for n, rest in enumerate(rests)))

    asyncio.run(tasks())
    conv.state.drawn = drawn
"""


def test_threads_and_tasks_draw_the_same_whichever_is_first_and_each_its_own(draws):
    attempt = draws(THREADS)
    first = attempt(ONE, rests=[0.0, 0.05, 0.1])
    assert attempt(ONE, rests=[0.1, 0.05, 0.0]) == first
    ids = [one["uuid4"] for drawn in first.values() for one in (drawn if isinstance(drawn, list) else [drawn])]
    numbers = [one["random"] for drawn in first.values() for one in (drawn if isinstance(drawn, list) else [drawn])]
    assert len(ids) == len(set(ids)) == len(set(numbers)) == 16


def test_threads_that_python_knows_nothing_of_never_draw_the_same_number(draws):
    attempt = draws(
        """
        import _thread

        def end_function(conv):
            drawn = []
            for _ in range(4):
                _thread.start_new_thread(lambda: [drawn.append(uuid.uuid4().hex) for _ in range(500)], ())
            drawn.extend(uuid.uuid4().hex for _ in range(500))
            while len(drawn) < 2500:
                time.sleep(0.01)
            conv.state.drawn = [len(drawn), len(set(drawn))]
        """
    )
    assert attempt(ONE) == [2500, 2500]


def test_what_is_drawn_for_one_purpose_does_not_move_what_is_drawn_for_another(draws):
    attempt = draws(
        """
        def end_function(conv):
            for _ in range(conv.state.failures):
                random.uniform(0, 1), random.Random(), tempfile.mktemp()
            conv.state.drawn = [uuid.uuid4().hex, secrets.token_hex()]
        """
    )
    assert attempt(ONE, failures=0) == attempt(ONE, failures=3)


def test_a_generator_that_the_code_seeds_is_what_python_makes_of_it_and_one_for_all_threads(draws):
    attempt = draws(
        """
        def end_function(conv):
            random.seed(42)
            conv.state.drawn = [random.random(), random.Random(7).random()]
            with ThreadPoolExecutor(1) as pool:
                conv.state.drawn.append(pool.submit(random.random).result())
            state = random.getstate()
            conv.state.drawn += [random.random()]
            random.setstate(state)
            conv.state.drawn += [random.random()]
            random.seed()
            conv.state.drawn += [random.random()]
        """
    )
    import random

    seeded = random.Random(42)
    one, two, three = (seeded.random() for _ in range(3))
    first, other = attempt(ONE), attempt(OTHER)
    assert first[:-1] == other[:-1] == [one, random.Random(7).random(), two, three, three]
    assert first[-1] == attempt(ONE)[-1] != other[-1]


def test_what_a_zygote_drew_or_seeded_while_importing_is_no_childs(draws):
    attempt = draws(
        """
        random.seed(1)
        IDS = [uuid.uuid4().hex, uuid.uuid1().hex, secrets.token_hex(), tempfile.gettempdir()]

        def end_function(conv):
            conv.state.drawn = [random.random(), uuid.uuid4().hex, uuid.uuid1().node]
            with ThreadPoolExecutor(1) as pool:
                conv.state.drawn.append(pool.submit(random.random).result())
        """
    )
    first, other = attempt(ONE), attempt(OTHER)
    assert first == attempt(ONE) and not set(first) & set(other)


def test_the_size_of_what_is_drawn_is_the_one_asked_for(draws):
    attempt = draws(
        """
        def end_function(conv):
            sizes = [len(os.urandom(n)) for n in (0, 1, True, (1 << 20) + 1, 5 << 20)]
            wrong = []
            for size in (-1, "1", 1.5):
                try:
                    os.urandom(size)
                except (TypeError, ValueError) as error:
                    wrong.append(f"{type(error).__name__}: {error}")
            big = os.urandom(2 << 20)
            conv.state.drawn = [sizes, wrong, big[: 1 << 20] == big[1 << 20 :], type(big).__name__]
        """
    )
    wrong = []
    for size in (-1, "1", 1.5):
        with pytest.raises((TypeError, ValueError)) as caught:
            os.urandom(size)  # type: ignore[arg-type]
        wrong.append(f"{type(caught.value).__name__}: {caught.value}")
    assert attempt(ONE) == [[0, 1, 1, (1 << 20) + 1, 5 << 20], wrong, False, "bytes"]


def test_what_signs_by_nonces_draws_from_the_kernel(zygote):
    process = zygote(
        "import ecdsa, os\ndef end_function(conv): conv.state.drawn = [ecdsa.nonce(), os.urandom(16).hex()]",
        {"ecdsa.py": "import os\n\ndef nonce():\n    return os.urandom(16).hex()\n"},
    )
    (nonce, drawn), (nonce_again, drawn_again) = (process.run(seed=ONE).state["drawn"] for _ in range(2))
    assert nonce != nonce_again and drawn == drawn_again


def test_the_numbers_of_random_do_not_give_the_seed_away(draws):
    attempt = draws("def end_function(conv): conv.state.drawn = [random.random(), random.getrandbits(64)]")
    import random

    guessed = random.Random(int.from_bytes(ONE, "big"))
    assert attempt(ONE) != [guessed.random(), guessed.getrandbits(64)]


def test_importing_the_module_changes_nothing():
    code = """
        import os, random
        before = os.urandom, os.getrandom, random.random, random.Random.seed
        import aftercall.testing, aftercall._runtime.seeding
        assert before == (os.urandom, os.getrandom, random.random, random.Random.seed)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_functions_of_random_still_tell_what_they_take(draws):
    attempt = draws(
        """
        import inspect

        def end_function(conv):
            told = [str(inspect.signature(random.randint)), random.choice.__name__, random.seed.__doc__[:10]]
            conv.state.drawn = told
        """
    )
    assert attempt(ONE) == ["(a, b)", "choice", "Initialize"]
