//! Randomness that repeats itself. Two sources of one seed give the same nonces: never for data that matters.

use std::sync::Mutex;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Entropy, EntropyError};

/// The same bytes for the same seed, whatever the sizes asked for.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    /// How many bytes were given so far.
    given: Mutex<u64>,
}

impl SeededEntropy {
    /// A stream that follows from `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            given: Mutex::new(0),
        }
    }

    fn block(&self, index: u64) -> [u8; 32] {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.seed.to_be_bytes()).expect("HMAC takes any key");
        mac.update(&index.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, mut out: &mut [u8]) -> Result<(), EntropyError> {
        let mut given = self
            .given
            .lock()
            .map_err(|_| EntropyError("another user of it panicked".into()))?;
        while !out.is_empty() {
            let block = self.block(*given / 32);
            let rest = &block[(*given % 32) as usize..];
            let taken = rest.len().min(out.len());
            let (now, later) = out.split_at_mut(taken);
            now.copy_from_slice(&rest[..taken]);
            *given += taken as u64;
            out = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_from_its_seed_whatever_the_sizes_asked_for() {
        let (whole, parts) = (SeededEntropy::new(7), SeededEntropy::new(7));
        let mut expected = [0; 100];
        whole.fill(&mut expected).expect("given");
        let mut got = [0; 100];
        for part in got.chunks_mut(13) {
            parts.fill(part).expect("given");
        }
        assert_eq!(got, expected);
        let mut other = [0; 100];
        SeededEntropy::new(8).fill(&mut other).expect("given");
        assert_ne!(other, expected);
    }
}
