//! The format of everything sealed:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the format, 1 |
//! | 1 | algorithm: 1 = XChaCha20-Poly1305 |
//! | 8 | id of the key |
//! | 24 | nonce, random |
//! | as the plaintext | ciphertext |
//! | 16 | tag |
//!
//! The tag covers the header too, and the place that the value belongs to. The header is public and tells
//! nothing of key or plaintext, so an error may say what is odd about it; beyond the header all failures are
//! one.

use std::fmt;

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::kdf::{self, Use};
use crate::secret::Secret;
use crate::{Aad, Entropy, EntropyError, Place};

/// The largest value that is sealed, in bytes: twice the largest frame between supervisor and child. It keeps
/// a slip elsewhere from filling memory; the algorithm's own limit is 256 GiB.
pub const MAX_PLAINTEXT_BYTES: usize = 128 * 1024 * 1024;
/// What sealing adds to a value, in bytes.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

const VERSION: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;
const KEY_ID_BYTES: usize = 8;
const HEADER_BYTES: usize = 2 + KEY_ID_BYTES;
/// 192 bits: so wide that random nonces do not collide, whatever the number of values under one key.
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Names a sealing key in public: the first 8 bytes of a value derived from it, shown in hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealingKeyId([u8; KEY_ID_BYTES]);

impl SealingKeyId {
    pub(crate) fn of(key: &Secret) -> Self {
        let derived = kdf::derive(key, Use::KeyId, "");
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&derived[..KEY_ID_BYTES]);
        Self(id)
    }

    /// The bytes to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }

    /// Reads back what [`Self::as_bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeyId({self})")
    }
}

/// Bytes as lower-case hex.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A value could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is over [`MAX_PLAINTEXT_BYTES`].
    #[error("{place}: {bytes} bytes are more than the {MAX_PLAINTEXT_BYTES} that one sealed value may hold")]
    TooLarge {
        /// Where it was to go.
        place: Place,
        /// How large it is.
        bytes: usize,
    },
    /// There is no nonce to seal it with.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A sealed value could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short to be one.
    #[error(
        "{place}: {bytes} bytes are no sealed value (the shortest has {OVERHEAD_BYTES}): the data folder is damaged, restore it"
    )]
    Truncated {
        /// Where it is.
        place: Place,
        /// How long it is.
        bytes: usize,
    },
    /// Of a format that is not known here.
    #[error(
        "{place}: sealed in format {version}, algorithm {algorithm}, which this version does not read: use the one that wrote it, or a newer one"
    )]
    UnknownFormat {
        /// Where it is.
        place: Place,
        /// The format's version byte.
        version: u8,
        /// Its algorithm byte.
        algorithm: u8,
    },
    /// Sealed with another key than the one given.
    #[error("{place}: sealed with key {sealed_with}, the key given is {given}")]
    OtherKey {
        /// Where it is.
        place: Place,
        /// What its header says.
        sealed_with: SealingKeyId,
        /// Of the key given.
        given: SealingKeyId,
    },
    /// Altered since it was sealed, or sealed for another place.
    #[error(
        "{place}: does not open: it was altered, or moved here from another place; restore the data folder"
    )]
    Refused {
        /// Where it is.
        place: Place,
    },
}

pub(crate) fn seal(
    key: &Secret,
    key_id: SealingKeyId,
    aad: Aad<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_PLAINTEXT_BYTES {
        return Err(SealError::TooLarge {
            place: aad.place(),
            bytes: plaintext.len(),
        });
    }
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce)?;
    let mut out = Vec::with_capacity(OVERHEAD_BYTES + plaintext.len());
    out.extend_from_slice(&header(key_id));
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let body = &mut out[HEADER_BYTES + NONCE_BYTES..];
    let tag = XChaCha20Poly1305::new(key.bytes().into())
        .encrypt_in_place_detached(&nonce.into(), &associated_data(key_id, aad), body)
        .expect("the size was checked against a limit far below the algorithm's");
    out.extend_from_slice(&tag);
    Ok(out)
}

pub(crate) fn open(
    key: &Secret,
    key_id: SealingKeyId,
    aad: Aad<'_>,
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    if sealed.len() < OVERHEAD_BYTES {
        return Err(OpenError::Truncated {
            place: aad.place(),
            bytes: sealed.len(),
        });
    }
    let (found, rest) = sealed.split_at(HEADER_BYTES);
    let (version, algorithm) = (found[0], found[1]);
    if (version, algorithm) != (VERSION, XCHACHA20_POLY1305) {
        return Err(OpenError::UnknownFormat {
            place: aad.place(),
            version,
            algorithm,
        });
    }
    if found[2..] != key_id.0 {
        let mut sealed_with = [0; KEY_ID_BYTES];
        sealed_with.copy_from_slice(&found[2..]);
        let sealed_with = SealingKeyId(sealed_with);
        return Err(OpenError::OtherKey {
            place: aad.place(),
            sealed_with,
            given: key_id,
        });
    }
    let (nonce, rest) = rest.split_at(NONCE_BYTES);
    let (ciphertext, tag) = rest.split_at(rest.len() - TAG_BYTES);
    let mut plaintext = ciphertext.to_vec();
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt_in_place_detached(
            nonce.into(),
            &associated_data(key_id, aad),
            &mut plaintext,
            tag.into(),
        )
        .map_err(|_| OpenError::Refused { place: aad.place() })?;
    Ok(plaintext)
}

fn header(key_id: SealingKeyId) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[0] = VERSION;
    header[1] = XCHACHA20_POLY1305;
    header[2..].copy_from_slice(&key_id.0);
    header
}

fn associated_data(key_id: SealingKeyId, aad: Aad<'_>) -> Vec<u8> {
    let mut out = header(key_id).to_vec();
    aad.append_to(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// draft-irtf-cfrg-xchacha-03, A.3.1: the cipher is the standard's, with key and nonce in their places.
    #[test]
    fn the_cipher_gives_the_drafts_answer() {
        let mut key: [u8; 32] = std::array::from_fn(|i| 0x80 + i as u8);
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|i| 0x40 + i as u8);
        let aad = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ];
        let mut text =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it."
                .to_vec();
        let tag = XChaCha20Poly1305::new(Secret::take(&mut key).bytes().into())
            .encrypt_in_place_detached(&nonce.into(), &aad, &mut text)
            .expect("short");
        assert_eq!(Hex(&text[..16]).to_string(), "bd6d179d3e83d43b9576579493c0e939");
        assert_eq!(Hex(&tag).to_string(), "c0875924c1c7987947deafd8780acf49");
    }
}
