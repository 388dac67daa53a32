//! Values that check themselves while they are read, so that an error names the line where the value stands.

use std::fmt;

use domain::ProjectName;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A whole number from `MIN` to `MAX`.
pub(super) struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> From<Bounded<MIN, MAX>> for u32 {
    fn from(value: Bounded<MIN, MAX>) -> Self {
        value.0
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for InRange<MIN, MAX> {
            type Value = u32;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<u32, E> {
                u32::try_from(value)
                    .ok()
                    .filter(|value| (MIN..=MAX).contains(value))
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
            }
        }
        deserializer.deserialize_u64(InRange::<MIN, MAX>).map(Self)
    }
}

/// Reads a value by way of a type that checks it; `null` is as if the key were not there.
pub(super) fn option<'de, T, Checked, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: From<Checked>,
    Checked: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<Checked>::deserialize(deserializer)?.map(T::from))
}

/// Reads a project's name.
pub(super) fn project_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ProjectName>, D::Error> {
    struct Name(ProjectName);
    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct AsText;
            impl Visitor<'_> for AsText {
                type Value = ProjectName;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(
                        "lower-case letters, digits, '-' and '_', at most 64, a letter or digit first",
                    )
                }
                fn visit_str<E: Error>(self, text: &str) -> Result<ProjectName, E> {
                    text.parse()
                        .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
                }
            }
            deserializer.deserialize_str(AsText).map(Name)
        }
    }
    Ok(Option::<Name>::deserialize(deserializer)?.map(|name| name.0))
}
