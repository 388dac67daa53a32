//! What is damaged on the disk costs no run its attempts, and is mended.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::{Place, Project, Server, WAITING_PY, conversation, tell, test_python, until, waiting};

const PROJECT: &str = "damage";
const FUNCTION: &str = "def end_function(conv):\n    conv.log.info('whole')\n";

/// The only folder there.
fn only(folder: &Path) -> PathBuf {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    let [one] = &folders[..] else {
        panic!("{folders:?}")
    };
    one.clone()
}

/// Ends the launcher, and with it every zygote: the next attempt needs a new one.
fn end_zygotes(server: &Server<'_>) {
    for process in server.processes() {
        process.signal(Signal::KILL);
    }
    until("the zygotes are gone", || {
        server.processes().is_empty().then_some(())
    });
}

fn send(server: &Server<'_>, id: &str) -> String {
    let sent = server
        .send(PROJECT, &conversation(id, &json!({})))
        .expect(202)
        .json();
    sent["run_id"].as_str().unwrap().to_owned()
}

/// The run once it has met its second fault: it was attempted, and that is not held against it.
fn held_up(server: &Server<'_>, run: &str) -> Value {
    let detail = until("the run was attempted twice", || {
        let detail = server.run(run);
        let ended = detail["attempts"].as_array().unwrap().iter();
        (ended.filter(|one| !one["ended_at"].is_null()).count() >= 2).then_some(detail)
    });
    assert_eq!(detail["run"]["failures"], 0, "{detail:#}");
    assert_eq!(detail["run"]["last_error"], detail["attempts"][0]["code"]);
    detail
}

/// The server's log says so: nobody looks at each run.
fn told(server: &Server<'_>, what: &str, code: &str) {
    let log = server.log_tail();
    let is_told = log.lines().any(|line| line.contains(what) && line.contains(code));
    assert!(is_told, "{log}");
}

#[test]
fn a_damaged_runtime_costs_no_attempt_and_is_mended_by_the_next_start() {
    let place = Place::new();
    let project = Project::of(FUNCTION);
    // Were these faults failures, two of them would make a dead letter.
    let setup = place.server().set("attempts", 2).set("backoff.base_s", 0);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    let runtime = only(&place.data().join("runtimes"));
    let file = runtime.join("aftercall/_runtime/zygote.py");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    end_zygotes(&server);
    let run = send(&server, "damaged-runtime");
    let detail = held_up(&server, &run);
    let first = &detail["attempts"][0];
    assert_eq!(first["code"], "AC0311", "{detail:#}");
    let message = first["message"].as_str().unwrap();
    assert!(message.contains("_runtime/zygote.py is changed"), "{message}");
    server.terminate();
    server.wait_until_ended();

    let server = setup.start();
    assert_eq!(fs::read(&file).unwrap(), whole);
    server.wait_until_done();
    assert_eq!(server.run(&run)["run"]["status"], "succeeded");
}

#[test]
fn a_damaged_deployment_costs_no_attempt_and_is_mended_by_deploying_it_again() {
    let place = Place::new();
    let project = Project::of(FUNCTION);
    let setup = place.server().set("attempts", 2).set("backoff.base_s", 0);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    server.terminate();
    server.wait_until_ended();
    let file = only(&place.data().join("deployments")).join("functions/end_function.py");
    fs::write(&file, FUNCTION.replace("whole", "other")).unwrap();

    let server = setup.start();
    let run = send(&server, "damaged-deployment");
    let detail = held_up(&server, &run);
    assert_eq!(detail["attempts"][0]["code"], "AC0210", "{detail:#}");
    told(&server, "beginning the runs of a deployment failed", "AC0210");
    let told_now = server.get("/v1/status")["runner"]["cannot_begin"].clone();
    assert_eq!(told_now[0]["code"], "AC0210", "{told_now:#}");
    assert_eq!(told_now[0]["project"], PROJECT, "{told_now:#}");
    assert_eq!(told_now[0]["environment"], "sandbox", "{told_now:#}");
    server.deploy(project.path(), PROJECT);
    assert_eq!(fs::read_to_string(&file).unwrap(), FUNCTION);
    server.wait_until_done();
    let detail = server.run(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let last = detail["attempts"].as_array().unwrap().last().unwrap();
    assert_eq!(last["logs"][0]["content"], "whole", "{detail:#}");
    told(&server, "beginning the runs of a deployment works again", "");
    assert_eq!(server.get("/v1/status")["runner"]["cannot_begin"], json!([]));
}

/// Puts nothing in the place of every conversation's key.
const DAMAGE_KEYS: &str = "import sqlite3, sys\n\
    with sqlite3.connect(sys.argv[1]) as keys:\n    \
    assert keys.execute(\"UPDATE conversation_key SET wrapped = x'00'\").rowcount == 1\n";

#[test]
fn a_key_that_is_damaged_while_its_attempt_runs_costs_that_run_its_attempts_and_nobody_else() {
    let place = Place::new();
    let function = "from .waiting import until_told\n\n\ndef end_function(conv):\n    if conv.state.waits:\n        until_told()\n";
    let project = Project::files(&[
        ("functions/end_function.py", function),
        ("functions/waiting.py", WAITING_PY),
    ]);
    let setup = place.server().set("attempts", 2).set("backoff.base_s", 0);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    server
        .send(PROJECT, &conversation("damaged-key", &json!({"waits": true})))
        .expect(202);
    let attempt = waiting(&server, 1);
    let damaged = Command::new(test_python())
        .args(["-c", DAMAGE_KEYS])
        .arg(place.data().join("keys.db"))
        .status();
    assert!(damaged.unwrap().success());
    tell(&attempt);
    let status = until("the run is a dead letter", || {
        let status = server.get("/v1/status");
        (status["queue"]["runs"]["failed"] == 1).then_some(status)
    });
    assert_eq!(
        (&status["runner"]["running"], &status["store"]["stranded"]),
        (&json!(0), &json!([])),
        "{status:#}"
    );
    told(&server, "what an attempt left cannot be kept", "");
    let next = server.send_all(PROJECT, &[conversation("next", &json!({}))]);
    assert_eq!(server.finished(&next[0])["run"]["status"], "succeeded");
}
