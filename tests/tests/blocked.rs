//! Children that wait cost memory and nothing else.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;

use serde_json::json;
use system_tests::{Place, Process, Project, WAITING_PY, conversation, now, tell, waiting};

const CHILDREN: usize = 1000;
/// Of so many the memory is looked at.
const SAMPLE: usize = 50;

const FUNCTION: &str = "from .waiting import until_told\n\n\ndef end_function(conv):\n    until_told()\n    conv.state.told = True\n";

#[test]
fn a_thousand_children_are_blocked_at_once_and_all_succeed() {
    let place = Place::new();
    let server = place
        .server()
        .set("concurrency", CHILDREN)
        .set("deadline_s", 3600)
        .start();
    let project = Project::files(&[
        ("functions/end_function.py", FUNCTION),
        ("functions/waiting.py", WAITING_PY),
    ]);
    server.deploy(project.path(), "blocked");
    let conversations: Vec<_> = (0..CHILDREN)
        .map(|number| conversation(&format!("blocked-{number}"), &json!({})))
        .collect();
    let began = now();
    let runs = server.send_all("blocked", &conversations);
    let waiting = waiting(&server, CHILDREN);
    println!(
        "{CHILDREN} children are blocked at once {:?} after the first conversation was sent",
        began.elapsed()
    );
    assert_eq!(server.get("/v1/status")["runner"]["running"], CHILDREN);
    let own: Vec<_> = waiting.iter().step_by(CHILDREN / SAMPLE).map(own_kib).collect();
    println!(
        "memory of its own: {} KiB a child, at most {}",
        own.iter().sum::<u64>() / own.len() as u64,
        own.iter().max().unwrap()
    );

    let began = now();
    tell(&waiting);
    server.wait_until_done();
    println!("all over {:?} after they were told", began.elapsed());
    for run in &runs {
        let detail = server.run(run);
        assert_eq!(
            (&detail["run"]["status"], &detail["run"]["attempts"]),
            (&json!("succeeded"), &json!(1)),
            "{detail:#}"
        );
        assert_eq!(detail["state_after"]["told"], true);
    }
}

/// Memory that it shares with nobody.
fn own_kib(process: &Process) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid)).unwrap();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private
        .map(|line| {
            line.split_ascii_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}
