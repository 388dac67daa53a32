//! The formats and derivations are what data folders hold: they must never change unnoticed. The answers come
//! from `vectors.py`, which shares no code with the crate.

#![allow(clippy::unwrap_used, reason = "a test")]

use crypto::{Aad, DataKey, Entropy, EntropyError, MasterKey};

const MASTER_KEY_ID: &str = "61b50372b83e206c";
const DERIVED: &str = "71a3979e04beb646b73bf6213af5a57265918ac1a64e8abf1308c2f00c7351db";
const KEYED_HASH: &str = "5724a5d1c1a36d64cedb8af25aa333c48df406303a22dee324addacdb4ad9821";
const WRAPPED_KEY: &str = concat!(
    "010161b50372b83e206ca0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b776c48b20afbc311137d66bae3b05ac96",
    "f3185d6b46e84ab0b0878a91d021a0fe3f4515bf9011b0962d5fed83f57c4e22",
);
const BLOB: &str = concat!(
    "01011f28c1cde7a9eb4ba0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b735cc0fce2aa8c59b91efb4df4700cf45",
    "697fcd44d71ce1b2a1cf0d2a74dadac7",
);

/// Counts up from a byte.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.iter_mut().zip(self.0..).for_each(|(byte, next)| *byte = next);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn everything_kept_is_as_the_standards_give_it() {
    let master = MasterKey::generate(&Counting(0)).unwrap();
    assert_eq!(master.id().to_string(), MASTER_KEY_ID);
    assert_eq!(hex(&*master.derive("run-seed")), DERIVED);
    assert_eq!(hex(&master.keyed_hash("phone").hash(b"+15550100")), KEYED_HASH);

    let key = DataKey::generate(&Counting(0x60)).unwrap();
    let place = Aad {
        table: "keys",
        column: "wrapped",
        row: &[1, 2],
    };
    assert_eq!(
        hex(&key.wrap(&master, place, &Counting(0xa0)).unwrap()),
        WRAPPED_KEY
    );

    let place = Aad {
        table: "conversation",
        column: "document",
        row: &[1, 2],
    };
    assert_eq!(
        hex(&key.seal(place, b"Hello, +15550100", &Counting(0xa0)).unwrap()),
        BLOB
    );
}
