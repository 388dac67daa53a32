//! Random state for property tests, those that need the Python side included.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

fn any_clock() -> impl Strategy<Value = Value> {
    let date = (1_u16..=9999, 1_u8..=12, 1_u8..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let offset = prop_oneof![
        Just(String::new()),
        Just("Z".to_owned()),
        "[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{6})?)?"
    ];
    let time = ("([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?", offset)
        .prop_map(|(time, offset)| time + &offset);
    let zone = prop_oneof![
        Just("Europe/Madrid"),
        Just("UTC"),
        Just("America/Argentina/Buenos_Aires")
    ];
    (date, time, any::<bool>(), prop::option::of(zone), 0..3).prop_map(|(date, time, fold, zone, kind)| {
        let mut tag = match kind {
            0 => return json!({"$type": "date", "value": date}),
            1 => json!({"$type": "datetime", "value": format!("{date}T{time}")}),
            _ => json!({"$type": "time", "value": time}),
        };
        if fold {
            tag["fold"] = 1.into();
        }
        if let Some(zone) = zone {
            tag["zone"] = zone.into();
        }
        tag
    })
}

fn any_scalar() -> impl Strategy<Value = Value> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    let units = prop::collection::vec(any::<[u8; 2]>(), 0..10);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any_clock(),
        bytes.prop_map(|bytes| json!({"$type": "bytes", "value": STANDARD.encode(bytes)})),
        units.prop_map(|units| json!({"$type": "str", "value": STANDARD.encode(units.concat())})),
        "-?[1-9][0-9]{16,40}".prop_map(|digits| json!({"$type": "int", "value": digits})),
        "-?[0-9]{1,30}(\\.[0-9]{1,9})?(E[+-][0-9]{1,6})?"
            .prop_map(|text| json!({"$type": "decimal", "value": text})),
        (-999_999_999_i64..=999_999_999, 0..86_400, 0..1_000_000).prop_map(
            |(d, s, us)| json!({"$type": "timedelta", "days": d, "seconds": s, "microseconds": us})
        ),
        prop_oneof!["nan", "inf", "-inf"].prop_map(|text| json!({"$type": "float", "value": text})),
        ("[a-z]{1,5}\\.[A-Z][a-z]{0,5}", "[A-Z]{1,5}")
            .prop_map(|(class, name)| json!({"$type": "enum", "class": class, "name": name})),
    ]
}

/// A value of state in its wire form, tags of every kind among them.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(5, 60, 6, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..6);
        let members = prop::collection::btree_map("[^$].{0,6}", inner.clone(), 0..6)
            .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>());
        let keys = prop::collection::vec(any_scalar(), 0..6)
            .prop_map(|mut keys| {
                let mut seen = std::collections::HashSet::new();
                keys.retain(|key| seen.insert(key.to_string()));
                keys
            })
            .boxed();
        prop_oneof![
            items.clone().prop_map(Value::from),
            items.prop_map(|items| json!({"$type": "tuple", "items": items})),
            members.clone().prop_map(Value::from),
            members.prop_map(|fields| json!({"$type": "object", "class": "functions.a.B", "fields": fields})),
            (keys.clone(), any::<bool>()).prop_map(
                |(keys, frozen)| json!({"$type": if frozen { "frozenset" } else { "set" }, "items": keys})
            ),
            (keys, inner).prop_map(|(keys, value)| {
                let pairs: Vec<Value> = keys.into_iter().map(|key| json!([key, value])).collect();
                json!({"$type": "dict", "items": pairs})
            }),
        ]
    })
}
