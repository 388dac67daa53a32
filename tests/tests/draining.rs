//! Many runs wait for one host that is out. When it is back they go on, no project at another's cost, each once, none of them lost, and in no
//! more memory than before.
//!
//! `AFTERCALL_TEST_WAITING` says how many (`make drain N=40000`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that tells figures"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Place, Project, Receiver, Server, conversation, now, test_python};

const FUNCTION: &str = r#"
import requests


def end_function(conv):
    requests.post(f"{conv.state.crm}/notes", json={"mark": conv.id}, timeout=60).raise_for_status()
"#;
const PROJECTS: [&str; 2] = ["bank", "hospital"];
/// So many unless told otherwise.
const COUNT: usize = 400;
/// Handed in with one request.
const BATCH: usize = 500;
/// For each run, beside a minute for all: far more than it needs.
const PATIENCE: Duration = Duration::from_millis(300);
/// What the server may hold more than when all were waiting, KiB, and a share of that.
const MORE_KIB: u64 = 48 * 1024;

#[test]
fn what_waited_for_one_host_drains_once_each_and_fairly_in_bounded_memory() {
    let count = std::env::var("AFTERCALL_TEST_WAITING").map_or(COUNT, |count| count.parse().unwrap());
    let patience = Duration::from_secs(60) + PATIENCE * u32::try_from(count).unwrap();
    let (place, crm) = (Place::new(), Receiver::new());
    let server = place
        .server()
        .set("python", test_python().display())
        .set("gateway.allow", "127.0.0.0/8")
        .set("queue_limit", 10 * count)
        .start();
    crm.go_down();
    for project in PROJECTS {
        server.deploy(Project::of(FUNCTION).path(), project);
    }
    let state = json!({"crm": crm.url()});
    let began = now();
    let share = count / PROJECTS.len();
    for first in (0..share).step_by(BATCH) {
        for project in PROJECTS {
            let batch: Vec<_> = (first..share.min(first + BATCH))
                .map(|number| conversation(&format!("{project}-{number:06}"), &state))
                .collect();
            server.send_all(project, &batch);
        }
    }
    let sent = began.elapsed();
    wait(patience, "all of them wait", || {
        waiting(&server) == share * PROJECTS.len()
    });
    let waited = began.elapsed();
    let before = resident_kib(&server);
    crm.come_back();
    let (back, mut most) = (now(), before);
    wait(patience, "all of them are over", || {
        most = most.max(resident_kib(&server));
        server.get("/v1/status")["queue"]["unfinished"] == 0
    });
    let drained = back.elapsed();

    let works = crm.works();
    assert_eq!(works.len(), share * PROJECTS.len(), "lost");
    let twice: Vec<_> = works.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    let runs = server.runs("status=succeeded");
    assert_eq!(runs.len(), share * PROJECTS.len());
    assert!(
        runs.iter().all(|run| run["failures"] == 0),
        "waiting is no failure"
    );

    let attempts = |run: &Value| run["attempts"].as_u64().unwrap();
    let vain = runs.iter().map(attempts).sum::<u64>() - runs.len() as u64;
    let seen = crm.seen();
    let busiest = busiest_second(&seen.iter().map(|seen| seen.at).collect::<Vec<_>>());
    println!(
        "{} runs: handed in in {sent:.1?}, all waiting after {waited:.1?} and {vain} attempts in vain, drained in {drained:.1?}: {:.0} a second, \
         {busiest} in the busiest; \
         the server held {before} KiB while they waited and {most} KiB at most while they drained",
        works.len(),
        works.len() as f64 / drained.as_secs_f64(),
    );
    // Those that came due while it was tried whether the host is back go with the one that tried, and a machine that stood still for a
    // moment makes up for it; but never all at once.
    assert!(busiest < works.len() * 3 / 4, "{busiest} in one second");
    assert!(
        most <= before + before / 2 + MORE_KIB,
        "{before} KiB, then {most} KiB"
    );

    // Half-way both projects are half-way.
    let mut of_project: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for seen in &seen[..seen.len() / 2] {
        let mark = seen.mark();
        let (project, number) = mark.split_once('-').unwrap();
        let project = PROJECTS.iter().find(|name| **name == project).unwrap();
        of_project
            .entry(project)
            .or_default()
            .push(number.parse().unwrap());
    }
    for (project, numbers) in of_project {
        let half = seen.len() / 2 / PROJECTS.len();
        assert!(
            numbers.len() * 4 >= half * 3,
            "{project}: {} of {half}",
            numbers.len()
        );
    }
}

fn waiting(server: &Server<'_>) -> usize {
    let hosts = server.get("/v1/hosts");
    let counts = hosts["hosts"].as_array().unwrap().iter();
    counts
        .map(|host| usize::try_from(host["waiting"].as_u64().unwrap()).unwrap())
        .sum()
}

fn wait(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = now();
    while !is_so() {
        assert!(began.elapsed() < patience, "waited {patience:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn resident_kib(server: &Server<'_>) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The most that came within one second.
fn busiest_second(times: &[Instant]) -> usize {
    let within = |at: usize| {
        let from = times[at];
        times[at..]
            .iter()
            .take_while(|time| **time - from < Duration::from_secs(1))
            .count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}
