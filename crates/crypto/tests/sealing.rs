//! What sealing promises: what comes out is what went in, at its own place, under its own key, unaltered, or
//! nothing.

#![allow(clippy::unwrap_used, reason = "a test")]

use crypto::testing::SeededEntropy;
use crypto::{
    Aad, DataKey, Entropy, EntropyError, MAX_PLAINTEXT_BYTES, MasterKey, OVERHEAD_BYTES, OpenError,
    SealError, WRAPPED_KEY_BYTES,
};
use proptest::prelude::*;

const PLACE: Aad<'static> = Aad {
    table: "conversation",
    column: "document",
    row: &[0x01, 0x97, 0xff],
};
const TEXT: &[u8] = b"Call me back on +44 20 7946 0958, says Ada.";

fn key(entropy: &dyn Entropy) -> DataKey {
    DataKey::generate(entropy).unwrap()
}

proptest! {
    #[test]
    fn what_was_sealed_opens_to_itself(plaintext: Vec<u8>, row: Vec<u8>, seed: u64) {
        let entropy = SeededEntropy::new(seed);
        let (master, key) = (MasterKey::generate(&entropy).unwrap(), key(&entropy));
        let aad = Aad { row: &row, ..PLACE };
        let wrapped = key.wrap(&master, aad, &entropy).unwrap();
        prop_assert_eq!(wrapped.len(), WRAPPED_KEY_BYTES);
        let unwrapped = DataKey::unwrap(&master, aad, &wrapped).unwrap();
        let blob = key.seal(aad, &plaintext, &entropy).unwrap();
        prop_assert_eq!(blob.len(), plaintext.len() + OVERHEAD_BYTES);
        prop_assert_eq!(unwrapped.open(aad, &blob).unwrap(), plaintext);
    }

    #[test]
    fn two_places_are_never_taken_for_one(row in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
        prop_assume!(row != other);
        let entropy = SeededEntropy::new(1);
        let key = key(&entropy);
        let blob = key.seal(Aad { row: &row, ..PLACE }, TEXT, &entropy).unwrap();
        let refused = matches!(key.open(Aad { row: &other, ..PLACE }, &blob), Err(OpenError::Refused { .. }));
        prop_assert!(refused);
    }
}

#[test]
fn no_byte_can_be_altered_added_or_taken_away() {
    let entropy = SeededEntropy::new(2);
    let (master, key) = (MasterKey::generate(&entropy).unwrap(), key(&entropy));
    let blob = key.seal(PLACE, TEXT, &entropy).unwrap();
    let wrapped = key.wrap(&master, PLACE, &entropy).unwrap();
    let refuses = |blob: &[u8], wrapped: &[u8]| {
        assert!(key.open(PLACE, blob).is_err());
        assert!(DataKey::unwrap(&master, PLACE, wrapped).is_err());
    };
    let altered = |bytes: &[u8], index: usize, bit: u32| {
        let mut bytes = bytes.to_vec();
        let index = index % bytes.len();
        bytes[index] ^= 1 << bit;
        bytes
    };
    for index in 0..blob.len().max(wrapped.len()) {
        (0..8).for_each(|bit| refuses(&altered(&blob, index, bit), &altered(&wrapped, index, bit)));
    }
    for length in 0..blob.len() {
        refuses(&blob[..length], &wrapped[..length.min(wrapped.len() - 1)]);
    }
    refuses(&[&blob[..], &[0]].concat(), &[&wrapped[..], &[0]].concat());
    assert_eq!(key.open(PLACE, &blob).unwrap(), TEXT, "the unaltered one opens");
}

#[test]
fn table_column_and_row_all_bind_and_are_named() {
    let entropy = SeededEntropy::new(3);
    let key = key(&entropy);
    let blob = key.seal(PLACE, TEXT, &entropy).unwrap();
    // The last two say the same bytes in the same order, split elsewhere.
    for other in [
        Aad {
            table: "attempt",
            ..PLACE
        },
        Aad {
            column: "state",
            ..PLACE
        },
        Aad {
            row: &[0x01, 0x97, 0xfe],
            ..PLACE
        },
        Aad {
            table: "conversationd",
            column: "ocument",
            ..PLACE
        },
        Aad {
            column: "documen",
            row: &[b't', 0x01, 0x97, 0xff],
            ..PLACE
        },
    ] {
        assert!(
            matches!(key.open(other, &blob), Err(OpenError::Refused { .. })),
            "{other:?}"
        );
    }
    let message = key
        .open(
            Aad {
                table: "attempt",
                ..PLACE
            },
            &blob,
        )
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("attempt.document of row 0197ff: "),
        "{message}"
    );
}

#[test]
fn another_key_is_told_by_name() {
    let entropy = SeededEntropy::new(4);
    let (ours, theirs) = (
        MasterKey::generate(&entropy).unwrap(),
        MasterKey::generate(&entropy).unwrap(),
    );
    let wrapped = key(&entropy).wrap(&ours, PLACE, &entropy).unwrap();
    let message = DataKey::unwrap(&theirs, PLACE, &wrapped).unwrap_err().to_string();
    assert!(
        message.contains(&format!(
            "sealed with key {}, the key given is {}",
            ours.id(),
            theirs.id()
        )),
        "{message}"
    );
    assert!(ours.expect_id(ours.id()).is_ok());
    let message = theirs.expect_id(ours.id()).unwrap_err().to_string();
    assert!(
        message.contains(&format!(
            "sealed with key {}, the key given is {}",
            ours.id(),
            theirs.id()
        )),
        "{message}"
    );

    let (one, other) = (key(&entropy), key(&entropy));
    let blob = one.seal(PLACE, TEXT, &entropy).unwrap();
    assert!(matches!(
        other.open(PLACE, &blob),
        Err(OpenError::OtherKey { .. })
    ));
}

#[test]
fn nothing_of_the_plaintext_or_the_keys_shows() {
    let entropy = SeededEntropy::new(5);
    let master = MasterKey::generate(&SeededEntropy::new(6)).unwrap();
    let mut master_bytes = [0; 32];
    SeededEntropy::new(6).fill(&mut master_bytes).unwrap();
    let key = key(&entropy);
    let (one, two) = (
        key.seal(PLACE, TEXT, &entropy).unwrap(),
        key.seal(PLACE, TEXT, &entropy).unwrap(),
    );
    for window in TEXT.windows(4) {
        assert!(
            !one.windows(4).any(|found| found == window),
            "{window:?} is readable"
        );
    }
    assert_ne!(one[10..], two[10..], "the same value twice is two values");
    let shown = format!(
        "{master:?} {key:?} {:?} {}",
        master.keyed_hash("phone"),
        master.id()
    );
    let hex: String = master_bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!shown.contains(&hex[..8]), "{shown}");
    assert_ne!(*master.id().as_bytes(), master_bytes[..8]);
}

#[test]
fn purposes_are_apart() {
    let entropy = SeededEntropy::new(7);
    let (master, other) = (
        MasterKey::generate(&entropy).unwrap(),
        MasterKey::generate(&entropy).unwrap(),
    );
    let phone = master.keyed_hash("phone");
    assert_eq!(
        phone.hash(b"+15550100"),
        master.keyed_hash("phone").hash(b"+15550100")
    );
    assert_ne!(phone.hash(b"+15550100"), phone.hash(b"+15550101"));
    assert_ne!(
        phone.hash(b"+15550100"),
        master.keyed_hash("external_id").hash(b"+15550100")
    );
    assert_ne!(
        phone.hash(b"+15550100"),
        other.keyed_hash("phone").hash(b"+15550100")
    );
    assert_ne!(*master.derive("run-seed"), *master.derive("hash-seed"));
    let mut derived = *master.derive("phone");
    assert_ne!(
        crypto::KeyedHash::from_key(&mut derived).hash(b"x"),
        phone.hash(b"x"),
        "uses are apart too"
    );
}

#[test]
fn what_cannot_be_sealed_is_refused_before_anything_is_made() {
    struct Broken;
    impl Entropy for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            Err(EntropyError("the well is dry".into()))
        }
    }
    let key = key(&SeededEntropy::new(8));
    assert!(matches!(
        key.seal(PLACE, TEXT, &Broken),
        Err(SealError::Entropy(_))
    ));
    assert!(DataKey::generate(&Broken).is_err() && MasterKey::generate(&Broken).is_err());
    let large = vec![0; MAX_PLAINTEXT_BYTES + 1];
    let refused = key.seal(PLACE, &large, &SeededEntropy::new(8));
    assert!(matches!(refused, Err(SealError::TooLarge { bytes, .. }) if bytes == large.len()));
}

#[test]
fn the_operating_systems_randomness_is_not_all_zeros_and_does_not_repeat() {
    let (mut one, mut two) = ([0; 32], [0; 32]);
    crypto::OsEntropy.fill(&mut one).unwrap();
    crypto::OsEntropy.fill(&mut two).unwrap();
    assert!(one != [0; 32] && one != two);
}
