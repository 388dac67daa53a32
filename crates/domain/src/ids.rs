//! Identifiers as types of their own: a [`RunId`] cannot be passed where a [`ConversationId`] is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {expected}")]
pub struct BadId {
    /// What a good one looks like.
    pub expected: &'static str,
    /// What was given, as given.
    pub found: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an already made UUID (version 7 when we made it: identifiers sort by creation).
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The sixteen bytes that stores keep.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads back what [`Self::as_bytes`] gave.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| BadId { expected: $expected, found: text.to_owned() })
            }
        }
    };
}

uuid_id!(
    /// One conversation that was accepted: (project, environment, source, external id) under a number of ours.
    ConversationId,
    "a conversation's id (a UUID)"
);
uuid_id!(
    /// One run of an end function over one conversation.
    RunId,
    "a run's id (a UUID)"
);
uuid_id!(
    /// One event that told us of a conversation, or of a revision of it.
    EventId,
    "an event's id (a UUID)"
);
uuid_id!(
    /// One API key.
    KeyId,
    "a key's id (a UUID)"
);
uuid_id!(
    /// One life of a supervisor process, from its start to its end. What a dead one had claimed is reclaimed by the next.
    Incarnation,
    "an incarnation (a UUID)"
);

/// Fences attempts: every claim of a run raises it, and a write that names an older one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch of the next claim.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The how-manieth attempt of its run, from 1. Interrupted ones count here, though not against the limit of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptNumber(pub u32);

impl fmt::Display for AttemptNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a conversation took place and its run belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Environment {
    /// Trying things out; the only one that `deploy` activates.
    #[serde(rename = "sandbox")]
    Sandbox,
    /// The last stop before live.
    #[serde(rename = "pre-release", alias = "pre_release")]
    PreRelease,
    /// Real callers.
    #[serde(rename = "live")]
    Live,
}

impl Environment {
    /// All of them, in the order of promotion.
    pub const ALL: [Self; 3] = [Self::Sandbox, Self::PreRelease, Self::Live];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::PreRelease => "pre-release",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        match text {
            "sandbox" => Ok(Self::Sandbox),
            "pre-release" | "pre_release" => Ok(Self::PreRelease),
            "live" => Ok(Self::Live),
            _ => Err(BadId {
                expected: "an environment (sandbox, pre-release or live)",
                found: text.to_owned(),
            }),
        }
    }
}

/// The longest project name, in bytes.
pub const PROJECT_NAME_MAX: usize = 64;

/// A project's name: lower-case letters, digits, `-` and `_`, at most [`PROJECT_NAME_MAX`] bytes, a letter or digit first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(String);

impl ProjectName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let first_ok = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest_ok = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if first_ok && rest_ok && text.len() <= PROJECT_NAME_MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(BadId {
            expected: "a project's name (lower-case letters, digits, '-' and '_', at most 64, a letter or digit first)",
            found: text.to_owned(),
        })
    }
}

impl TryFrom<String> for ProjectName {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<ProjectName> for String {
    fn from(name: ProjectName) -> Self {
        name.0
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which way in a conversation took; part of its identity. It comes from the route or the API key, never from the body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(String);

impl Source {
    /// Aftercall's own API.
    #[must_use]
    pub fn native() -> Self {
        Self("native".to_owned())
    }

    /// The source as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is our own API, to which a conversation is one document for good. Other sources tell of a call in several events.
    #[must_use]
    pub fn is_native(&self) -> bool {
        *self == Self::native()
    }

    /// Reads a stored source back.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Source {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        // The same letters, and as many.
        let name = text.parse::<ProjectName>().map_err(|_| BadId {
            expected: "a source (lower-case letters, digits, '-' and '_', at most 64, a letter or digit first)",
            found: text.to_owned(),
        })?;
        Ok(Self(name.0))
    }
}
