//! The secrets that API clients show: `ac_`, 43 base62 digits of 256 random bits, 6 of a checksum.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Entropy, EntropyError};

/// Tells people and secret scanners what it is.
const PREFIX: &str = "ac_";
/// In the order of their codes, so that texts sort as numbers do.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_BYTES: usize = 32;
/// 62⁴³ is just above 2²⁵⁶.
const SECRET_DIGITS: usize = 43;
/// 62⁶ is above 2³².
const CHECK_DIGITS: usize = 6;
const TEXT_BYTES: usize = PREFIX.len() + SECRET_DIGITS + CHECK_DIGITS;

/// An API key's secret. Shown once, when it is made; kept only as [`Self::hash`].
pub struct ApiKeySecret(Zeroizing<String>);

/// A text that cannot be an API key's secret, found without asking anybody. It does not hold the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadApiKey {
    /// It does not begin as one.
    #[error("an API key begins with {PREFIX:?}: was something else pasted?")]
    Prefix,
    /// A part is missing, or something is added.
    #[error("an API key has {TEXT_BYTES} characters, this one has {characters}: was all of it copied?")]
    Length {
        /// How many it has.
        characters: usize,
    },
    /// A character that none has.
    #[error("an API key has only letters and digits after {PREFIX:?}; character {position} is another")]
    Character {
        /// Which, counted from 1.
        position: usize,
    },
    /// A typing error.
    #[error("the API key's checksum is wrong: a character was mistyped")]
    Checksum,
}

impl ApiKeySecret {
    /// A new one.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(&mut *bytes)?;
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES));
        text.push_str(PREFIX);
        push_base62(&mut text, bytes.as_slice(), SECRET_DIGITS);
        let check = checksum(text.as_bytes());
        push_base62(&mut text, &check, CHECK_DIGITS);
        Ok(Self(text))
    }

    /// The text, to be told to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept: SHA-256 of the text. A slow or salted hash is for passwords, which can be guessed;
    /// nobody guesses 256 random bits, and without salt the key is found by an index. Finding by index tells
    /// a prober at most how far a *hash* agrees, and he cannot choose hashes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// Whether this is the secret of a kept hash, in a time that does not tell how nearly.
    #[must_use]
    pub fn matches(&self, hash: &[u8; 32]) -> bool {
        self.hash().ct_eq(hash).into()
    }
}

impl FromStr for ApiKeySecret {
    type Err = BadApiKey;

    fn from_str(text: &str) -> Result<Self, BadApiKey> {
        let digits = text.strip_prefix(PREFIX).ok_or(BadApiKey::Prefix)?;
        if let Some(index) = digits.chars().position(|digit| !digit.is_ascii_alphanumeric()) {
            return Err(BadApiKey::Character {
                position: PREFIX.len() + index + 1,
            });
        }
        if text.len() != TEXT_BYTES {
            return Err(BadApiKey::Length {
                characters: text.len(),
            });
        }
        let (secret, check) = text.split_at(PREFIX.len() + SECRET_DIGITS);
        let mut expected = String::with_capacity(CHECK_DIGITS);
        push_base62(&mut expected, &checksum(secret.as_bytes()), CHECK_DIGITS);
        if check != expected {
            return Err(BadApiKey::Checksum);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// Against slips of the hand, not against people: the first four bytes of SHA-256.
fn checksum(text: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest(text);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// `number` (big-endian) with exactly `width` digits, by long division: no remainder is dropped, so no bit of
/// it is lost.
fn push_base62(out: &mut String, number: &[u8], width: usize) {
    let mut number = Zeroizing::new(number.to_vec());
    let mut digits = Zeroizing::new(vec![0_u8; width]);
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in number.iter_mut() {
            let value = remainder << 8 | usize::from(*byte);
            *byte = (value / DIGITS.len()) as u8;
            remainder = value % DIGITS.len();
        }
        *digit = DIGITS[remainder];
    }
    out.extend(digits.iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_base_62() {
        let written = |number: &[u8], width| {
            let mut out = String::new();
            push_base62(&mut out, number, width);
            out
        };
        assert_eq!(written(&[0], 2), "00");
        assert_eq!(written(&[61], 2), "0z");
        assert_eq!(written(&[62], 2), "10");
        assert_eq!(written(&[0xff; 4], CHECK_DIGITS), "4gfFC3");
        // 2²⁵⁶ − 1 fits: every secret has a text of its own.
        assert_eq!(
            written(&[0xff; SECRET_BYTES], SECRET_DIGITS),
            "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"
        );
    }
}
