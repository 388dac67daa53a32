//! Replays the fuzz target's corpus without a fuzzer, so that what it once found stays found.
#![allow(clippy::unwrap_used)]

#[path = "../fuzz/properties.rs"]
#[allow(clippy::expect_used)]
mod properties;

use std::path::Path;

#[test]
fn the_corpus_holds_every_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/conversation");
    let (mut conversations, mut refused) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        if properties::check(&bytes) {
            conversations += 1
        } else {
            refused += 1
        }
    }
    assert!(
        conversations >= 10 && refused >= 10,
        "{conversations} conversations, {refused} refused"
    );
}
