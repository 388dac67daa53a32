//! The key of a data folder.

use std::fmt;

use zeroize::Zeroizing;

use crate::kdf::{self, Use};
use crate::secret::{KEY_BYTES, Secret};
use crate::{Entropy, EntropyError, KeyedHash, SealingKeyId};

/// What everything in a data folder hangs on. It seals nothing itself: each use has a key derived from it.
pub struct MasterKey {
    secret: Secret,
    wrapping: Secret,
    id: SealingKeyId,
}

/// The key given is not the one that the data folder was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this data folder was sealed with key {sealed_with}, the key given is {given}: give the key that the folder was made with, or name another folder"
)]
pub struct WrongMasterKey {
    /// What the data folder says.
    pub sealed_with: SealingKeyId,
    /// Of the key given.
    pub given: SealingKeyId,
}

impl MasterKey {
    /// A new key that is kept nowhere. See [`crate::KeySource::create`] for one that is.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self::from_secret(Secret::random(entropy)?))
    }

    /// From bytes that are at hand. They are overwritten.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; KEY_BYTES]) -> Self {
        Self::from_secret(Secret::take(bytes))
    }

    fn from_secret(secret: Secret) -> Self {
        let wrapping = Secret::take(&mut kdf::derive(&secret, Use::Wrap, ""));
        let id = SealingKeyId::of(&secret);
        Self { secret, wrapping, id }
    }

    /// Which key it is, in public: a data folder keeps this to tell a wrong key from a damaged folder.
    #[must_use]
    pub const fn id(&self) -> SealingKeyId {
        self.id
    }

    /// Checks the key against what the data folder says of itself.
    ///
    /// # Errors
    /// [`WrongMasterKey`] names both.
    pub fn expect_id(&self, sealed_with: SealingKeyId) -> Result<(), WrongMasterKey> {
        if self.id == sealed_with {
            Ok(())
        } else {
            Err(WrongMasterKey {
                sealed_with,
                given: self.id,
            })
        }
    }

    /// The hash of one purpose. Hashes of different purposes cannot be compared.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str) -> KeyedHash {
        KeyedHash::from_key(&mut kdf::derive(&self.secret, Use::KeyedHash, purpose))
    }

    /// Thirty-two secret bytes for one purpose of another subsystem, always the same.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        kdf::derive(&self.secret, Use::Derive, purpose)
    }

    pub(crate) const fn wrapping_key(&self) -> &Secret {
        &self.wrapping
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}
