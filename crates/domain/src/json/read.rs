//! Reading, by a visitor of `serde_json`'s parser: one pass, and refused at the first thing that is not taken.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::describe::{grouped, quote};
use super::error::Fault;
use super::number::{self, NumberFault};
use super::path::{Step, pointer_from_innermost};
use super::{JsonError, JsonErrorKind, Limits, MAX_EXPONENT, MAX_NUMBER_DIGITS};

/// How `serde_json` hands over a number that it keeps as text: as a map with this one key. A document with such a key
/// of its own could pass for a number, here and in every later reader, so it is refused.
const NUMBER_KEY: &str = "$serde_json::private::Number";
/// The same for pieces of unparsed JSON.
const RAW_VALUE_KEY: &str = "$serde_json::private::RawValue";

/// Reads one JSON document.
///
/// # Errors
/// [`JsonError`] with line, column and path, for what is not JSON (in UTF-8, whole, and nothing behind it) and for a
/// key twice in one object, more than `limits` allow, integers of more than 4,300 digits, numbers beyond the range of
/// a float, and halves of surrogate pairs.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Value, JsonError> {
    if bytes.len() > limits.bytes {
        return Err(JsonError::too_large(bytes.len(), limits.bytes));
    }
    let reader = Reader {
        limits,
        values: Cell::new(0),
        fault: RefCell::default(),
        steps: RefCell::default(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // Ours comes first and is part of `limits`: `serde_json`'s own is fixed at 128.
    deserializer.disable_recursion_limit();
    let root = Seed {
        reader: &reader,
        depth: 1,
    };
    let value = root
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| reader.explain(&error, bytes))
}

struct Reader {
    limits: Limits,
    values: Cell<usize>,
    /// Set when it is us who refuse, not `serde_json`.
    fault: RefCell<Option<Fault>>,
    /// Filled from the innermost step outwards, as an error passes: reading without error never touches it.
    steps: RefCell<Vec<Step>>,
}

impl Reader {
    fn refuse<E: serde::de::Error>(&self, fault: Fault) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn passing<E>(&self, step: impl FnOnce() -> Step) -> impl FnOnce(E) -> E {
        |error| {
            self.steps.borrow_mut().push(step());
            error
        }
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() <= self.limits.values {
            return Ok(());
        }
        let limit = grouped(self.limits.values);
        Err(self.refuse(Fault::new(
            format!("more than {limit} values"),
            format!("at most {limit} in one document"),
            "leave out what the function does not need",
        )))
    }

    fn enter<E: serde::de::Error>(&self, depth: usize) -> Result<(), E> {
        if depth <= self.limits.depth {
            return Ok(());
        }
        Err(self.refuse(Fault::new(
            format!("brackets nested {depth} deep"),
            format!("at most {}", self.limits.depth),
            "flatten it, or send the inner part as a text",
        )))
    }

    fn explain(&self, error: &serde_json::Error, bytes: &[u8]) -> JsonError {
        let path = pointer_from_innermost(&self.steps.borrow());
        let Some(fault) = self.fault.take() else {
            return JsonError {
                path,
                ..JsonError::syntax(error, bytes)
            };
        };
        JsonError {
            kind: JsonErrorKind::Refused,
            line: error.line(),
            column: error.column(),
            path,
            found: fault.found,
            expected: fault.expected,
            fix: fault.fix,
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'r> {
    reader: &'r Reader,
    /// What a bracket that opens here would have.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reader.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.reader.enter(self.depth)?;
        let inner = Seed {
            reader: self.reader,
            depth: self.depth + 1,
        };
        let mut items = Vec::new();
        while let Some(item) = access
            .next_element_seed(inner)
            .map_err(self.reader.passing(|| Step::Index(items.len())))?
        {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Some(first) = access.next_key_seed(KeySeed)? else {
            self.reader.enter(self.depth)?;
            return Ok(Value::Object(Map::new()));
        };
        if matches!(first, Key::Reserved(NUMBER_KEY)) {
            return access
                .next_value_seed(NumberSeed { reader: self.reader })
                .map_err(|error| self.not_a_number(error));
        }
        self.reader.enter(self.depth)?;
        let inner = Seed {
            reader: self.reader,
            depth: self.depth + 1,
        };
        let mut members = Map::new();
        let mut next = Some(first);
        while let Some(key) = next {
            let key = match key {
                Key::Own(key) => key,
                Key::Reserved(key) => return Err(self.reader.refuse(reserved(key))),
            };
            let slot = match members.entry(key) {
                Entry::Vacant(slot) => slot,
                Entry::Occupied(there) => return Err(self.twice(there.key())),
            };
            match access.next_value_seed(inner) {
                Ok(value) => slot.insert(value),
                Err(error) => return Err(self.reader.passing(|| Step::Key(slot.key().clone()))(error)),
            };
            next = access.next_key_seed(KeySeed)?;
        }
        Ok(Value::Object(members))
    }
}

impl Seed<'_> {
    fn twice<E: serde::de::Error>(&self, key: &str) -> E {
        self.reader.steps.borrow_mut().push(Step::Key(key.to_owned()));
        self.reader.refuse(Fault::new(
            format!("the key {} for the second time in one object", quote(key)),
            "each key once",
            "readers differ in which one they take: leave one out",
        ))
    }

    /// The map that announced a number had something else in it, so it was an object of the sender's.
    fn not_a_number<E: serde::de::Error>(&self, error: E) -> E {
        let ours = self.reader.fault.borrow().is_some();
        if ours {
            error
        } else {
            self.reader.refuse(reserved(NUMBER_KEY))
        }
    }
}

fn reserved(key: &str) -> Fault {
    Fault::new(
        format!("the key {}", quote(key)),
        "any other key",
        "this one is reserved: rename it",
    )
}

enum Key {
    Own(String),
    Reserved(&'static str),
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            NUMBER_KEY => Key::Reserved(NUMBER_KEY),
            RAW_VALUE_KEY => Key::Reserved(RAW_VALUE_KEY),
            own => Key::Own(own.to_owned()),
        })
    }
}

/// Takes the text of a number, which `serde_json` alone hands over as an owned `String`: what a document holds comes
/// borrowed, and is not taken.
struct NumberSeed<'r> {
    reader: &'r Reader,
}

impl<'de> DeserializeSeed<'de> for NumberSeed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for NumberSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        Err(E::custom(format_args!("{} is a text", quote(text))))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        number::check(&text).map_err(|fault| self.reader.refuse(number_fault(&text, fault)))?;
        text.parse::<Number>().map(Value::Number).map_err(E::custom)
    }
}

fn number_fault(text: &str, fault: NumberFault) -> Fault {
    match fault {
        NumberFault::TooManyDigits(digits) => Fault::new(
            format!("a number of {} digits", grouped(digits)),
            format!("at most {} digits", grouped(MAX_NUMBER_DIGITS)),
            "send it as a text",
        ),
        NumberFault::NotFinite => Fault::new(
            format!("the number {}", quote(text)),
            "a number that a 64-bit float can hold",
            "send it as a text; in state a {\"$type\": \"decimal\", \"value\": …} keeps it",
        ),
        NumberFault::ExponentTooLarge => Fault::new(
            format!("the number {}", quote(text)),
            format!("an exponent of at most {MAX_EXPONENT}"),
            "send it as a text",
        ),
    }
}
