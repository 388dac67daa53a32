use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{StateValue, TAG, ZoneKey};

/// A value in its wire form: what [`super::decode`] read, up to the order of a tag's own members.
#[must_use]
pub fn encode(value: &StateValue) -> Value {
    let of_value = |kind, text: &str| tag(kind, [("value", text.into())]);
    match value {
        StateValue::None => Value::Null,
        StateValue::Bool(flag) => Value::Bool(*flag),
        StateValue::Number(number) => Value::Number(number.clone()),
        StateValue::Text(text) => Value::String(text.clone()),
        StateValue::List(items) => encode_items(items),
        StateValue::Dict(members) => encode_members(members),
        StateValue::Pairs(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| Value::Array(vec![encode(key), encode(value)]));
            tag("dict", [("items", pairs.collect())])
        }
        StateValue::Tuple(items) => tag("tuple", [("items", encode_items(items))]),
        StateValue::Set(items) => tag("set", [("items", encode_items(items))]),
        StateValue::FrozenSet(items) => tag("frozenset", [("items", encode_items(items))]),
        StateValue::Object { class, fields } => tag(
            "object",
            [
                ("class", class.as_str().into()),
                ("fields", encode_members(fields)),
            ],
        ),
        StateValue::Integer(number) => of_value("int", number.as_str()),
        StateValue::NonFinite(number) => of_value("float", number.as_str()),
        StateValue::Utf16(units) => {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            of_value("str", &STANDARD.encode(bytes))
        }
        StateValue::Bytes(bytes) => of_value("bytes", &STANDARD.encode(bytes)),
        StateValue::Decimal(number) => of_value("decimal", number.as_str()),
        StateValue::Date(date) => of_value("date", date.as_str()),
        StateValue::DateTime(time) => clock("datetime", time.as_str(), time.fold(), time.zone()),
        StateValue::Time(time) => clock("time", time.as_str(), time.fold(), time.zone()),
        StateValue::TimeDelta(delta) => tag(
            "timedelta",
            [
                ("days", delta.days().into()),
                ("seconds", delta.seconds().into()),
                ("microseconds", delta.microseconds().into()),
            ],
        ),
        StateValue::Zone(key) => of_value("zoneinfo", key.as_str()),
        StateValue::Enum { class, name } => tag(
            "enum",
            [("class", class.as_str().into()), ("name", name.as_str().into())],
        ),
    }
}

fn encode_items(items: &[StateValue]) -> Value {
    Value::Array(items.iter().map(encode).collect())
}

fn encode_members(members: &[(String, StateValue)]) -> Value {
    Value::Object(
        members
            .iter()
            .map(|(key, value)| (key.clone(), encode(value)))
            .collect(),
    )
}

fn clock(kind: &str, text: &str, fold: bool, zone: Option<&ZoneKey>) -> Value {
    let fold = fold.then(|| ("fold", Value::from(1)));
    let zone = zone.map(|key| ("zone", Value::from(key.as_str())));
    tag(kind, [("value", text.into())].into_iter().chain(fold).chain(zone))
}

fn tag(kind: &str, members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut object = Map::new();
    object.insert(TAG.to_owned(), kind.into());
    object.extend(members.into_iter().map(|(key, member)| (key.to_owned(), member)));
    Value::Object(object)
}
