//! Chance that can be had again.

use std::time::Duration;

/// A stream of random numbers (SplitMix64) from a seed that is printed, and that `AFTERCALL_TEST_SEED` sets.
pub struct Chance(u64);

impl Chance {
    /// A stream of its own for the test of this name.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "a new seed for each run; the printed one replays it"
    )]
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var("AFTERCALL_TEST_SEED") {
            Ok(text) => text.parse().expect("AFTERCALL_TEST_SEED is a whole number"),
            Err(_) => getrandom_u64(),
        };
        println!("{test}: AFTERCALL_TEST_SEED={seed}");
        Self(test.bytes().fold(seed, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(u64::from(byte))
        }))
    }

    /// A stream of its own for whoever draws beside this one: what each draws depends on the seed alone.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A time up to `most`.
    pub fn within(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.between(0, u64::try_from(most.as_micros()).unwrap()))
    }

    /// Hexadecimal digits that nothing else holds.
    pub fn hex(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// Decimal digits, the first of them not 0.
    pub fn digits(&mut self, count: usize) -> String {
        let first = self.between(1, 9);
        (1..count).fold(first.to_string(), |digits, _| {
            digits + &self.between(0, 9).to_string()
        })
    }
}

fn getrandom_u64() -> u64 {
    let mut bytes = [0; 8];
    let read = std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    read.expect("/dev/urandom gives a seed");
    u64::from_ne_bytes(bytes)
}
