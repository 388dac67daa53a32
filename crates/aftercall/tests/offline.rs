//! What can be done without a server.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Place, examples, settings};

#[test]
fn every_command_helps_with_examples() {
    let place = Place::new();
    let mut all = String::new();
    let mut left = vec![String::new()];
    while let Some(command) = left.pop() {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("-h");
        let help = place.run(&arguments).expect(0).out;
        let heading = if command.is_empty() {
            "Start here:"
        } else {
            "Examples:"
        };
        let examples = help.split_once(heading).map(|(_, examples)| examples);
        assert!(
            examples.is_some_and(|examples| examples.contains(&format!("aftercall {command}"))),
            "{command} has no example: {help}"
        );
        // The last is taken first.
        let further = subcommands(&help);
        left.extend(
            further
                .iter()
                .rev()
                .map(|name| format!("{command} {name}").trim().to_owned()),
        );
        all.push_str(&format!("\n$ aftercall {}\n{help}", arguments.join(" ")));
    }
    for deep in ["runs decide", "deployments promote", "resume"] {
        assert!(
            all.contains(&format!("\n$ aftercall {deep} -h\n")),
            "{deep} was not reached"
        );
    }
    settings().bind(|| insta::assert_snapshot!("help", all));
}

/// The commands that a help text lists, without `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // A description's further lines stand further to the right.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_example_runs_over_every_conversation() {
    let place = Place::new();
    let examples = examples();
    let mut files: Vec<String> = std::fs::read_dir(examples.join("conversations"))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    files.sort();
    for (project, failing) in [
        ("hello", &[][..]),
        ("support-desk", &[]),
        ("every-field", &[]),
        ("typed", &[]),
        ("demo", &["fails-once", "hangs", "raises"]),
    ] {
        let project = examples.join(project).display().to_string();
        let mut arguments = vec!["invoke", &project, "--json"];
        arguments.extend(files.iter().map(String::as_str));
        let said = place.run(&arguments).expect(i32::from(!failing.is_empty()));
        let outcomes = said.lines();
        assert!(outcomes.len() >= 26, "{}", outcomes.len());
        let mut failed: Vec<_> = outcomes
            .iter()
            .filter(|outcome| outcome["status"] != "succeeded")
            .map(|outcome| outcome["external_id"].as_str().unwrap())
            .collect();
        failed.sort_unstable();
        assert_eq!(failed, failing, "{project}");
    }
}

#[test]
fn an_outcome_holds_what_programs_need() {
    let place = Place::new();
    let project = place.write(
        "project.py",
        "def end_function(conv):\n    conv.log.info('hello', n=1)\n    print('out')\n    conv.write_metric('A', 1)\n    conv.state.x = conv.env\n    if conv.state.bad:\n        raise ValueError('no')\n",
    );
    let project = project.to_str().unwrap();
    let input = "{\"id\": \"good\", \"state\": {}}\n{\"id\": \"bad\", \"state\": {\"bad\": true}}\nrubbish\n";
    let said = place
        .run_with(&["invoke", project, "-", "--json", "--env", "live"], input)
        .expect(2);
    let outcomes = said.lines();
    for outcome in &outcomes {
        for key in [
            "conversation_id",
            "external_id",
            "status",
            "error",
            "state",
            "logs",
            "metrics",
            "actions",
            "duration_ms",
        ] {
            assert!(outcome.get(key).is_some(), "{key}: {outcome:#}");
        }
    }
    let [good, bad, rubbish] = &outcomes[..] else {
        panic!("{outcomes:#?}")
    };
    assert_eq!(good["status"], "succeeded");
    assert_eq!(
        (&good["conversation_id"], &good["external_id"]),
        (&"good".into(), &"good".into())
    );
    assert_eq!(good["state"]["x"], "live");
    assert_eq!(good["metrics"][0]["name"], "A");
    assert_eq!(good["logs"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&bad["status"], &bad["error"]["code"]),
        (&"failed".into(), &"AC0301".into())
    );
    assert_eq!(bad["error"]["exception"]["frames"][0]["file"], "project.py");
    assert_eq!(bad["error"]["exception"]["frames"][0]["line"], 7);
    assert_eq!(
        (&rubbish["status"], &rubbish["error"]["code"]),
        (&"refused".into(), &"AC0101".into())
    );
    place
        .run_with(&["invoke", project, "-", "--json"], input.lines().next().unwrap())
        .expect(0);
}

#[test]
fn a_project_that_cannot_be_used_is_told_with_file_line_and_fix() {
    let place = Place::new();
    let conversation = place.write("c.json", "{\"id\": \"1\"}");
    let conversation = conversation.to_str().unwrap();
    place.write(
        "syntax/functions/end_function.py",
        "import json\n\ndef end_function(conv:\n    pass\n",
    );
    let found = place.run(&["check", "syntax", "--json"]).expect(1).json();
    let [finding] = &found["findings"].as_array().unwrap()[..] else {
        panic!("{found:#}")
    };
    assert_eq!(
        (&finding["code"], &finding["file"], &finding["line"]),
        (&"AC0204".into(), &"functions/end_function.py".into(), &3.into())
    );
    place.run(&["invoke", "syntax", conversation]).expect(2);

    place.write("config/end_function.py", "def end_function(conv): pass\n");
    place.write("config/project.yaml", "aftercall:\n  atempts: 3\n");
    let said = place.run(&["check", "config"]).expect(1);
    assert!(
        said.err.contains("project.yaml:2") && said.err.contains("did you mean `attempts`?"),
        "{}",
        said.err
    );

    let said = place.run(&["check", "nowhere"]).expect(1);
    assert!(
        said.err.contains("AC0213") && said.err.contains("aftercall explain AC0213"),
        "{}",
        said.err
    );
    place.run(&["invoke", "nowhere", conversation]).expect(2);
    let said = place.run(&["invoke", "config", "nowhere.json"]).expect(2);
    assert!(said.err.contains("AC0802"), "{}", said.err);
}

#[test]
fn a_wrong_interpreter_is_told_and_never_replaced() {
    let place = Place::new();
    let project = place.write("p.py", "def end_function(conv): pass\n");
    let said = place
        .run(&[
            "check",
            project.to_str().unwrap(),
            "--set",
            "python=/nowhere/python3",
        ])
        .expect(2);
    assert!(
        said.err.contains("AC0212") && said.err.contains("/nowhere/python3"),
        "{}",
        said.err
    );
}

#[test]
fn settings_are_shown_with_who_said_so() {
    let place = Place::new();
    place.write("aftercall.toml", "attempts = 2\n\n[limits]\nmemory_mb = 512\n");
    let said = place
        .run(&[
            "config",
            "show",
            "--json",
            "--set",
            "deadline_s=9",
            "--key",
            "ac_secret",
        ])
        .expect(0);
    assert!(!said.out.contains("ac_secret"), "{}", said.out);
    let shown = said.json();
    let setting = |name: &str| {
        shown["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(setting("attempts")["value"], 2);
    assert!(
        setting("attempts")["origin"]["file"]
            .as_str()
            .unwrap()
            .ends_with("aftercall.toml:1")
    );
    assert!(
        setting("limits.memory_mb")["origin"]["file"]
            .as_str()
            .unwrap()
            .ends_with("aftercall.toml:4")
    );
    assert_eq!(setting("deadline_s")["origin"], "flag");
    assert_eq!(setting("grace_s")["origin"], "default");
    let said = place.run(&["config", "show", "--set", "atempts=9"]).expect(2);
    assert!(said.err.contains("did you mean attempts?"), "{}", said.err);
}

#[test]
fn without_a_server_the_way_to_one_is_told() {
    let place = Place::new();
    let said = place.run(&["runs", "list"]).expect(3);
    settings().bind(|| insta::assert_snapshot!("no_server", said.err));
    let https = [
        "status",
        "--server",
        "https://localhost:1",
        "--ca-file",
        "none.pem",
    ];
    let said = place.run(&https).expect(2);
    assert!(
        said.err.contains("AC0803") && said.err.contains("none.pem"),
        "{}",
        said.err
    );
}

#[test]
fn the_small_commands_answer() {
    let place = Place::new();
    let schema = place.run(&["schema", "conversation"]).expect(0).json();
    assert!(schema["properties"]["turns"].is_object(), "{schema:#}");
    for shell in ["bash", "zsh", "fish"] {
        let said = place.run(&["completion", shell]).expect(0);
        assert!(
            said.out.contains("deployments") && said.out.len() > 5_000,
            "{shell}"
        );
        let told = place.run(&["completion", shell, "--json"]).expect(0).json();
        assert_eq!(
            (&told["shell"], &told["script"]),
            (&json!(shell), &json!(said.out))
        );
    }
    let bridge = [
        "bridge",
        "--url",
        "https://calls.example.com",
        "--project",
        "front-desk",
    ];
    let said = place.run(&bridge).expect(0);
    let told = place.run(&[&bridge[..], &["--json"]].concat()).expect(0).json();
    let url = "https://calls.example.com/v1/conversations?project=front-desk";
    let expected = json!({
        "file": "functions/end_function.py", "url": url, "secret": "aftercall_key", "script": said.out,
    });
    assert_eq!(told, expected);
    assert!(said.out.contains(&format!("URL = {url:?}\n")), "{}", said.out);
    let version = place.run(&["version", "--json"]).expect(0).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(place.run(&["--version", "--json"]).expect(0).json(), version);
    let said = place.run(&["--version"]).expect(0);
    assert_eq!(said.out, concat!("aftercall ", env!("CARGO_PKG_VERSION"), "\n"));
    place.run(&["frobnicate"]).expect(2);
    let said = place.run(&["runs", "lst", "--json"]).expect(2);
    let told: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(told["error"]["code"], "AC0805", "{told}");
    assert_eq!(
        told["error"]["fix"], "a similar subcommand exists: 'list'",
        "{told}"
    );
    let said = place.run(&["runs", "show", "--json"]).expect(2);
    let told: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    let message = "the following required arguments were not provided: <RUN>";
    assert_eq!(told["error"]["message"], message, "{told}");
    place.run(&[]).expect(2);
}

#[test]
fn what_the_server_starts_of_this_program_is_offered_to_nobody() {
    let place = Place::new();
    let mut all = place.run(&["--json"]).expect(2).err;
    assert!(all.contains("completion"), "{all}");
    for shell in ["bash", "zsh", "fish"] {
        all.push_str(&place.run(&["completion", shell]).expect(0).out);
    }
    all.push_str(&place.run(&["launch", "--json"]).expect(2).err);
    all.push_str(&place.run(&["install"]).expect(2).err);
    for hidden in ["launcher", "installer"] {
        assert!(!all.contains(hidden), "{hidden}");
    }
}

#[test]
fn answers_are_plain_text_unless_somebody_watches() {
    let place = Place::new();
    let said = place.run(&["config", "show"]).expect(0);
    assert!(!said.out.contains('\u{1b}'), "no colours into a pipe");
    let said = place.run(&["runs", "list"]).expect(3);
    assert!(!said.err.contains('\u{1b}'), "{}", said.err);
}
