//! What somebody meets first: `init`, `stubs`, `check`.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::{Place, examples, settings};

#[test]
fn a_new_project_runs_at_once_and_is_never_overwritten() {
    let place = Place::new();
    place.run(&["init", "desk"]).expect(0);
    let conversations =
        ["call_back", "hung_up", "resolved"].map(|name| format!("desk/conversations/{name}.json"));
    let mut arguments = vec!["invoke", "desk"];
    arguments.extend(conversations.iter().map(String::as_str));
    let said = place.run(&arguments).expect(0);
    assert!(said.err.contains("3 succeeded"), "{}", said.err);
    settings().bind(|| insta::assert_snapshot!("invoke", said.out));
    let said = place.run(&["check", "desk"]).expect(0);
    assert!(said.out.contains("nothing wrong was found"), "{}", said.out);
    assert!(said.out.contains("4 files"), "no tests, no stubs: {}", said.out);
    place.run(&["stubs", "desk", "--check"]).expect(0);
    place.write("desk/functions/end_function.py", "# mine");
    let said = place.run(&["init", "desk"]).expect(2);
    assert!(
        said.err.contains("AC0804") && said.err.contains("nothing was written"),
        "{}",
        said.err
    );
    assert_eq!(
        fs::read_to_string(place.path("desk/functions/end_function.py")).unwrap(),
        "# mine"
    );
}

#[test]
fn a_new_project_may_be_here() {
    let place = Place::new();
    fs::create_dir(place.path("here")).unwrap();
    let mut command = place.command(&["init"]);
    assert!(
        command
            .current_dir(place.path("here"))
            .output()
            .unwrap()
            .status
            .success()
    );
    place.run(&["check", "here"]).expect(0);
}

/// A project as the ADK lays it out, with all that it has beside what a run needs.
fn adk(place: &Place) {
    for (name, text) in [
        ("project.yaml", "region: uk-1\naccount_id: acme\n"),
        ("_gen/__init__.py", "raise RuntimeError\n"),
        ("_gen/sms.py", "raise RuntimeError\n"),
        (
            "functions/start_function.py",
            "from _gen import *\n\ndef start_function(conv):\n    nonsense\n",
        ),
        ("functions/prices.json", "{}\n"),
        (
            "functions/end_function.py",
            "from _gen import *  # <AUTO GENERATED>\nfrom shared.words import WORDS\n\ndef end_function(conv: Conversation):\n    conv.say(WORDS)\n    if conv.state.crm:\n        conv.api.crm.create_ticket(json={})\n        conv.utils.get_secret(\"crm_key\")\n        conv.fluxes\n",
        ),
        ("shared/words.py", "WORDS = 'bye'\n"),
        ("shared/unused.py", "import nothing_of_that_name\n"),
        (
            "flows/refunds/functions/policy.py",
            "def policy(conv, flow): ...\n",
        ),
        ("flows/refunds/flow_config.yaml", "name: refunds\n"),
        ("config/handoffs.yaml", "handoffs: []\n"),
        ("topics/hours.yaml", "name: hours\n"),
        ("topics/prices.yaml", "name: prices\n"),
        (".git/config", "[core]\n"),
    ] {
        place.write(&format!("adk/{name}"), text);
    }
}

#[test]
fn a_project_of_the_adk_is_taken_over_with_a_report() {
    let place = Place::new();
    adk(&place);
    let report = place
        .run(&["init", "--from", "adk", "desk", "--json"])
        .expect(0)
        .json();
    let files: BTreeSet<_> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file.as_str().unwrap())
        .filter(|file| !file.starts_with("typings/") && !file.starts_with("conversations/"))
        .collect();
    let expected = [
        ".aftercallignore",
        "README.md",
        "config/handoffs.yaml",
        "flows/refunds/functions/policy.py",
        "functions/end_function.py",
        "functions/prices.json",
        "functions/start_function.py",
        "project.yaml",
        "pyproject.toml",
        "shared/words.py",
        "tests/test_end_function.py",
    ];
    assert_eq!(files, BTreeSet::from(expected));
    assert_eq!(
        report["left_out"],
        json!({"_gen": 2, "flows": 1, "shared": 1, "topics": 2})
    );
    assert_eq!(
        report["needs"]["secrets"],
        json!({"crm_key": "functions/end_function.py:8"})
    );
    assert_eq!(
        report["needs"]["apis"],
        json!({"crm.create_ticket": "functions/end_function.py:7"})
    );
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["level"].as_str().unwrap(),
                one["code"].as_str().unwrap(),
                one["line"].clone(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("note", "AC0258", Value::from(5)),
            ("warning", "AC0251", Value::from(9))
        ]
    );
    place
        .run(&[
            "invoke",
            "desk",
            "desk/conversations/resolved.json",
            "desk/conversations/hung_up.json",
        ])
        .expect(0);
    let config = fs::read_to_string(place.path("desk/project.yaml")).unwrap();
    assert!(
        config.starts_with("region: uk-1\n") && config.contains("name: desk"),
        "{config}"
    );
    let test = fs::read_to_string(place.path("desk/tests/test_end_function.py")).unwrap();
    assert!(
        test.contains("\"crm_key\"") && test.contains("\"crm.create_ticket\""),
        "{test}"
    );
}

#[test]
fn taking_over_loses_nothing() {
    let place = Place::new();
    adk(&place);
    place.write("desk/README.md", "mine");
    let said = place.run(&["init", "--from", "adk", "desk"]).expect(2);
    assert!(
        said.err.contains("desk/README.md is there already"),
        "{}",
        said.err
    );
    assert_eq!(
        fs::read_dir(place.path("desk")).unwrap().count(),
        1,
        "nothing was written"
    );
    let said = place.run(&["init", "--from", "adk", "adk/new"]).expect(2);
    assert!(
        said.err.contains("AC0804") && !place.path("adk/new").exists(),
        "{}",
        said.err
    );
    let said = place.run(&["init", "--from", "nowhere", "new"]).expect(2);
    assert!(said.err.contains("AC0213"), "{}", said.err);
    fs::remove_file(place.path("adk/functions/end_function.py")).unwrap();
    let said = place.run(&["init", "--from", "adk", "other"]).expect(0);
    assert!(said.out.contains("it had no end function"), "{}", said.out);
    place.run(&["check", "other"]).expect(0);
    fs::remove_dir_all(place.path("adk/functions")).unwrap();
}

#[test]
fn stubs_are_renewed_and_nobody_elses_file_is_touched() {
    let place = Place::new();
    place.write("p/functions/end_function.py", "def end_function(conv): ...\n");
    place.write("p/_gen/__init__.py", "# the ADK's\n");
    place.write("p/utils/dates.py", "");
    place.run(&["stubs", "p", "--check"]).expect(1);
    place.run(&["stubs", "p"]).expect(0);
    place.run(&["stubs", "p", "--check"]).expect(0);
    assert!(place.path("p/typings/_gen/conversation.pyi").exists());
    assert!(
        !place.path("p/typings/utils").exists(),
        "they would hide the project's own"
    );
    assert_eq!(
        fs::read_to_string(place.path("p/_gen/__init__.py")).unwrap(),
        "# the ADK's\n"
    );
    let head = "# Generated from Aftercall's runtime of an older version\n";
    place.write("p/typings/_gen/log.pyi", head);
    place.write("p/typings/_gen/long_gone.pyi", head);
    place.write("p/typings/_gen/mine.pyi", "x: int\n");
    let stale = place.run(&["stubs", "p", "--check", "--json"]).expect(1).json();
    assert_eq!(stale["stale"].as_array().unwrap().len(), 2, "{stale:#}");
    place.run(&["stubs", "p"]).expect(0);
    assert!(!place.path("p/typings/_gen/long_gone.pyi").exists());
    assert!(place.path("p/typings/_gen/mine.pyi").exists());
    place.write("p/typings/plog.pyi", "x: int\n");
    let said = place.run(&["stubs", "p"]).expect(2);
    assert!(said.err.contains("AC0804"), "{}", said.err);
    place.run(&["stubs", "nowhere"]).expect(2);
}

#[test]
fn a_check_tells_all_at_once_and_the_import_is_the_judge() {
    let place = Place::new();
    let code = "import requests_of_nobody\nimport time\nNOW = time.time()\n\ndef end_function(conv):\n    conv.say('x')\n    conv.wrte_metric('A')\n    undefined_name\n";
    place.write("p/functions/end_function.py", code);
    let said = place.run(&["check", "p"]).expect(1);
    settings().bind(|| insta::assert_snapshot!("check", said.out));
    // As it stands, the look alone would say that it cannot be imported.
    place.write(
        "p/functions/end_function.py",
        &code.replacen(
            "import requests_of_nobody",
            "import sys; sys.modules['made'] = sys\nimport made",
            1,
        ),
    );
    let found = place.run(&["check", "p", "--json"]).expect(1).json();
    let codes: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    // What fiddles with modules may define any name: nothing is said of names then.
    assert_eq!(codes, ["AC0250", "AC0258", "AC0251"], "{found:#}");
    assert_eq!(found["findings"][2]["page"], "docs/errors/AC0251.md");
    assert!(found["python"].is_string() && found["needs"].is_object());
}

#[test]
fn what_only_an_import_can_tell_is_told_too() {
    let place = Place::new();
    place.write(
        "p.py",
        "import json\nVALUE = json.loads('{')\ndef end_function(conv): ...\n",
    );
    let said = place.run(&["check", "p.py"]).expect(1);
    for part in [
        "error AC0203 p.py:2",
        "JSONDecodeError",
        "it cannot be deployed: 1 error",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    place.write(
        "p.py",
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://x.example/')\nexcept Exception:\n    pass\ndef end_function(conv): ...\n",
    );
    let said = place.run(&["check", "p.py"]).expect(0);
    assert_eq!(said.out.matches("AC0205 p.py:3").count(), 1, "{}", said.out);
    assert!(
        said.out.contains("it can be deployed, with 1 warning"),
        "{}",
        said.out
    );
}

/// What `check` says is refused is refused: each of its errors fails at run time.
#[test]
fn what_is_said_to_fail_fails() {
    let place = Place::new();
    let conversation = place.write("c.json", "{\"id\": \"1\"}");
    for (first, line) in [
        ("import subprocess", "subprocess.run(['true'])"),
        ("import os", "os.fork()"),
        ("import socket", "socket.create_connection(('127.0.0.1', 9))"),
        ("import socket", "socket.socket()"),
        ("import smtplib", "smtplib.SMTP('127.0.0.1')"),
        ("import os", "os.makedirs('/tmp/aftercall-made')"),
        (
            "from pathlib import Path",
            "Path('/tmp/aftercall-made').write_text('x')",
        ),
        ("", "open('/tmp/aftercall-made', 'w')"),
        ("", "conv.functions.nowhere()"),
        ("", "conv.write_metric('A', 1, True)"),
        ("", "conv.id()"),
        ("", "conv.log.critical('x')"),
        ("", "conv.metrics_queue = []"),
        ("import plog", "plog.fatal('x')"),
        ("", "nobody_defined_this"),
    ] {
        let code = format!("{first}\ndef end_function(conv):\n    {line}\n");
        let project = place.write("p.py", &code);
        let project = project.to_str().unwrap();
        let said = place.run(&["check", project]).expect(1);
        assert!(
            said.out.contains("p.py:3") && said.out.contains("it would fail: 1 error"),
            "{line}: {}",
            said.out
        );
        let outcome = place.run(&["invoke", project, conversation.to_str().unwrap(), "--json"]);
        assert_eq!(outcome.expect(1).lines()[0]["status"], "failed", "{line}");
    }
}

#[test]
fn nothing_is_found_in_the_examples() {
    let place = Place::new();
    for example in ["hello", "support-desk", "every-field", "typed", "demo"] {
        let project = examples().join(example);
        let said = place.run(&["check", project.to_str().unwrap()]).expect(0);
        assert!(
            said.out.contains("nothing wrong was found"),
            "{example}: {}",
            said.out
        );
    }
}
