//! What a newcomer sees first.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::process::Command;

use system_tests::{aftercall, now, repository};

#[test]
fn the_demo_ends_well_and_shows_a_failure_a_hang_a_retry_an_outage_and_kills() {
    let began = now();
    let data = tempfile::tempdir().unwrap();
    let output = Command::new(repository().join("scripts/demo"))
        .env("AFTERCALL_BIN", aftercall())
        .env("AFTERCALL_DEMO_DATA", data.path())
        .env_remove("KEEP")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{out}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "kill -9",
        "AC0301",
        "AC0302",
        "Traceback",
        "none lost; each write arrived once",
        "waiting",
        "POST /contacts: 1",
        "POST /notes: 1",
        "runs retry",
    ] {
        assert!(out.contains(part), "{part} is missing:\n{out}");
    }
    println!("the demo took {:?}", began.elapsed());
}
