//! What a child writes, cut into reads at any place, never makes the supervisor panic, hold more than it has been sent, or read
//! a frame differently for how it was cut.
#![no_main]

#[allow(dead_code)]
#[path = "../../src/frame/mod.rs"]
mod frame;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

// The first byte says how long a read is.
fuzz_target!(|input: &[u8]| {
    let Some((step, bytes)) = input.split_first() else { return };
    let whole = read(bytes, bytes.len().max(1));
    let pieces = read(bytes, usize::from(*step).max(1));
    assert_eq!(whole, pieces);
});

fn read(bytes: &[u8], step: usize) -> (Vec<String>, Option<String>) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match frame::decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
        assert!(buffer.len() <= bytes.len());
    }
    (frames, None)
}
