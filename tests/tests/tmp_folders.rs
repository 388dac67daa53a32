//! The folders that attempts write to: bounded as a whole, and gone with what made them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::{
    Place, Process, Project, Server, WAITING_PY, begin, conversation, run, tell, tree, until, waiting,
};

const PROJECT: &str = "tmp";

/// Writes many small files, or many bytes in files that are each within their limit, and leaves much behind.
const GREEDY: &str = r#"
import os
import time

from .waiting import until_told


def end_function(conv):
    if conv.state.bytes_mb:
        for number in range(conv.state.bytes_mb):
            with open(f"part-{number}", "wb") as part:
                part.write(b"x" * (1 << 20))
        time.sleep(30)
    if conv.state.files:
        for number in range(conv.state.files):
            open(f"empty-{number}", "wb").close()
        time.sleep(30)
    if conv.state.waits:
        open("mine", "wb").close()
        until_told()
    conv.state.kept = os.path.exists("mine")
"#;

fn greedy() -> Project {
    Project::files(&[
        ("functions/end_function.py", GREEDY),
        ("functions/waiting.py", WAITING_PY),
    ])
}

fn send(server: &Server<'_>, id: &str, state: &Value) -> String {
    let sent = server.send(PROJECT, &conversation(id, state)).expect(202).json();
    sent["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_attempt_that_fills_its_folder_is_ended_with_a_code_of_its_own_and_its_sibling_is_not() {
    let place = Place::new();
    let project = greedy();
    let setup = place
        .server()
        .set("attempts", 1)
        .set("limits.tmp_mb", 16)
        .set("concurrency", 4);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    let sibling = send(&server, "sibling", &json!({"waits": true}));
    let sibling_waits = waiting(&server, 1);
    let full = [
        (
            send(&server, "bytes", &json!({"bytes_mb": 200})),
            "more than 16 MiB",
        ),
        (
            send(&server, "files", &json!({"files": 20_000})),
            "more than 10000 files",
        ),
    ];
    for (run, how) in full {
        let detail = until("it is ended", || {
            let detail = server.run(&run);
            (detail["run"]["status"] == "failed").then_some(detail)
        });
        let attempt = &detail["attempts"][0];
        assert_eq!(attempt["code"], "AC0319", "{detail:#}");
        assert!(attempt["message"].as_str().unwrap().contains(how), "{detail:#}");
        println!("{how}: ended after {} ms", attempt["duration_ms"]);
    }
    tell(&sibling_waits);
    server.wait_until_done();
    let detail = server.run(&sibling);
    assert_eq!(detail["state_after"]["kept"], true, "{detail:#}");
    until("their folders are removed", || {
        place.attempt_folders().is_empty().then_some(())
    });
}

#[test]
fn a_stop_that_cuts_attempts_off_leaves_no_folder() {
    let place = Place::new();
    let project = greedy();
    let server = place.server().set("drain_s", 0).start();
    server.deploy(project.path(), PROJECT);
    send(&server, "cut-off", &json!({"waits": true}));
    let _cut_off = waiting(&server, 1);
    server.terminate();
    server.wait_until_ended();
    assert_eq!(left(place.tmp_root()), Vec::<PathBuf>::new());
}

#[test]
fn an_invoke_leaves_nothing_when_it_is_told_to_end_and_what_a_killed_one_left_the_next_removes() {
    let place = Place::new();
    let project = greedy();
    let document = place.path("waits.json");
    fs::write(
        &document,
        conversation("waits", &json!({"waits": true})).to_string(),
    )
    .unwrap();
    let tmp_root = format!("tmp_root={}", place.tmp_root().display());
    let arguments = |document: &PathBuf| {
        let (project, document) = (project.path().display(), document.display());
        [
            "invoke".to_owned(),
            project.to_string(),
            document.to_string(),
            "--set".to_owned(),
            tmp_root.clone(),
        ]
    };
    for (signal, leaves) in [(Signal::TERM, 0), (Signal::INT, 0), (Signal::KILL, 1)] {
        let mut invoke = begin(arguments(&document));
        let pid = i32::try_from(invoke.id()).unwrap();
        let usr1 = 10;
        until("its attempt waits", || {
            tree(pid).iter().any(|one| one.catches(usr1)).then_some(())
        });
        Process::find(pid).unwrap().signal(signal);
        invoke.wait().unwrap();
        assert_eq!(left(place.tmp_root()).len(), leaves, "{signal:?}");
    }
    let short = place.path("short.json");
    fs::write(&short, conversation("short", &json!({})).to_string()).unwrap();
    run(arguments(&short)).expect(0);
    assert_eq!(left(place.tmp_root()), Vec::<PathBuf>::new());
}

fn left(folder: &std::path::Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn a_server_that_cannot_listen_says_that_alone_and_leaves_nothing() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = place.server().set("listen", taken.local_addr().unwrap()).spawn();
    let status = server.wait_until_ended();
    assert_eq!(status.code(), Some(2), "{}", server.log_tail());
    let log = server.log_tail();
    assert!(log.contains("in use"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    assert_eq!(left(place.tmp_root()), Vec::<PathBuf>::new());
}

#[test]
fn a_server_has_one_launcher_and_has_written_it_down() {
    let place = Place::new();
    let server = place.server().start();
    let children = tree(server.pid())
        .into_iter()
        .filter(|one| one.parent == server.pid());
    let children: Vec<_> = children.map(|one| one.pid).collect();
    let file = fs::read(place.data().join("launcher.json")).unwrap();
    let mark: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(
        children.iter().map(|pid| json!(pid)).collect::<Vec<_>>(),
        [mark["pid"].clone()]
    );
}
