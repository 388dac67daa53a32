//! A server, and every command that asks it.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;
use support::{Place, examples, settings};

/// Runs end at once, or fail twice within moments.
const QUICK: [&str; 8] = [
    "--set",
    "attempts=2",
    "--set",
    "backoff.base_s=0",
    "--set",
    "drain_s=5",
    "--set",
    "deadline_s=20",
];
const PROJECT: &str = "import time\n\ndef end_function(conv):\n    conv.log.info('running', attempt=conv.run.attempt)\n    if conv.state.wait:\n        time.sleep(conv.state.wait)\n    if conv.state.bad:\n        raise ValueError('state says bad')\n    conv.write_metric('TURNS', len(conv.history))\n    conv.state.done = True\n";

fn with_project(place: &Place) {
    place.write("desk/functions/end_function.py", PROJECT);
    place.run(&["deploy", "desk", "--message", "first"]).expect(0);
}

#[test]
fn deploy_tells_what_would_fail_at_run_time_and_refuses_nothing() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    place.write(
        "desk/functions/end_function.py",
        "def end_function(conv):\n    if conv.state.bad:\n        conv.no_such_thing()\n",
    );
    let said = place.run(&["deploy", "desk"]).expect(0);
    assert!(
        said.err.contains("functions/end_function.py:3") && said.err.contains("no_such_thing"),
        "{}",
        said.err
    );
    let again = place.run(&["deploy", "desk", "--json"]).expect(0).json();
    assert_eq!(again["findings"][0]["line"], 3, "{again}");
}

fn is_over(runs: &Value, count: usize) -> bool {
    let runs = runs["runs"].as_array().unwrap();
    runs.len() == count
        && runs
            .iter()
            .all(|run| ["succeeded", "failed", "cancelled"].contains(&run["status"].as_str().unwrap()))
}

#[test]
fn conversations_go_in_and_their_runs_are_told() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    with_project(&place);
    place.write("one.json", "{\n  \"id\": \"one\",\n  \"channel\": \"voice\",\n  \"turns\": [{\"role\": \"user\", \"text\": \"hi\"}]\n}\n");
    place.write(
        "more.ndjson",
        "{\"id\": \"two\", \"state\": {\"bad\": true}}\nrubbish\n{\"id\": \"three\"}\n",
    );
    let said = place
        .run(&["send", "one.json", "more.ndjson", "--report", "report.ndjson"])
        .expect(1);
    settings().bind(|| insta::assert_snapshot!("send", said.out));
    let report: Vec<Value> = fs::read_to_string(place.path("report.ndjson"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let statuses: Vec<_> = report
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(statuses, [(1, 202), (1, 202), (2, 400), (3, 202)]);

    let said = place
        .run(&[
            "send",
            "one.json",
            "more.ndjson",
            "--report",
            "report.ndjson",
            "--resume",
        ])
        .expect(1);
    assert!(
        said.out.contains("1 sent") && said.out.contains("3 left out"),
        "{}",
        said.out
    );
    let said = place.run(&["send", "one.json", "--json"]).expect(0);
    assert_eq!(said.lines()[0]["status"], 200, "known already");

    let runs = place.until(&["runs", "list", "--json"], |runs| is_over(runs, 3));
    let said = place.run(&["runs", "list"]).expect(0);
    settings().bind(|| insta::assert_snapshot!("runs_list", said.out));
    let only = place
        .run(&["runs", "list", "--status", "failed", "--json"])
        .expect(0)
        .json();
    assert_eq!(only["runs"].as_array().unwrap().len(), 1);
    let failed = only["runs"][0]["run_id"].as_str().unwrap().to_owned();
    let said = place.run(&["runs", "show", &failed]).expect(1);
    settings().bind(|| insta::assert_snapshot!("runs_show_failed", said.out));
    let logs = place
        .run(&["runs", "logs", &failed, "--attempt", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!(logs["logs"][0]["content"], "running");

    let succeeded = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["external_id"] == "one")
        .unwrap();
    let said = place
        .run(&["runs", "show", succeeded["run_id"].as_str().unwrap()])
        .expect(0);
    assert!(
        said.out.contains("+ done = true") && said.out.contains("TURNS  1"),
        "{}",
        said.out
    );
    let said = place.run(&["conversations", "show", "one"]).expect(0);
    settings().bind(|| insta::assert_snapshot!("conversations_show", said.out));
    let document = place
        .run(&["conversations", "show", "one", "--document"])
        .expect(0)
        .json();
    assert_eq!(document["turns"][0]["text"], "hi");
    place
        .run(&["runs", "show", "01a20fa1-8e73-726e-8fe8-38e7c424b372"])
        .expect(1);
}

#[test]
fn what_failed_is_retried_on_a_repaired_deployment() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    with_project(&place);
    place
        .run_with(&["send", "-"], "{\"id\": \"two\", \"state\": {\"bad\": true}}")
        .expect(0);
    let runs = place.until(&["runs", "list", "--json"], |runs| is_over(runs, 1));
    let run = runs["runs"][0]["run_id"].as_str().unwrap();
    assert_eq!(runs["runs"][0]["attempts"], 2);

    place.write(
        "desk/functions/end_function.py",
        &PROJECT.replace("raise ValueError('state says bad')", "pass"),
    );
    let new = place
        .run(&[
            "deploy",
            "desk",
            "--message",
            "repaired",
            "--to",
            "live",
            "--json",
        ])
        .expect(0)
        .json();
    let id = new["deployment"]["id"].as_str().unwrap();
    place
        .run(&["runs", "retry", run, "--deployment", &id[..10]])
        .expect(0);
    let over = place.until(&["runs", "list", "--json"], |runs| is_over(runs, 1));
    assert_eq!(
        (&over["runs"][0]["status"], &over["runs"][0]["attempts"]),
        (&"succeeded".into(), &3.into())
    );
    let said = place.run(&["runs", "retry", run, "--deployment", "zzzz"]);
    assert_ne!(said.code, 0, "{}", said.out);

    let said = place.run(&["deployments", "list"]).expect(0);
    settings().bind(|| insta::assert_snapshot!("deployments_list", said.out));
    let all = place.run(&["deployments", "list", "--json"]).expect(0).json();
    let old = all["deployments"][1]["id"].as_str().unwrap();
    let said = place
        .run(&["deployments", "promote", &old[..8], "--to", "live"])
        .expect(0);
    assert!(said.out.contains("in place of"), "{}", said.out);
    assert!(
        place
            .run(&["deployments", "show", old])
            .expect(0)
            .out
            .contains("live")
    );
}

#[test]
fn a_running_attempt_is_cancelled() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    with_project(&place);
    place
        .run_with(&["send", "-"], "{\"id\": \"slow\", \"state\": {\"wait\": 15}}")
        .expect(0);
    let runs = place.until(&["runs", "list", "--json"], |runs| {
        runs["runs"][0]["status"] == "running"
    });
    let run = runs["runs"][0]["run_id"].as_str().unwrap();
    place.run(&["runs", "cancel", run]).expect(0);
    let over = place.run(&["runs", "list", "--json"]).expect(0).json();
    assert_eq!(over["runs"][0]["status"], "cancelled");
    place.until(&["status", "--json"], |status| status["runner"]["running"] == 0);
    let said = place.run(&["runs", "cancel", run]).expect(1);
    assert!(said.err.contains("AC0706"), "{}", said.err);
}

#[test]
fn a_key_opens_what_it_is_for() {
    let place = Place::new();
    let server = place.serve(&QUICK);
    with_project(&place);
    let data = place.path(".local/share/aftercall");
    let first = data.join("first-admin-key");
    assert_eq!(first.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let admin = fs::read_to_string(&first).unwrap().trim().to_owned();
    let address = server.address();
    let remote = |key: &str, arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--server", &address, "--key", key]);
        place.run(&all)
    };
    remote(&admin, &["keys", "list"]).expect(0);
    let made = remote(
        &admin,
        &[
            "keys",
            "create",
            "phones",
            "--env",
            "sandbox",
            "--project",
            "desk",
            "--json",
        ],
    )
    .expect(0)
    .json();
    let key = made["secret"].as_str().unwrap();
    remote(key, &["runs", "list"]).expect(0);
    let said = remote(key, &["keys", "list"]).expect(2);
    assert!(said.err.contains("AC0703"), "{}", said.err);
    let said = remote("ac_nothing", &["runs", "list"]).expect(2);
    assert!(said.err.contains("AC0702"), "{}", said.err);
    let said = place.run(&["runs", "list", "--server", &address]).expect(2);
    assert!(said.err.contains("AC0701"), "{}", said.err);
    remote(&admin, &["keys", "revoke", made["key"]["id"].as_str().unwrap()]).expect(0);
    remote(key, &["runs", "list"]).expect(2);
    let shown = remote(&admin, &["config", "show", "--running", "--json"]).expect(0);
    assert!(
        shown.out.contains("attempts") && !shown.out.contains(&admin),
        "{}",
        shown.out
    );
}

#[test]
fn a_stop_waits_for_what_runs_and_a_start_goes_on() {
    let place = Place::new();
    let in_its_own = [&QUICK[..], &["--set", "tmp_root=tmp"]].concat();
    fs::create_dir(place.path("tmp")).unwrap();
    let server = place.serve(&in_its_own);
    with_project(&place);
    place
        .run_with(&["send", "-"], "{\"id\": \"slow\", \"state\": {\"wait\": 1}}")
        .expect(0);
    place.until(&["runs", "list", "--json"], |runs| {
        runs["runs"][0]["status"] == "running"
    });
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]).expect(2);
    assert!(said.err.contains("AC0601"), "{}", said.err);
    server.signal("-TERM");
    let (code, took) = server.end();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(
        fs::read_dir(place.path("tmp")).unwrap().count(),
        0,
        "nothing of its attempts is left"
    );
    let server = place.serve(&QUICK);
    let runs = place.run(&["runs", "list", "--json"]).expect(0).json();
    assert_eq!(
        (&runs["runs"][0]["status"], &runs["runs"][0]["attempts"]),
        (&"succeeded".into(), &1.into())
    );
    place
        .run_with(&["send", "-"], "{\"id\": \"slower\", \"state\": {\"wait\": 18}}")
        .expect(0);
    // One that has no process yet would be given back at once.
    place.until(&["status", "--json"], |status| {
        status["runner"]["zygotes"][0]["children"] == 1
    });
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("-TERM");
    let (code, took) = server.end();
    assert_eq!(code, Some(130), "the second signal ends it at once");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_broken_project_is_refused_and_the_old_one_stays() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    with_project(&place);
    place.write(
        "desk/functions/end_function.py",
        "import nothing_of_the_kind\n\ndef end_function(conv):\n    pass\n",
    );
    let unpacked = || {
        let deployments = place.path(".local/share/aftercall/deployments");
        let names = fs::read_dir(deployments).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = unpacked();
    let said = place.run(&["deploy", "desk"]).expect(1);
    assert_eq!(unpacked(), before, "nothing of it is left");
    assert!(
        said.err.contains("AC0203") && said.err.contains("functions/end_function.py:1"),
        "{}",
        said.err
    );
    let all = place.run(&["deployments", "list", "--json"]).expect(0).json();
    let all = all["deployments"].as_array().unwrap();
    assert_eq!((all.len(), &all[0]["active_in"][0]), (1, &"sandbox".into()));
    let said = place.run(&["status"]).expect(0);
    assert!(
        said.out.contains("well") && said.out.contains("desk"),
        "{}",
        said.out
    );
}

#[test]
fn all_example_conversations_go_through_the_demo_project() {
    let place = Place::new();
    let _server = place.serve(&[]);
    let examples = examples();
    let demo = examples.join("demo").display().to_string();
    place.run(&["deploy", &demo]).expect(0);
    let mut files: Vec<String> = fs::read_dir(examples.join("conversations"))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    files.sort();
    let mut arguments = vec!["send"];
    arguments.extend(files.iter().map(String::as_str));
    place.run(&arguments).expect(0);
    let list = ["runs", "list", "--json", "--limit", "100"];
    let runs = place.until(&list, |runs| is_over(runs, 26));
    for run in runs["runs"].as_array().unwrap() {
        let (status, attempts) = match run["external_id"].as_str().unwrap() {
            "raises" | "hangs" => ("failed", 3),
            "fails-once" => ("succeeded", 2),
            _ => ("succeeded", 1),
        };
        assert_eq!(
            (&run["status"], &run["attempts"]),
            (&status.into(), &attempts.into()),
            "{run:#}"
        );
    }
}

#[test]
fn a_data_folder_whose_keys_are_gone_is_not_served() {
    let place = Place::new();
    place.write("one.json", "{\"id\": \"one\"}");
    let server = place.serve(&QUICK);
    with_project(&place);
    place.run(&["send", "one.json"]).expect(0);
    server.signal("-TERM");
    server.end();
    let data = place.path(".local/share/aftercall");
    let kept = fs::read(data.join("keys.db")).unwrap();
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let _ = fs::remove_file(data.join(name));
    }
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]).expect(2);
    for told in ["AC0606", "keys.db is missing", "put keys.db back from its backup"] {
        assert!(said.err.contains(told), "{}", said.err);
    }
    assert!(!data.join("keys.db").exists(), "no new keys are made");
    fs::write(data.join("keys.db"), kept).unwrap();
    let _server = place.serve(&QUICK);
    let told = place
        .run(&["conversations", "show", "one", "--json"])
        .expect(0)
        .json();
    let own = told["conversation_id"].as_str().unwrap();
    assert_eq!(
        place
            .run(&["conversations", "show", own, "--json"])
            .expect(0)
            .json(),
        told
    );
}
