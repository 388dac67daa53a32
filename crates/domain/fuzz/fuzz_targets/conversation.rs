//! Any bytes are a conversation, or refused with reasons: never a panic, an endless loop or an overflown stack.
#![no_main]

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    properties::check(bytes);
});
