//! On which line of a file a key's value stands, for what is found to be wrong only after the file was read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The line, from 1, of the value at `key` (`hosts[0].idempotency.header`); of what would hold it, where it is left out.
pub(super) fn line_of(text: &str, key: &str) -> Option<u32> {
    let steps: Vec<&str> = key
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'))
        .collect();
    let document = serde_norway::Deserializer::from_str(text);
    // The reader notes the place of whoever complains, and that is all that is wanted.
    let arrived = Seek(&steps).deserialize(document).err()?;
    u32::try_from(arrived.location()?.line()).ok()
}

/// Goes down these steps and complains there.
struct Seek<'p>(&'p [&'p str]);

fn here<E: Error>() -> E {
    E::custom("here")
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Scalars are refused by what a visitor does unless told otherwise.
impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something else")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (step, rest) = self.0.split_first().ok_or_else(here)?;
        while let Some(key) = map.next_key::<String>()? {
            if key == *step {
                return map.next_value_seed(Seek(rest));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(here())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (step, rest) = self.0.split_first().ok_or_else(here)?;
        let at: usize = step.parse().map_err(|_| here())?;
        for _ in 0..at {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Err(here());
            }
        }
        list.next_element_seed(Seek(rest))?.ok_or_else(here)
    }
}
