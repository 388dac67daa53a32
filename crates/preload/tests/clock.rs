//! The time of day is put off for one thread: whatever reads it there, and for nobody else; waits last as long as they were meant to.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::process::Command;

use support::{interpreters, library};

#[test]
fn whatever_reads_the_time_of_day_has_that_of_its_thread_and_whoever_waits_for_one_waits_no_longer() {
    for python in interpreters() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/clock.py");
        let run = Command::new(&python.executable)
            .args(["-s", "-P", script])
            .arg(library())
            .env("LD_PRELOAD", library())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert_eq!(told.trim(), "ok", "{}: {told}", python.executable.display());
    }
}
