//! What it costs to take a conversation: parse, check, hash and write, per document, the best of several rounds.
//! `cargo run --release -p domain --example parse_cost`
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "what it measures is time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use domain::conversation::Conversation;
use serde_json::json;

const ROUNDS: usize = 15;

/// A conversation of about so many bytes, typed state among them.
fn conversation(bytes: usize) -> Vec<u8> {
    let mut turns = Vec::new();
    let mut metrics = Vec::new();
    let mut size = 1_400;
    // Past the limit of turns the texts get longer.
    let repeat = 1 + bytes / 700_000;
    while size < bytes {
        let (role, text) = if turns.len() % 2 == 0 {
            (
                "agent",
                "Good evening, you have reached the front desk. How can I help you today? ",
            )
        } else {
            (
                "user",
                "Hi, I would like a table for four on Friday around eight, if that’s possible. ",
            )
        };
        let turn = json!({"role": role, "text": text.repeat(repeat)});
        size += turn.to_string().len() + 1;
        turns.push(turn);
        if turns.len() % 4 == 0 {
            let metric = json!({"name": "ACTION", "value": turns.len()});
            size += metric.to_string().len() + 1;
            metrics.push(metric);
        }
    }
    let slots: Vec<_> = (0..10)
        .map(|slot| json!({"slot": slot, "free": slot % 3 == 0, "price": 12.5}))
        .collect();
    json!({
        "id": "call-0017", "environment": "sandbox", "channel": "voice", "direction": "inbound",
        "started_at": "2026-01-05T10:00:00Z", "ended_at": "2026-01-05T10:03:20Z",
        "caller_number": "+15550100123", "callee_number": "+15550100000",
        "state": {
            "name": "Ana", "party_size": 4, "slots": slots,
            "called_at": {"$type": "datetime", "value": "2026-01-05T10:00:00+01:00", "zone": "Europe/Madrid"},
            "order": {"$type": "object", "class": "functions.orders.Order",
                      "fields": {"loyalty_id": "L-17", "total": {"$type": "decimal", "value": "12.50"}}},
        },
        "metrics": metrics, "turns": turns,
    })
    .to_string()
    .into_bytes()
}

fn best(rounds: usize, repeat: u32, mut work: impl FnMut()) -> Duration {
    let round = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..repeat).for_each(|_| work());
        start.elapsed() / repeat
    };
    (0..rounds).map(|_| round(&mut work)).min().unwrap_or_default()
}

fn main() {
    for (bytes, repeat) in [(6_100, 500), (64_000, 50), (8_300_000, 1)] {
        let text = conversation(bytes);
        let taken = Conversation::parse(&text).unwrap();
        let parse = best(ROUNDS, repeat, || drop(black_box(Conversation::parse(&text))));
        let hash = best(ROUNDS, repeat, || {
            black_box(taken.content_hash());
        });
        let write = best(ROUNDS, repeat, || drop(black_box(taken.to_json())));
        let plain = best(ROUNDS, repeat, || {
            drop(black_box(serde_json::from_slice::<serde_json::Value>(&text)))
        });
        println!(
            "{:>9} bytes, {} turns: parse {parse:?}, hash {hash:?}, write {write:?} (serde_json alone {plain:?})",
            text.len(),
            taken.turns().len()
        );
    }
    let small_values = format!(r#"{{"id":"x","x":[{}0]}}"#, "0,".repeat(999_000)).into_bytes();
    let parse = best(5, 1, || drop(black_box(Conversation::parse(&small_values))));
    println!(
        "{:>9} bytes of smallest values: parse {parse:?}",
        small_values.len()
    );
}
