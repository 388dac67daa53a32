//! Sealing under a key per conversation, keyed hashes to search by, the master key and where it comes from,
//! and the secrets of API keys. Nothing here knows what it seals, and nothing here finds randomness by
//! itself.
//!
//! ```text
//! MasterKey (file, environment or command)
//!   ├─ wraps ──► DataKey, one per conversation ── seals ──► blob, bound to its table, column and row
//!   ├─ derives ► KeyedHash, one per purpose: equal values can be found without being read
//!   └─ derives ► 32 bytes for another subsystem's purpose
//! ```
//!
//! Deleting a wrapped [`DataKey`] erases everything that was sealed under it. Keys are overwritten when
//! dropped; what the hash functions leave on the stack in passing is not, which is why no process that holds
//! a key runs user code.

mod aad;
mod api_key_secret;
mod data_key;
mod entropy;
mod kdf;
mod key_source;
mod keyed_hash;
mod master_key;
mod sealed;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use aad::{Aad, Place};
pub use api_key_secret::{ApiKeySecret, BadApiKey};
pub use data_key::{DataKey, WRAPPED_KEY_BYTES};
pub use entropy::{Entropy, EntropyError, OsEntropy};
pub use key_source::{CommandProblem, KeyError, KeySource, KeyTextProblem};
pub use keyed_hash::KeyedHash;
pub use master_key::{MasterKey, WrongMasterKey};
pub use sealed::{MAX_PLAINTEXT_BYTES, OVERHEAD_BYTES, OpenError, SealError, SealingKeyId};
