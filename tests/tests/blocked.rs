//! Children that wait cost memory and nothing else.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;

use rustix::process::Signal;
use serde_json::json;
use system_tests::{Place, Process, Project, conversation, now, until};

const CHILDREN: usize = 1000;
/// Of so many the memory is looked at.
const SAMPLE: usize = 50;
const SIGUSR1: u32 = 10;

/// Waits until it is told by a signal, so that all are there at once however long that takes.
const FUNCTION: &str = r#"
import signal
import time


class Told(Exception):
    pass


def tell(number, frame):
    raise Told


def end_function(conv):
    try:
        signal.signal(signal.SIGUSR1, tell)
        time.sleep(3600)
    except Told:
        conv.state.told = True
"#;

#[test]
fn a_thousand_children_are_blocked_at_once_and_all_succeed() {
    let place = Place::new();
    let server = place
        .server()
        .set("concurrency", CHILDREN)
        .set("deadline_s", 3600)
        .start();
    let project = Project::of(FUNCTION);
    server.deploy(project.path(), "blocked");
    let conversations: Vec<_> = (0..CHILDREN)
        .map(|number| conversation(&format!("blocked-{number}"), &json!({})))
        .collect();
    let began = now();
    let runs = server.send_all("blocked", &conversations);
    let waiting = until("all wait at once", || {
        let waiting: Vec<_> = server
            .processes()
            .into_iter()
            .filter(|process| process.catches(SIGUSR1))
            .collect();
        (waiting.len() == CHILDREN).then_some(waiting)
    });
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
    waiting.iter().for_each(|process| process.signal(Signal::USR1));
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
