#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Value {
    parse(text.as_bytes(), Limits::CONVERSATION).unwrap()
}

fn refused(text: &str) -> JsonError {
    parse(text.as_bytes(), Limits::CONVERSATION).unwrap_err()
}

#[test]
#[rustfmt::skip] // a case a line
fn what_is_refused_says_where_and_what_to_do() {
    // text, kind, line, path, a part of what is found, a part of the fix
    use JsonErrorKind::{Refused, Syntax};
    let table = [
        (r#"{"a": 1, "b": {"c": 1, "c": 2}}"#, Refused, 1, "/b/c", "\"c\" for the second time", "leave one out"),
        ("{\"a\": 1,\n \"\\u0061\": 2}", Refused, 2, "/a", "second time", "leave one out"),
        (r#"[1, {"x": [1e400]}]"#, Refused, 1, "/1/x/0", "1e+400", "decimal"),
        ("[1e9999999999]", Refused, 1, "/0", "1e+9999999999", "text"),
        (r#"{"t": "\ud800"}"#, Syntax, 1, "/t", "surrogate", "\"str\""),
        (r#"{"t": "\udc00x"}"#, Syntax, 1, "/t", "surrogate", "\"str\""),
        (r#"{"t": "\ud83dA"}"#, Syntax, 1, "/t", "surrogate", "\"str\""),
        (r#"{"t": "\ud83d\n"}"#, Syntax, 1, "/t", "surrogate", "\"str\""),
        ("{\"a\": 1} {", Syntax, 1, "", "{", "NDJSON"),
        ("", Syntax, 1, "", "the end", "cut off"),
        (r#"{"a": [1, "#, Syntax, 1, "/a/1", "the end", "cut off"),
        (r#"{"a": NaN}"#, Syntax, 1, "/a", "NaN", "\"nan\""),
        (r#"{"a": None}"#, Syntax, 1, "/a", "None", "json.dumps"),
        ("{'a': 1}", Syntax, 1, "", "'a'", "double quotes"),
        ("\u{feff}{}", Syntax, 1, "", "", "byte order mark"),
        ("[1,]", Syntax, 1, "/1", "", "JSON library"),
        ("{\"a\": \"x\ny\"}", Syntax, 2, "/a", "control character", "JSON library"),
        (r#"[{"$serde_json::private::Number": "1"}]"#, Refused, 1, "/0", "reserved", "rename"),
        (r#"[{"$serde_json::private::Number": 1}]"#, Refused, 1, "/0", "reserved", "rename"),
        (r#"[{"a": 1, "$serde_json::private::Number": "1"}]"#, Refused, 1, "/0", "reserved", "rename"),
        (r#"[{"$serde_json::private::RawValue": "1"}]"#, Refused, 1, "/0", "reserved", "rename"),
    ];
    for (text, kind, line, path, found, fix) in table {
        let error = refused(text);
        let told = error.to_string();
        assert_eq!(
            (error.kind, error.line, error.path.as_str()),
            (kind, line, path),
            "{text}: {told}"
        );
        assert!(
            error.found.contains(found) || told.contains(found),
            "{text}: {told}"
        );
        assert!(error.fix.contains(fix), "{text}: {told}");
    }
}

#[test]
#[rustfmt::skip] // a case a line
fn what_is_found_is_shown_from_its_first_letter_on_and_so_is_its_column() {
    let table = [
        // text, line, column, what is found, a part of the fix
        ("nope", 1, 1, r#""nope""#, "double quotes"),
        ("[open]", 1, 2, r#""open]""#, "double quotes"),
        ("{\"a\": 1,\n   \"b\": nope}", 2, 9, r#""nope}""#, "double quotes"),
        ("{\"a\": 1,\n   \"b\": @}", 2, 9, r#""@}""#, "JSON library"),
        (r#"{"a": tru}"#, 1, 7, r#""tru}""#, "double quotes"),
        (r#"{"a": nïl}"#, 1, 7, r#""nïl}""#, "double quotes"),
        (r#"{"a": yes}"#, 1, 7, r#""yes}""#, "double quotes"),
        (r#"{nope: 1}"#, 1, 2, r#""nope: 1}""#, "double quotes"),
        (r#"{"a": 012}"#, 1, 7, r#""012}""#, "JSON library"),
        (r#"{"a": 1.x}"#, 1, 7, r#""1.x}""#, "JSON library"),
        (r#"{"a": -Infinity}"#, 1, 7, r#""-Infinity}""#, "\"-inf\""),
        (r#"{"a": 1px}"#, 1, 7, r#""1px}""#, "JSON library"),
        (r#"{"a": "C:\Users"}"#, 1, 10, r#""\\Users\"}""#, "JSON library"),
        (r#"{"a": "x" "b": 1}"#, 1, 11, r#""\"b\": 1}""#, "JSON library"),
        (r#"{"a": 1}nope"#, 1, 9, r#""nope""#, "NDJSON"),
        (r#"{"a": nul"#, 1, 9, "the end of the text", "cut off"),
    ];
    for (text, line, column, found, fix) in table {
        let error = refused(text);
        let told = (error.line, error.column, &*error.found);
        assert_eq!(told, (line, column, found), "{text}: {error}");
        assert!(error.fix.contains(fix), "{text}: {error}");
        assert!(!error.expected.contains("ident"), "{text}: {error}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let error = parse(b"{\"a\": \"caf\xe9\"}", Limits::CONVERSATION).unwrap_err();
    assert!(error.found.contains("not UTF-8"), "{error}");
}

#[test]
fn nesting_is_taken_up_to_the_limit_and_no_deeper_however_deep() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    read(&nested(MAX_DEPTH));
    let error = refused(&nested(MAX_DEPTH + 1));
    assert_eq!(
        (error.kind, error.path.len()),
        (JsonErrorKind::Refused, 2 * MAX_DEPTH),
        "{error}"
    );
    assert!(refused(&"[".repeat(1_000_000)).found.contains("65 deep"));
    assert!(refused(&"{\"a\":".repeat(1_000_000)).found.contains("65 deep"));
    parse(nested(Limits::STATE.depth).as_bytes(), Limits::STATE).unwrap();
}

#[test]
fn sizes_have_limits() {
    let small = Limits {
        bytes: 10,
        depth: 3,
        values: 4,
    };
    assert_eq!(parse(b"[1, 2, 3 ]", small).unwrap(), json!([1, 2, 3]));
    assert_eq!(
        parse(b"[1, 2, 3  ]", small).unwrap_err().kind,
        JsonErrorKind::TooLarge
    );
    assert!(
        parse(b"[1,2,3,4]", small)
            .unwrap_err()
            .found
            .contains("more than 4 values")
    );
    read(&"9".repeat(MAX_NUMBER_DIGITS));
    assert!(
        refused(&"9".repeat(MAX_NUMBER_DIGITS + 1))
            .found
            .contains("4,301 digits")
    );
    assert!(
        refused(&format!("0.{}", "1".repeat(MAX_NUMBER_DIGITS)))
            .found
            .contains("4,301 digits")
    );
}

#[test]
fn numbers_keep_their_digits() {
    for text in [
        "0",
        "-1",
        "18446744073709551616",
        "0.1000000000000000000000000001",
        "1e-400",
        "-0.0",
        "1.0",
    ] {
        assert_eq!(read(text).to_string(), text);
    }
}

#[test]
fn numbers_are_the_same_content_by_exact_value_and_kind() {
    let spellings = [
        (r#"{"a":1,"b":[2]}"#, " { \"b\" : [ 2 ] , \"\\u0061\" : 1 } "),
        ("1.0", "1.00"),
        ("1.0", "10e-1"),
        ("1e3", "1000.0"),
        ("1E+3", "1e3"),
        ("0.0", "0e5"),
        ("-0", "0"),
        ("120.0", "1.2e2"),
        ("0.00120", "12e-4"),
    ];
    for (one, other) in spellings {
        assert_eq!(
            content_hash(&read(one)),
            content_hash(&read(other)),
            "{one} {other}"
        );
    }
    let different = [
        "1",
        "1.0",
        "-1",
        "0",
        "0.0",
        "-0.0",
        "\"1\"",
        "null",
        "1.0000000000000000000001",
        "10",
        "true",
    ];
    for (index, one) in different.iter().enumerate() {
        for other in &different[index + 1..] {
            assert_ne!(
                content_hash(&read(one)),
                content_hash(&read(other)),
                "{one} {other}"
            );
        }
    }
}

#[test]
fn the_canonical_form_stays_as_it_is() {
    let value = read(
        "{\"b\": [1.50, -0, 2e10, 0.0], \"a\\u0001\\n\": \"\\\"\\\\/\\u00e9\\u007f\", \"\u{1f600}\": null, \"\u{ffff}\": true}",
    );
    assert_eq!(
        String::from_utf8(canonical(&value)).unwrap(),
        "{\"a\\u0001\\u000a\":\"\\\"\\\\/é\u{7f}\",\"b\":[15e-1,0,2e10,0e0],\"\u{ffff}\":true,\"\u{1f600}\":null}"
    );
    assert_eq!(
        content_hash(&json!({})).to_string(),
        "0144136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    );
}

#[test]
fn differences_name_the_place_and_both_sides() {
    let kept =
        json!({"id": "a", "turns": [{"text": "x"}, {"text": "y"}], "gone": null, "n": 1, "o": {"deep": {}}});
    let sent = json!({"id": "a", "turns": [{"text": "x"}, {"text": "z"}, {}], "n": 1.0, "o": {"deep": []}, "a/b~": 2});
    let told: Vec<String> = diff(&kept, &sent)
        .iter()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(
        told,
        [
            r#"{"path":"/turns/1/text","kept":"y","sent":"z"}"#,
            r#"{"path":"/turns/2","sent":{}}"#,
            r#"{"path":"/gone","kept":null}"#,
            r#"{"path":"/n","kept":1,"sent":1.0}"#,
            r#"{"path":"/o/deep","kept":{},"sent":[]}"#,
            r#"{"path":"/a~1b~0","sent":2}"#,
        ]
    );
    let back: Difference = serde_json::from_str(&told[2]).unwrap();
    assert_eq!((back.kept, back.sent), (Some(Value::Null), None));
}

#[test]
fn differences_are_few_and_short() {
    let kept = json!({"long": "ä".repeat(10_000), "list": vec![1; 10_000]});
    let found = diff(&kept, &json!({"long": 1, "list": "no"}));
    assert_eq!(found[1].kept, Some(json!("an array of 10,000 items")));
    assert!(serde_json::to_string(&found).unwrap().len() < 500);
    assert_eq!(
        diff(&json!(vec![1; 100]), &json!(vec![2; 100])).len(),
        MAX_DIFFERENCES
    );
}

/// Any JSON within the limits.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?(e[+-]?[0-9]{1,2})?".prop_map(|text| text.parse().unwrap()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn with_keys_reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(with_keys_reversed).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .rev()
                .map(|(key, member)| (key.clone(), with_keys_reversed(member)))
                .collect(),
        ),
        scalar => scalar.clone(),
    }
}

proptest! {
    #[test]
    fn reading_gives_back_what_was_written(value in any_json()) {
        let text = serde_json::to_vec(&value).unwrap();
        prop_assert_eq!(parse(&text, Limits::CONVERSATION).unwrap(), value);
    }

    #[test]
    fn content_does_not_depend_on_spelling(value in any_json()) {
        let form = canonical(&value);
        prop_assert_eq!(&canonical(&with_keys_reversed(&value)), &form);
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(&canonical(&parse(&pretty, Limits::CONVERSATION).unwrap()), &form);
        // The form is JSON of the same content.
        prop_assert_eq!(&canonical(&parse(&form, Limits::CONVERSATION).unwrap()), &form);
    }

    #[test]
    fn documents_differ_exactly_when_their_hashes_do(one in any_json(), other in any_json()) {
        prop_assert!(diff(&one, &one).is_empty());
        prop_assert_eq!(diff(&one, &other).is_empty(), content_hash(&one) == content_hash(&other));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let ours = parse(&bytes, Limits::CONVERSATION);
        if serde_json::from_slice::<Value>(&bytes).is_err() {
            prop_assert!(ours.is_err());
        }
    }
}
