//! The conversation that is sent, many times under different ids.

use std::path::Path;

use anyhow::ensure;
use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memmem;

const PLACE: &[u8] = b"@ID@";

/// A document with a gap for its id.
pub struct Document {
    before: Vec<u8>,
    after: Vec<u8>,
    prefix: String,
}

impl Document {
    /// # Errors
    /// No such file, no gap in it, more than one line.
    pub fn read(path: &Path, prefix: &str) -> anyhow::Result<Self> {
        let text = std::fs::read(path)?;
        let text = text.trim_ascii_end();
        ensure!(memchr::memchr(b'\n', text).is_none(), "it must be one line");
        let places: Vec<_> = memmem::find_iter(text, PLACE).collect();
        let [place] = places[..] else {
            anyhow::bail!("@ID@ must be in it once, and is {} times", places.len());
        };
        Ok(Self {
            before: text[..place].to_vec(),
            after: text[place + PLACE.len()..].to_vec(),
            prefix: prefix.to_owned(),
        })
    }

    /// The conversation of this number.
    pub fn numbered(&self, number: u64) -> Bytes {
        let id = format!("{}{number}", self.prefix);
        let mut bytes = BytesMut::with_capacity(self.before.len() + id.len() + self.after.len() + 1);
        bytes.put_slice(&self.before);
        bytes.put_slice(id.as_bytes());
        bytes.put_slice(&self.after);
        bytes.freeze()
    }
}
