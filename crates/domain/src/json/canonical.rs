//! One spelling for one content: what makes two documents the same.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::number;

/// The version of the canonical form below. A change to the form takes the next number, so that hashes of two forms are never equal.
const VERSION: u8 = 1;
/// Version byte and SHA-256.
const HASH_BYTES: usize = 33;

/// A document in its canonical form: no space, keys in the order of their code points, numbers by exact value
/// ([`number`]: `1` and `1.0` differ, `1.0` and `1.00` do not), in texts only `"`, `\` and control characters escaped.
/// It is itself JSON of the same content.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_value(value, &mut out);
    out
}

/// What tells whether two documents have the same content.
#[must_use]
pub fn content_hash(value: &Value) -> ContentHash {
    let mut bytes = [VERSION; HASH_BYTES];
    bytes[1..].copy_from_slice(&Sha256::digest(canonical(value)));
    ContentHash(bytes)
}

/// A version byte, then SHA-256 over the canonical form. Shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; HASH_BYTES]);

impl ContentHash {
    /// What a store keeps.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads back what [`Self::as_bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => number::write_canonical(number.as_str(), out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write_value(member, out);
            }
            out.push(b'}');
        }
    }
}

/// By hand and not by a library: the form must never change under us.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain_from..index]);
        plain_from = index + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
    out.push(b'"');
}
