//! Hashes to search by: equal values have equal ones, and nobody without the key can try values.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::{KEY_BYTES, Secret};

/// HMAC-SHA256 under a key of one purpose, such as `"external_id"` or `"phone"`. See
/// [`crate::MasterKey::keyed_hash`].
///
/// A phone number has some 34 bits, so a plain hash of one is undone in seconds; without the key this one is
/// not. Whoever has the data folder alone still sees which rows share a value.
#[derive(Clone)]
pub struct KeyedHash(Secret);

impl KeyedHash {
    /// Under a key of the caller's own, where there is no master key. The bytes given are overwritten.
    #[must_use]
    pub fn from_key(key: &mut [u8; KEY_BYTES]) -> Self {
        Self(Secret::take(key))
    }

    /// The hash of a value. What counts as equal is settled before: normalise first.
    #[must_use]
    pub fn hash(&self, value: &[u8]) -> [u8; 32] {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(self.0.bytes()).expect("HMAC takes a key of any length");
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, case 1. Its key of 20 bytes and ours of 32 are the same to HMAC, which pads with zeros.
    #[test]
    fn hmac_gives_the_standards_answer() {
        let mut key = [0; KEY_BYTES];
        key[..20].fill(0x0b);
        let hash = KeyedHash::from_key(&mut key).hash(b"Hi There");
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(crate::sealed::Hex(&hash).to_string(), expected);
        assert_eq!(key, [0; KEY_BYTES], "the caller's copy is overwritten");
    }
}
