//! The key of one conversation.

use std::fmt;

use crate::sealed::{self, OVERHEAD_BYTES, OpenError, SealError, SealingKeyId};
use crate::secret::{KEY_BYTES, Secret};
use crate::{Aad, Entropy, EntropyError, MasterKey};

/// Bytes in a wrapped [`DataKey`].
pub const WRAPPED_KEY_BYTES: usize = OVERHEAD_BYTES + KEY_BYTES;

/// What everything of one conversation is sealed under. It is kept only wrapped; where that is deleted, so is
/// the conversation.
pub struct DataKey {
    secret: Secret,
    id: SealingKeyId,
}

impl DataKey {
    /// A new key.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self::from_secret(Secret::random(entropy)?))
    }

    fn from_secret(secret: Secret) -> Self {
        let id = SealingKeyId::of(&secret);
        Self { secret, id }
    }

    /// The key, sealed under the master key for the place where it will be kept: [`WRAPPED_KEY_BYTES`] bytes.
    ///
    /// # Errors
    /// [`SealError::Entropy`].
    pub fn wrap(
        &self,
        master: &MasterKey,
        aad: Aad<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        sealed::seal(
            master.wrapping_key(),
            master.id(),
            aad,
            self.secret.bytes(),
            entropy,
        )
    }

    /// Reads back what [`Self::wrap`] gave, at the same place.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::OtherKey`] names both master keys.
    pub fn unwrap(master: &MasterKey, aad: Aad<'_>, wrapped: &[u8]) -> Result<Self, OpenError> {
        let opened = zeroize::Zeroizing::new(sealed::open(master.wrapping_key(), master.id(), aad, wrapped)?);
        let mut bytes = zeroize::Zeroizing::new([0; KEY_BYTES]);
        if opened.len() != KEY_BYTES {
            return Err(OpenError::Refused { place: aad.place() });
        }
        bytes.copy_from_slice(&opened);
        Ok(Self::from_secret(Secret::take(&mut bytes)))
    }

    /// Which key it is, in public.
    #[must_use]
    pub const fn id(&self) -> SealingKeyId {
        self.id
    }

    /// Seals a value of at most [`crate::MAX_PLAINTEXT_BYTES`] for one place: [`OVERHEAD_BYTES`] more than it
    /// has.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, aad: Aad<'_>, plaintext: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        sealed::seal(&self.secret, self.id, aad, plaintext, entropy)
    }

    /// Reads back what [`Self::seal`] gave, at the same place.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, aad: Aad<'_>, blob: &[u8]) -> Result<Vec<u8>, OpenError> {
        sealed::open(&self.secret, self.id, aad, blob)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}
