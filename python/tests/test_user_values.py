"""Whatever a function logs, queues or writes: the run is not ended by it, and what is beside it is kept."""

from __future__ import annotations

import json

import pytest

NASTY = """
        import collections, dataclasses, enum, plog, sys

        class Raises:
            def _no(self, *_): raise ValueError("no")
            __repr__ = __str__ = __iter__ = __eq__ = __len__ = __bool__ = _no
            __hash__ = object.__hash__

        class Exits:
            def __repr__(self): sys.exit("out of __repr__")
            def __str__(self): raise KeyboardInterrupt

        class Lies:
            __class__ = dict

        class Items(dict):
            def items(self): raise LookupError("no items")
            def __iter__(self): raise LookupError("no iteration")

        class Odd(int):
            def __str__(self): raise ValueError
            __repr__ = __str__

        class Colour(str, enum.Enum):
            RED = "red"

        class Level(enum.IntEnum):
            LOW = 3

        @dataclasses.dataclass
        class Deep:
            inner: object

        def nested(depth, leaf=1):
            value = leaf
            for _ in range(depth):
                value = [value]
            return value

        def circle():
            value = {}
            value["me"] = [value]
            return value

        def chain(depth):
            value = None
            for _ in range(depth):
                value = Deep(value)
            return value
"""

VALUES = {
    "raises": "Raises()",
    "exits": "Exits()",
    "lies": "Lies()",
    "items": "Items(a=1)",
    "odd_int": "Odd(7)",
    "huge_int": "10 ** 5000",
    "enormous_int": "1 << 4_000_000",
    "deep": "nested(200)",
    "very_deep": "nested(100_000)",
    "circle": "circle()",
    "long": "'x' * 300_000",
    "many": "list(range(100_000))",
    "bytes": "bytes(300_000)",
    "set": "set(range(100_000))",
    "nan": "float('nan')",
    "surrogate": "'a\\ud800b'",
    "surrogate_key": "{'\\udc00': 1, 'plain': 2}",
    "twin_keys": "{1: 'a', '1': 'b', True: 'c', None: 'd', 1.5: 'e', (1, 2): 'f'}",
    "reader_key": "{'$serde_json::private::Number': '1'}",
    "exception": "ValueError(Raises())",
    "generator": "(n for n in range(3))",
    "recursive_repr": "chain(5_000)",
    "enum_key": "{Colour.RED: Level.LOW}",
    "ordered": "collections.OrderedDict(b=1, a=2)",
    "counted": "collections.defaultdict(list, {Raises: [Raises()]})",
}


def reads_as_the_supervisor_does(data: bytes) -> object:
    """JSON that `serde_json` takes: each key once, no lone surrogate."""
    data.decode()

    def once(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), pairs
        assert not any(key.startswith("$serde_json") for key, _ in pairs)
        return dict(pairs)

    text = data.decode()
    value = json.loads(text, object_pairs_hook=once, parse_constant=pytest.fail)
    json.dumps(value, ensure_ascii=False).encode()
    assert depth(value) <= 64
    return value


def depth(value: object) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, members), default=0)


@pytest.mark.parametrize("expression", VALUES.values(), ids=VALUES)
def test_nothing_that_a_function_hands_over_ends_its_run_or_takes_another_thing_with_it(run, expression):
    attempt = run(
        NASTY
        + f"""
        def end_function(conv):
            value = {expression}
            conv.log.info("before", value=value, beside=1)
            conv.log.warning(value, is_pii=value)
            plog.error(value, value=value)
            conv.write_metric("M", value)
            conv.write_metric(value, 2)
            conv.send_sms("+15550001", "+15550002", value)
            conv.send_content_template("service", "+15550001", "c", content_variables={{"v": value, "beside": 1}})
            conv.log_api_response(value, override_url=value)
            conv.state.beside = 1
            conv.state.value = value
            conv.state.inside = [value, {{"a": value}}, 2]
            conv.state.after = 2
        """
    )
    assert attempt.outcome == "returned", attempt.error
    entry = attempt.logs[0]
    assert entry["content"] == "before" and entry["fields"]["beside"] == 1
    assert attempt.actions[0]["to"] == "+15550001" and "content" in attempt.actions[0]
    assert attempt.actions[1]["content_variables"]["beside"] == 1
    assert [metric["value"] for metric in attempt.metrics][1] == 2
    assert (attempt.state["beside"], attempt.state["after"], attempt.state["inside"][2]) == (1, 2, 2)
    for part in (2, 3):
        reads_as_the_supervisor_does(attempt.result[part])
    json.loads(attempt.result[1])


def test_what_is_cut_says_so_in_its_place(run):
    attempt = run(
        NASTY
        + """
        def end_function(conv):
            conv.log.info("x", huge=10 ** 5000, deep=nested(40), circle=circle(), half="a\\ud800", big="y" * 50_000,
                          small=Items(a=1), odd=Odd(7), colour=Colour.RED, keys={1: "a", "1": "b"})
            conv.send_email("a@example.com", nested(40), subject=10 ** 5000)
            conv.write_metric("a\\ud800", Colour.RED)
            conv.write_metric(Colour.RED, Level.LOW)
            conv.write_metric("HUGE", -(10 ** 5000))
            conv.write_metric("LONG", "z" * 100_000)
        """
    )
    fields = attempt.logs[0]["fields"]
    assert fields["huge"] == "100000000000… [an integer of 5,001 digits]"
    assert "nested deeper than 32 levels" in json.dumps(fields["deep"])
    assert fields["circle"] == {"me": ["… [it contains itself]"]}
    assert fields["half"] == "a\\ud800" and "more characters were cut off" in fields["big"]
    assert (fields["small"], fields["odd"], fields["colour"]) == ({"a": 1}, 7, "red")
    assert fields["keys"] == {"1": "a", "1 (2)": "b"}
    assert attempt.actions[0]["subject"].endswith("[an integer of 5,001 digits]")
    told = "\n".join(attempt.texts[1:])
    assert "queued action email: subject: 100000000000… [an integer of 5,001 digits]" in told
    assert "queued action email: body[0][0]" in told and "nested deeper than 32 levels" in told
    assert [(metric["name"], metric["value"]) for metric in attempt.metrics[:2]] == [("a\\ud800", "red"), ("red", 3)]
    assert attempt.metrics[2]["value"] == "-100000000000… [an integer of 5,001 digits]"
    assert len(attempt.metrics[3]["value"]) < 70_000
    assert "write_metric('red')" not in told and "write_metric('a" not in told, "an enum's value needs no warning"
    assert "write_metric('HUGE'): a value of type int was kept as text" in told
    assert "write_metric('LONG'): 100,000 characters: the first 65,536 were kept" in told


def test_metrics_without_end_are_bounded_and_told_of_once(run):
    attempt = run("def end_function(conv):\n    for n in range(20_000): conv.write_metric('N', n)\n")
    assert len(attempt.metrics) == 10_000 and attempt.metrics[-1]["value"] == 9_999
    assert len(attempt.texts) == 1 and "10,000 metrics" in attempt.texts[0]


def test_a_queued_action_is_what_it_was_when_it_was_queued(run):
    attempt = run(
        """
        def end_function(conv):
            variables = {"name": "Ada"}
            conv.send_content_template("s", "+1555", "c", content_variables=variables)
            variables["name"] = "Bob"
            conv.write_metric("A", 1)
            conv.metrics_queue[0]["value"] = object()
        """
    )
    assert attempt.actions[0]["content_variables"] == {"name": "Ada"} and attempt.metrics[0]["value"] == 1


def test_logging_of_the_standard_library_does_not_end_a_run_either(run):
    attempt = run(
        """
        import logging

        def end_function(conv):
            logging.getLogger("crm").warning("%d of %s", "x")
            conv.state.after = 1
        """
    )
    assert attempt.state == {"after": 1} and "%d of %s [not formatted: TypeError" in attempt.texts[0]


def test_a_printed_text_of_any_size_comes_in_lines_that_are_whole(run):
    attempt = run("def end_function(conv): print('a' * 1_500_000 + '\\n' + 'last')", limits={"log_bytes": 1 << 23})
    assert "".join(attempt.texts[:-1]) == "a" * 1_500_000 and attempt.texts[-1] == "last"


def test_state_stays_an_object_whatever_its_keys_are(zygote):
    process = zygote(
        NASTY
        + """
        def end_function(conv):
            if conv.id == "write":
                conv.state.plain = 1
                conv.state[Colour.RED] = {Colour.RED: 2}
                conv.state["half\\ud800"] = 3
                conv.state[5] = (4,)
                conv.state["$type"] = 5
                conv.state[Raises()] = 6
            else:
                del conv.state[next(key for key in conv.state if type(key).__name__ not in ("str", "int"))]
                conv.state.read = [conv.state.plain, conv.state["red"], conv.state["half\\ud800"], conv.state[5],
                                   conv.state["$type"], conv.state[Colour.RED] is conv.state["red"]]
        """
    )
    first = process.run({"id": "write", "state": {}})
    assert first.outcome == "returned", first.error
    assert (first.state["plain"], first.state["red"]) == (1, {"red": 2})
    assert first.state["$other_keys"]["$type"] == "dict" and len(first.state["$other_keys"]["items"]) == 4
    second = process.run({"id": "read", "state": first.state})
    assert second.outcome == "returned", second.error
    assert second.state["read"] == [1, {"red": 2}, 3, {"$type": "tuple", "items": [4]}, 5, True]
    assert {**first.state, "read": ...}.keys() == second.state.keys()


def test_a_state_of_too_many_keys_keeps_the_first_and_tells_of_the_rest(run):
    attempt = run("def end_function(conv):\n    for n in range(12_000): conv.state[f'k{n}'] = n\n")
    assert attempt.outcome == "returned" and attempt.state["k9000"] == 9000
    assert "at most 10,000 keys" in attempt.texts[0]


def test_a_value_that_raises_when_state_is_written_is_noted_and_the_rest_kept(run):
    attempt = run(
        """
        import datetime

        class Zone(datetime.tzinfo):
            def utcoffset(self, when): raise OSError("no zone")

        class Sly:
            @property
            def __dict__(self): raise KeyError("sly")

        class Row(list):
            def __iter__(self): raise ValueError("row")

        def end_function(conv):
            conv.state.when = datetime.datetime(2026, 1, 5, tzinfo=Zone())
            conv.state.sly = Sly()
            conv.state.row = Row([1, 2])
            conv.state.last = 1
        """
    )
    assert attempt.outcome == "returned", attempt.error
    assert attempt.state["row"] == [1, 2] and attempt.state["last"] == 1
    assert attempt.texts[0].startswith("conv.state/when: ") and "raised OSError: no zone" in attempt.texts[0]
    assert attempt.state["when"]["$type"] == attempt.state["sly"]["$type"] == "object"
