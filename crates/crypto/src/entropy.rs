//! Randomness as something that is passed in, so that a simulation can replay it.

/// No randomness could be had. Nothing may be sealed or generated then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no randomness can be had: {0}")]
pub struct EntropyError(pub String);

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `out` with bytes that nobody can foresee.
    ///
    /// # Errors
    /// [`EntropyError`]; what is in `out` must not be used then.
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's generator: the one place where this crate reaches for ambient randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the source that everybody else is given"
    )]
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|error| EntropyError(error.to_string()))
    }
}
