#![allow(clippy::unwrap_used)]

#[path = "any_state.rs"]
mod any_state;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::{Limits, Path, Problems, canonical, parse};

/// A state with one variable `x`, checked both ways: by building it and without.
fn problems_of(x: &Value) -> Vec<(String, String, String)> {
    let state = json!({ "x": x });
    let mut checked = Problems::default();
    check(&state, &Path::Root, &mut checked);
    let decoded = decode(&state);
    assert_eq!(decoded.err().unwrap_or_default(), checked);
    checked
        .list()
        .iter()
        .map(|one| (one.path.clone(), one.found.clone(), one.expected.clone()))
        .collect()
}

#[test]
#[rustfmt::skip] // a case a line
fn every_tag_reads_as_its_type_and_is_written_as_it_was() {
    let good = [
        json!({"$type": "datetime", "value": "2026-01-05T10:00:00+01:00"}),
        json!({"$type": "datetime", "value": "2026-10-25T02:30:00.123456+01:00", "fold": 1, "zone": "Europe/Madrid"}),
        json!({"$type": "datetime", "value": "0001-01-01T00:00:00"}),
        json!({"$type": "datetime", "value": "9999-12-31T23:59:59.999999-23:59:59.999999"}),
        json!({"$type": "datetime", "value": "1900-01-01T00:00:00-00:14:44"}),
        json!({"$type": "datetime", "value": "2026-01-05T10:00:00.5Z"}),
        json!({"$type": "date", "value": "2024-02-29"}),
        json!({"$type": "time", "value": "23:59:59"}),
        json!({"$type": "time", "value": "01:02:03.000004+05:30", "fold": 1}),
        json!({"$type": "time", "value": "01:02:03", "zone": "Asia/Tokyo"}),
        json!({"$type": "timedelta", "days": -1, "seconds": 86399, "microseconds": 999999}),
        json!({"$type": "zoneinfo", "value": "America/Argentina/Buenos_Aires"}),
        json!({"$type": "zoneinfo", "value": "Etc/GMT+12"}),
        json!({"$type": "decimal", "value": "1E+3"}),
        json!({"$type": "decimal", "value": "-sNaN123"}),
        json!({"$type": "decimal", "value": "-Infinity"}),
        json!({"$type": "decimal", "value": "0.10"}),
        json!({"$type": "bytes", "value": "AAEC/w=="}),
        json!({"$type": "bytes", "value": ""}),
        json!({"$type": "str", "value": STANDARD.encode([0x00, 0xd8, 0x41, 0x00])}),
        json!({"$type": "float", "value": "-inf"}),
        json!({"$type": "int", "value": "9".repeat(MAX_INT_DIGITS)}),
        json!({"$type": "int", "value": "-9007199254740993"}),
        json!({"$type": "tuple", "items": [1, [2], {"$type": "tuple", "items": []}]}),
        json!({"$type": "set", "items": [1, 1.0, "1", {"$type": "frozenset", "items": [{"$type": "tuple", "items": []}]}]}),
        json!({"$type": "dict", "items": [[1, "int"], ["$type", "own"], [null, []], [{"$type": "tuple", "items": [1]}, 2]]}),
        json!({"$type": "enum", "class": "functions.orders.Size", "name": "A|B"}),
        json!({"$type": "object", "class": "functions.orders.Order", "fields": {"$type": 5, "items": [{"$type": "date", "value": "2026-01-01"}]}}),
    ];
    for value in good {
        assert_eq!(problems_of(&value), [], "{value}");
        let state = json!({"a": 1, "x": value});
        assert_eq!(canonical(&encode(&decode(&state).unwrap())), canonical(&state));
    }
}

#[test]
#[rustfmt::skip] // a case a line
fn what_is_refused_says_where() {
    // value, path, a part of what is found or expected
    let table = [
        (json!({"$type": "complex", "value": "1j"}), "/x/$type", "one of int"),
        (json!({"$type": 7}), "/x/$type", "the number 7"),
        (json!([{"a": {"$type": null}}]), "/x/0/a/$type", "null"),
        (json!({"$type": "datetime", "value": "2023-02-29T00:00:00"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "0000-01-01T00:00:00"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05 10:00:00"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T24:00:00"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:60"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00+24:00"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00+01:60"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00.1234567"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00.é"}), "/x/value", "a date and time"),
        (json!({"$type": "datetime", "value": 5}), "/x/value", "a text"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00", "fold": 0}), "/x/fold", "1, or no fold"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00", "fold": true}), "/x/fold", "1, or no fold"),
        (json!({"$type": "datetime", "value": "2026-01-05T10:00:00", "zone": "../etc/passwd"}), "/x/zone", "time zone"),
        (json!({"$type": "date", "value": "2026-13-01"}), "/x/value", "a date"),
        (json!({"$type": "date", "value": "2026-1-1"}), "/x/value", "a date"),
        (json!({"$type": "date", "value": "2026-01-01", "zone": "UTC"}), "/x/zone", "does not have"),
        (json!({"$type": "time", "value": "25:00:00"}), "/x/value", "a time"),
        (json!({"$type": "timedelta", "days": 1, "seconds": 86400, "microseconds": 0}), "/x/seconds", "86399"),
        (json!({"$type": "timedelta", "days": 1.0, "seconds": 0, "microseconds": 0}), "/x/days", "1.0"),
        (json!({"$type": "timedelta", "days": 1_000_000_000, "seconds": 0, "microseconds": 0}), "/x/days", "999999999"),
        (json!({"$type": "timedelta", "days": 1, "seconds": 0}), "/x", "without microseconds"),
        (json!({"$type": "zoneinfo", "value": "/etc/localtime"}), "/x/value", "time zone"),
        (json!({"$type": "zoneinfo", "value": ""}), "/x/value", "time zone"),
        (json!({"$type": "decimal", "value": "1,5"}), "/x/value", "a decimal"),
        (json!({"$type": "decimal", "value": "1e"}), "/x/value", "a decimal"),
        (json!({"$type": "decimal", "value": "."}), "/x/value", "a decimal"),
        (json!({"$type": "bytes", "value": "AAEC/w"}), "/x/value", "base64"),
        (json!({"$type": "bytes", "value": "AB=="}), "/x/value", "base64"),
        (json!({"$type": "bytes", "value": "AA EC"}), "/x/value", "base64"),
        (json!({"$type": "str", "value": "AAEC"}), "/x/value", "even number"),
        (json!({"$type": "float", "value": "1.5"}), "/x/value", "nan, inf"),
        (json!({"$type": "int", "value": 5}), "/x/value", "a text"),
        (json!({"$type": "int", "value": "007"}), "/x/value", "an integer"),
        (json!({"$type": "int", "value": "-0"}), "/x/value", "an integer"),
        (json!({"$type": "int", "value": "1".repeat(MAX_INT_DIGITS + 1)}), "/x/value", "an integer"),
        (json!({"$type": "set", "items": [[1]]}), "/x/items/0", "a list"),
        (json!({"$type": "set", "items": [{}]}), "/x/items/0", "a dict"),
        (json!({"$type": "set", "items": [{"$type": "tuple", "items": [{"$type": "set", "items": []}]}]}), "/x/items/0", "a set"),
        (json!({"$type": "set", "items": [{"$type": "decimal", "value": "-sNaN1"}]}), "/x/items/0", "signalling NaN"),
        (json!({"$type": "frozenset", "items": [1, 2, 1]}), "/x/items/2", "second time"),
        (json!({"$type": "tuple", "items": "ab"}), "/x/items", "an array"),
        (json!({"$type": "dict", "items": {"a": 1}}), "/x/items", "an array"),
        (json!({"$type": "dict", "items": [[1, 2, 3]]}), "/x/items/0", "a pair"),
        (json!({"$type": "dict", "items": [["a", 1], ["a", 2]]}), "/x/items/1/0", "second time"),
        (json!({"$type": "dict", "items": [[[], 2]]}), "/x/items/0/0", "a list"),
        (json!({"$type": "enum", "class": "", "name": "A"}), "/x/class", "an empty text"),
        (json!({"$type": "enum", "class": "a.B"}), "/x", "without name"),
        (json!({"$type": "object", "class": "a.B", "fields": []}), "/x/fields", "an object"),
        (json!({"$type": "object", "class": "a.B", "fields": {"d/~": {"$type": "date", "value": "x"}}}), "/x/fields/d~1~0/value", "a date"),
    ];
    for (value, path, part) in table {
        let problems = problems_of(&value);
        let [(at, found, expected)] = problems.as_slice() else {
            panic!("{value}: {problems:?}")
        };
        assert_eq!(at, path, "{value}");
        assert!(
            found.contains(part) || expected.contains(part),
            "{value}: {found} / {expected}"
        );
    }
}

#[test]
fn state_is_a_dict() {
    for state in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"$type": "set", "items": []}),
    ] {
        assert_eq!(decode(&state).unwrap_err().count(), 1, "{state}");
        let mut problems = Problems::default();
        check(&state, &Path::Root, &mut problems);
        assert_eq!(problems.count(), 1, "{state}");
    }
    let odd_keys = json!({"$type": "dict", "items": [[5, "five"]]});
    assert!(matches!(decode(&odd_keys), Ok(StateValue::Pairs(_))));
}

#[test]
fn every_problem_is_told_and_the_rest_counted() {
    let state: Value = (0..30)
        .map(|n| (format!("v{n}"), json!({"$type": "date", "value": "x"})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let problems = decode(&state).unwrap_err();
    assert_eq!(
        (problems.list().len(), problems.omitted(), problems.count()),
        (20, 10, 30)
    );
    assert!(problems.to_string().ends_with("and 10 more"));
}

/// `levels` containers, each in the one before: a dict of the wire form `open`, `close` around the rest.
fn nested(open: &str, close: &str, levels: usize) -> Value {
    let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
    parse(
        format!("{{\"x\":{text}}}").as_bytes(),
        Limits {
            depth: 400,
            ..Limits::STATE
        },
    )
    .unwrap()
}

#[test]
fn nesting_counts_values_and_not_brackets() {
    let forms = [
        ("[", "]"),
        ("{\"a\":", "}"),
        (r#"{"$type":"tuple","items":["#, "]}"),
        (r#"{"$type":"object","class":"a.B","fields":{"f":"#, "}}"),
        (r#"{"$type":"dict","items":[[1,"#, "]]}"),
    ];
    for (open, close) in forms {
        decode(&nested(open, close, MAX_DEPTH - 1)).unwrap();
        let problems = decode(&nested(open, close, MAX_DEPTH)).unwrap_err();
        assert!(problems.list()[0].found.contains("level 65"), "{problems}");
    }
}

#[test]
fn keys_of_one_dict_have_a_limit() {
    let dict = |keys: usize| -> Value {
        (0..keys)
            .map(|n| (n.to_string(), n.into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    assert_eq!(problems_of(&dict(MAX_KEYS)), []);
    assert_eq!(problems_of(&dict(MAX_KEYS + 1))[0].1, "10,001 keys");
    let pairs: Vec<Value> = (0..=MAX_KEYS).map(|n| json!([n, n])).collect();
    assert_eq!(
        problems_of(&json!({"$type": "dict", "items": pairs}))[0].0,
        "/x/items"
    );
}

proptest! {
    #[test]
    fn what_is_read_is_written_as_it_was(value in any_state::any_value()) {
        prop_assert_eq!(problems_of(&value), []);
        let state = json!({ "x": value });
        prop_assert_eq!(canonical(&encode(&decode(&state).unwrap())), canonical(&state));
    }

    #[test]
    fn any_json_is_read_or_refused_alike_both_ways(value in crate::json::tests::any_json(), tag in ".{0,6}") {
        problems_of(&json!([value.clone(), {"$type": tag, "items": value}]));
    }
}
