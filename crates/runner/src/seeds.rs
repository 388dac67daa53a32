//! What looks random to a project, and is the same each time: keyed, so that nobody outside can foresee it.

use crypto::KeyedHash;
use domain::{AttemptNumber, RunId};

/// The keys of all seeds, one for each purpose: what one of them gives away says nothing of the other.
#[derive(Clone)]
pub struct Seeds {
    runs: KeyedHash,
    hashes: KeyedHash,
}

impl Seeds {
    /// `keyed` gives the keyed hash of a purpose, as [`crypto::MasterKey::keyed_hash`] does.
    #[must_use]
    pub fn new(keyed: impl Fn(&str) -> KeyedHash) -> Self {
        Self {
            runs: keyed("run seed"),
            hashes: keyed("hash seed"),
        }
    }

    /// Of a run's random streams: every attempt of it has the same, until the run is done again on purpose. `fresh_since`
    /// is the first attempt since then, 0 before: what is done anew makes up ids of its own.
    pub(crate) fn of_run(&self, run: RunId, fresh_since: AttemptNumber) -> [u8; 32] {
        let told = [run.as_bytes().as_slice(), &fresh_since.0.to_be_bytes()].concat();
        self.runs.hash(&told)
    }

    /// `PYTHONHASHSEED` for a package of this content: nobody can aim at collisions, and the same package stays the same
    /// deployment.
    pub(crate) fn of_hashes(&self, content: &[u8]) -> u32 {
        let [a, b, c, d, ..] = self.hashes.hash(content);
        u32::from_be_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_purposes_have_keys_of_their_own() {
        let master = crypto::MasterKey::from_bytes(&mut [7; 32]);
        let seeds = Seeds::new(|purpose| master.keyed_hash(purpose));
        let run = RunId::from_bytes([9; 16]);
        let of_run = seeds.of_run(run, AttemptNumber(0));
        assert_ne!(seeds.of_hashes(run.as_bytes()).to_be_bytes(), of_run[..4]);
        let again = Seeds::new(|purpose| master.keyed_hash(purpose));
        assert_eq!(of_run, again.of_run(run, AttemptNumber(0)));
    }
    #[test]
    fn a_run_that_is_done_again_on_purpose_and_another_run_have_seeds_of_their_own() {
        let master = crypto::MasterKey::from_bytes(&mut [7; 32]);
        let seeds = Seeds::new(|purpose| master.keyed_hash(purpose));
        let (run, other) = (RunId::from_bytes([9; 16]), RunId::from_bytes([8; 16]));
        let first = seeds.of_run(run, AttemptNumber(0));
        assert_ne!(first, seeds.of_run(run, AttemptNumber(2)));
        assert_ne!(first, seeds.of_run(other, AttemptNumber(0)));
    }
}
