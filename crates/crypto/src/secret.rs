//! Thirty-two bytes that are overwritten when they go.

use zeroize::{Zeroize, Zeroizing};

use crate::{Entropy, EntropyError};

/// Bytes in every key of this crate.
pub(crate) const KEY_BYTES: usize = 32;

/// A key. On the heap, so that moving its owner leaves no copy behind.
pub(crate) struct Secret(Box<[u8; KEY_BYTES]>);

impl Secret {
    /// Takes the bytes and overwrites where they were.
    pub(crate) fn take(bytes: &mut [u8; KEY_BYTES]) -> Self {
        let secret = Self(Box::new(*bytes));
        bytes.zeroize();
        secret
    }

    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(&mut *bytes)?;
        Ok(Self::take(&mut bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
