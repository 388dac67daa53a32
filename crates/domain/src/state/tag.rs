//! What each tag may hold. A member that a tag does not have is refused: it could not be written again.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::decode::Decoder;
use super::{
    Date, DateTime, DecimalText, IntegerText, MAX_NAME_BYTES, NonFinite, NotA, StateValue, TAG, Time,
    TimeDelta, ZoneKey,
};
use crate::json::{Path, canonical, describe};

/// Every tag, with the members that it has and those that it may have.
const TAGS: &[(&str, &[&str], &[&str])] = &[
    ("int", &["value"], &[]),
    ("float", &["value"], &[]),
    ("str", &["value"], &[]),
    ("bytes", &["value"], &[]),
    ("decimal", &["value"], &[]),
    ("datetime", &["value"], &["fold", "zone"]),
    ("date", &["value"], &[]),
    ("time", &["value"], &["fold", "zone"]),
    ("timedelta", &["days", "seconds", "microseconds"], &[]),
    ("zoneinfo", &["value"], &[]),
    ("tuple", &["items"], &[]),
    ("set", &["items"], &[]),
    ("frozenset", &["items"], &[]),
    ("dict", &["items"], &[]),
    ("enum", &["class", "name"], &[]),
    ("object", &["class", "fields"], &[]),
];

/// One tag on its way to be read.
struct Tag<'v, 'p> {
    kind: &'static str,
    members: &'v Map<String, Value>,
    depth: usize,
    path: &'p Path<'p>,
}

/// The value of an object that has the key `$type`; `None`, and a problem noted, where it is not as it should be.
pub(super) fn decode_tag(
    decoder: &mut Decoder<'_>,
    kind: &Value,
    members: &Map<String, Value>,
    depth: usize,
    path: &Path<'_>,
) -> StateValue {
    let Some((kind, required, optional)) = TAGS.iter().find(|(known, _, _)| kind == known) else {
        let known: Vec<&str> = TAGS.iter().map(|(known, _, _)| *known).collect();
        decoder.problems.unexpected(
            &Path::Key(path, TAG),
            kind,
            format!("one of {}", known.join(", ")),
            "a dict of your own that has a key $type is sent as {\"$type\": \"dict\", \"items\": [[key, value], …]}",
        );
        return StateValue::None;
    };
    let tag = Tag {
        kind,
        members,
        depth,
        path,
    };
    if !tag.has_its_members(decoder, required, optional) {
        return StateValue::None;
    }
    tag.decode(decoder).unwrap_or(StateValue::None)
}

impl Tag<'_, '_> {
    fn has_its_members(&self, decoder: &mut Decoder<'_>, required: &[&str], optional: &[&str]) -> bool {
        let mut complete = true;
        for name in required.iter().filter(|name| !self.members.contains_key(**name)) {
            complete = false;
            decoder.problems.add(
                self.path,
                format!("a {} without {name}", self.kind),
                format!("the members {}", required.join(", ")),
                format!("add {name}"),
            );
        }
        let known =
            |key: &String| key == TAG || required.contains(&key.as_str()) || optional.contains(&key.as_str());
        for key in self.members.keys().filter(|key| !known(key)) {
            complete = false;
            decoder.problems.add(
                &Path::Key(self.path, key),
                format!("a member that {} does not have", self.kind),
                format!("only {}", [required, optional].concat().join(", ")),
                "leave it out",
            );
        }
        complete
    }

    fn decode(&self, decoder: &mut Decoder<'_>) -> Option<StateValue> {
        Some(match self.kind {
            "int" => StateValue::Integer(self.checked(decoder, IntegerText::EXPECTED)?),
            "decimal" => StateValue::Decimal(self.checked(decoder, DecimalText::EXPECTED)?),
            "date" => StateValue::Date(self.checked(decoder, Date::EXPECTED)?),
            "zoneinfo" => StateValue::Zone(self.checked(decoder, ZoneKey::EXPECTED)?),
            "float" => {
                let text = self.text(decoder, "value")?;
                let number = NonFinite::from_wire(text);
                StateValue::NonFinite(self.or_problem(decoder, "value", number, "nan, inf or -inf")?)
            }
            "str" => StateValue::Utf16(self.utf16(decoder)?),
            "bytes" => StateValue::Bytes(self.base64(decoder)?),
            "datetime" => {
                let (text, fold, zone) = self.clock(decoder)?;
                let time = DateTime::new(text, fold, zone).ok();
                StateValue::DateTime(self.or_problem(decoder, "value", time, DateTime::EXPECTED)?)
            }
            "time" => {
                let (text, fold, zone) = self.clock(decoder)?;
                let time = Time::new(text, fold, zone).ok();
                StateValue::Time(self.or_problem(decoder, "value", time, Time::EXPECTED)?)
            }
            "timedelta" => StateValue::TimeDelta(self.timedelta(decoder)?),
            "tuple" => StateValue::Tuple(self.items(decoder)?),
            "set" => StateValue::Set(self.distinct_items(decoder)?),
            "frozenset" => StateValue::FrozenSet(self.distinct_items(decoder)?),
            "dict" => StateValue::Pairs(self.pairs(decoder)?),
            "enum" => StateValue::Enum {
                class: self.name(decoder, "class")?,
                name: self.name(decoder, "name")?,
            },
            // The last of `TAGS`.
            _ => self.object(decoder)?,
        })
    }

    /// The member `name`, which is there.
    fn member(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    fn or_problem<T>(
        &self,
        decoder: &mut Decoder<'_>,
        name: &str,
        value: Option<T>,
        expected: &str,
    ) -> Option<T> {
        if value.is_none() {
            decoder.problems.unexpected(
                &Path::Key(self.path, name),
                self.member(name),
                expected,
                format!("correct the {}; aftercall.encode_state writes it so", self.kind),
            );
        }
        value
    }

    fn text(&self, decoder: &mut Decoder<'_>, name: &str) -> Option<&str> {
        self.or_problem(decoder, name, self.member(name).as_str(), "a text")
    }

    fn checked<T: TryFrom<String, Error = NotA>>(
        &self,
        decoder: &mut Decoder<'_>,
        expected: &str,
    ) -> Option<T> {
        let text = self.text(decoder, "value")?.to_owned();
        self.or_problem(decoder, "value", T::try_from(text).ok(), expected)
    }

    /// A class's or a member's name, which goes into messages and is looked up, never run.
    fn name(&self, decoder: &mut Decoder<'_>, name: &str) -> Option<String> {
        let text = self.text(decoder, name)?;
        let good = !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control);
        let expected = format!("a name such as functions.orders.Order, at most {MAX_NAME_BYTES} bytes");
        self.or_problem(decoder, name, good.then(|| text.to_owned()), &expected)
    }

    fn base64(&self, decoder: &mut Decoder<'_>) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(self.text(decoder, "value")?).ok();
        self.or_problem(
            decoder,
            "value",
            bytes,
            "base64 (standard alphabet, padded, one line)",
        )
    }

    fn utf16(&self, decoder: &mut Decoder<'_>) -> Option<Vec<u16>> {
        let bytes = self.base64(decoder)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = rest
            .is_empty()
            .then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect());
        self.or_problem(
            decoder,
            "value",
            units,
            "base64 of UTF-16LE, an even number of bytes",
        )
    }

    fn clock(&self, decoder: &mut Decoder<'_>) -> Option<(String, bool, Option<ZoneKey>)> {
        let text = self.text(decoder, "value")?.to_owned();
        let fold = self.members.contains_key("fold");
        if fold {
            let one = self.member("fold").as_i64().filter(|fold| *fold == 1);
            self.or_problem(decoder, "fold", one, "1, or no fold at all")?;
        }
        let zone = if self.members.contains_key("zone") {
            let key = self.text(decoder, "zone")?.to_owned();
            Some(self.or_problem(decoder, "zone", ZoneKey::try_from(key).ok(), ZoneKey::EXPECTED)?)
        } else {
            None
        };
        Some((text, fold, zone))
    }

    fn timedelta(&self, decoder: &mut Decoder<'_>) -> Option<TimeDelta> {
        let part = |decoder: &mut Decoder<'_>, name: &str, least: i64, most: i64| {
            let number = self
                .member(name)
                .as_i64()
                .filter(|number| (least..=most).contains(number));
            self.or_problem(
                decoder,
                name,
                number,
                &format!("an integer from {least} to {most}"),
            )
        };
        let days = part(decoder, "days", -TimeDelta::MAX_DAYS, TimeDelta::MAX_DAYS);
        let seconds = part(decoder, "seconds", 0, TimeDelta::MAX_SECONDS);
        let microseconds = part(decoder, "microseconds", 0, TimeDelta::MAX_MICROSECONDS);
        TimeDelta::new(days?, seconds?, microseconds?)
    }

    fn array(&self, decoder: &mut Decoder<'_>) -> Option<&[Value]> {
        self.or_problem(
            decoder,
            "items",
            self.member("items").as_array().map(Vec::as_slice),
            "an array",
        )
    }

    fn items(&self, decoder: &mut Decoder<'_>) -> Option<Vec<StateValue>> {
        let items = self.array(decoder)?;
        Some(decoder.items(items, self.depth, &Path::Key(self.path, "items")))
    }

    /// Items of a set: each once, and of a type that can be in one.
    fn distinct_items(&self, decoder: &mut Decoder<'_>) -> Option<Vec<StateValue>> {
        let raw = self.array(decoder)?;
        let path = Path::Key(self.path, "items");
        let items = decoder.items(raw, self.depth, &path);
        let mut seen = HashSet::new();
        for (index, (raw, item)) in raw.iter().zip(&items).enumerate() {
            self.hashable(decoder, &mut seen, raw, item, &Path::Index(&path, index));
        }
        Some(items)
    }

    fn pairs(&self, decoder: &mut Decoder<'_>) -> Option<Vec<(StateValue, StateValue)>> {
        let raw = self.array(decoder)?;
        let path = Path::Key(self.path, "items");
        if !decoder.enter(self.depth, &path) || !decoder.few(raw.len(), &path) {
            return None;
        }
        let mut seen = HashSet::new();
        let mut pairs = Vec::with_capacity(raw.len());
        for (index, pair) in raw.iter().enumerate() {
            let path = Path::Index(&path, index);
            let Some([raw_key, raw_value]) = pair.as_array().map(Vec::as_slice) else {
                let fix = "send each entry as an array of two";
                decoder
                    .problems
                    .unexpected(&path, pair, "a pair [key, value]", fix);
                continue;
            };
            let key = decoder.value(raw_key, self.depth + 1, &Path::Index(&path, 0));
            let value = decoder.value(raw_value, self.depth + 1, &Path::Index(&path, 1));
            self.hashable(decoder, &mut seen, raw_key, &key, &Path::Index(&path, 0));
            pairs.push((key, value));
        }
        Some(pairs)
    }

    fn hashable(
        &self,
        decoder: &mut Decoder<'_>,
        seen: &mut HashSet<Vec<u8>>,
        raw: &Value,
        value: &StateValue,
        path: &Path<'_>,
    ) {
        let what = if self.kind == "dict" { "a key" } else { "a member" };
        if let Some(kind) = value.unhashable() {
            decoder.problems.add(
                path,
                format!("a {kind}"),
                format!("{what} that Python can hash"),
                "use a tuple instead of a list, a frozenset instead of a set",
            );
        } else if !seen.insert(canonical(raw)) {
            decoder.problems.add(
                path,
                format!("{} for the second time", describe(raw)),
                format!("{what} once"),
                "leave one out",
            );
        }
    }

    fn object(&self, decoder: &mut Decoder<'_>) -> Option<StateValue> {
        let class = self.name(decoder, "class");
        let fields = self.or_problem(decoder, "fields", self.member("fields").as_object(), "an object")?;
        let fields = decoder.members(fields, self.depth, &Path::Key(self.path, "fields"));
        Some(StateValue::Object {
            class: class?,
            fields,
        })
    }
}
