//! State is the same on both sides: what Python writes comes back to it unchanged through Rust, and Python reads
//! whatever Rust lets pass.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../src/state/any_state.rs"]
mod any_state;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::json::{self, Limits};
use domain::state;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

const STATES: usize = 1_500;
/// Any; another finds other states.
const SEED: &str = "20260105";

fn below_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `states.py` prints when it is run so.
fn python(arguments: &[&str], input: &str) -> String {
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(interpreter)
        .arg(below_crate("tests/python/states.py"))
        .args(arguments)
        .env("PYTHONPATH", below_crate("../../python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The script reads all of its input before it writes.
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn state_goes_from_python_through_rust_to_python_unchanged() {
    let count = STATES.to_string();
    let written = python(&["write", SEED, &count], "");
    let mut passed_on = String::new();
    for line in written.lines() {
        let wire =
            json::parse(line.as_bytes(), Limits::STATE).unwrap_or_else(|error| panic!("{error}: {line}"));
        let state = state::decode(&wire).unwrap_or_else(|problems| panic!("{problems}: {line}"));
        let again = state::encode(&state);
        assert_eq!(json::canonical(&again), json::canonical(&wire));
        passed_on.push_str(&format!("{again}\n"));
    }
    let told = python(&["compare", SEED, &count], &passed_on);
    eprint!("{told}");
    assert!(told.starts_with(&format!("{STATES} same")), "{told}");
}

#[test]
fn python_reads_whatever_rust_lets_pass() {
    let mut runner = TestRunner::deterministic();
    let mut lines = String::new();
    for _ in 0..STATES {
        let value = any_state::any_value().new_tree(&mut runner).unwrap().current();
        let state = serde_json::json!({ "x": value });
        assert!(state::decode(&state).is_ok(), "{state}");
        lines.push_str(&format!("{state}\n"));
    }
    python(&["read"], &lines);
}
