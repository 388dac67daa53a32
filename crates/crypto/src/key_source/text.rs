//! A key as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::{KEY_BYTES, Secret};

const HEX_DIGITS: usize = 2 * KEY_BYTES;

/// Why a text is no key. It never holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextProblem {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// Neither hex nor base64.
    #[error("it is neither hex nor base64")]
    Format,
    /// A well-formed text of another length.
    #[error("it holds {bytes} bytes, not 32")]
    Length {
        /// How many bytes it gives.
        bytes: usize,
    },
    /// One byte over and over: a place-holder, not a key.
    #[error("it is the same byte 32 times")]
    Trivial,
}

/// Reads a key. White space around it does not count: files and commands end in a newline.
pub(super) fn parse(text: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyTextProblem> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(KeyTextProblem::Empty);
    }
    // 64 hex digits are also base64, of 48 bytes: the length decides.
    let bytes = if text.len() == HEX_DIGITS {
        hex(text)
    } else {
        STANDARD.decode(text).ok().map(Zeroizing::new)
    };
    let bytes = bytes.ok_or(KeyTextProblem::Format)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() != KEY_BYTES {
        return Err(KeyTextProblem::Length { bytes: bytes.len() });
    }
    key.copy_from_slice(&bytes);
    if key.iter().all(|byte| *byte == key[0]) {
        return Err(KeyTextProblem::Trivial);
    }
    Ok(key)
}

fn hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.chunks_exact(2) {
        bytes.push((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    }
    Some(bytes)
}

/// The text that [`parse`] reads, with a newline.
pub(super) fn write(key: &Secret) -> Zeroizing<String> {
    // Room for all of it at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(64));
    STANDARD.encode_string(key.bytes(), &mut text);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hex_and_base64_and_nothing_else_is_one() {
        let key: [u8; KEY_BYTES] = std::array::from_fn(|i| i as u8);
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let hex = "000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        for text in [
            base64.to_owned(),
            format!("  {base64}\r\n"),
            hex.to_owned(),
            format!("{hex}\n"),
        ] {
            assert_eq!(*parse(text.as_bytes()).expect("a key"), key, "{text}");
        }
        assert_eq!(
            write(&Secret::take(&mut key.clone())).as_str(),
            format!("{base64}\n")
        );
        let refused = |text: &str| parse(text.as_bytes()).expect_err("no key");
        assert_eq!(refused(" \n"), KeyTextProblem::Empty);
        assert_eq!(refused("correct horse battery staple"), KeyTextProblem::Format);
        assert_eq!(refused(&hex.replace('f', "g")), KeyTextProblem::Format);
        assert_eq!(refused(&format!("{base64}\n{base64}")), KeyTextProblem::Format);
        assert_eq!(refused("AAECAwQ="), KeyTextProblem::Length { bytes: 5 });
        assert_eq!(refused(&"0".repeat(64)), KeyTextProblem::Trivial);
    }
}
