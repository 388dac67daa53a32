//! One key, many uses: HKDF-SHA256 (RFC 5869) gives every use a key of its own, so that none can stand in for
//! another.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::{KEY_BYTES, Secret};

/// Names the format. A change of any derivation below takes another.
const SALT: &[u8] = b"aftercall/v1";

/// What a derived key is for. Part of the derivation: the words must not change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// Names a key in public.
    KeyId,
    /// Wraps data keys.
    Wrap,
    /// Keys the hashes of one purpose.
    KeyedHash,
    /// Whatever another subsystem wants it for.
    Derive,
}

impl Use {
    fn word(self) -> &'static [u8] {
        match self {
            Self::KeyId => b"key-id",
            Self::Wrap => b"wrap",
            Self::KeyedHash => b"keyed-hash",
            Self::Derive => b"derive",
        }
    }
}

/// Info is `word 0x00 purpose`; no word holds a zero byte, so no two pairs give the same info.
pub(crate) fn derive(key: &Secret, what_for: Use, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    Hkdf::<Sha256>::new(Some(SALT), key.bytes())
        .expand_multi_info(&[what_for.word(), &[0], purpose.as_bytes()], &mut *out)
        .expect("HKDF-SHA256 gives up to 8,160 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, A.1: the library is wired as the standard says.
    #[test]
    fn hkdf_gives_the_standards_answer() {
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let mut out = [0; 42];
        Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22])
            .expand(&info, &mut out)
            .expect("short enough");
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(crate::sealed::Hex(&out).to_string(), expected);
    }
}
