//! What looks random to a project, and is the same each time: keyed, so that nobody outside can foresee it.

use crypto::KeyedHash;
use domain::RunId;

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

    /// Of a run's random streams: every attempt of it has the same.
    pub(crate) fn of_run(&self, run: RunId) -> [u8; 32] {
        self.runs.hash(run.as_bytes())
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
        let of_run = seeds.of_run(run);
        assert_ne!(seeds.of_hashes(run.as_bytes()).to_be_bytes(), of_run[..4]);
        let again = Seeds::new(|purpose| master.keyed_hash(purpose));
        assert_eq!(of_run, again.of_run(run));
    }
}
