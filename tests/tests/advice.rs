//! What the command line says to a person beside its answer, of things that go wrong elsewhere than here.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use system_tests::{Ended, Project, run};

const FUNCTION: &str = "def end_function(conv):\n    conv.call_handoff('desk')\n";

/// Runs `aftercall`, a project's path for `PROJECT` and a conversation of its own for `CONVERSATION`.
fn on(project: &Project, arguments: &[&str]) -> Ended {
    project.write("call.json", br#"{"id": "1"}"#);
    let (folder, conversation) = (project.path(), project.path().join("call.json"));
    run(arguments.iter().map(|argument| match *argument {
        "PROJECT" => folder.as_os_str().to_owned(),
        "CONVERSATION" => conversation.as_os_str().to_owned(),
        other => other.into(),
    }))
}

#[test]
fn code_that_nothing_confines_is_said_to_be_so_to_people_alone() {
    let project = Project::of("def end_function(conv):\n    pass\n");
    let invoke = ["invoke", "PROJECT", "CONVERSATION"];
    let confined = on(&project, &invoke).expect(0);
    assert!(!confined.err.contains("warning"), "{confined:#?}");

    let off = ["--set", "confinement=off"];
    let open = on(&project, &[&invoke[..], &off].concat()).expect(0);
    let told: Vec<_> = open.err.lines().filter(|line| line.contains("confine")).collect();
    assert_eq!(
        told,
        ["warning: nothing confines the project's code: confinement is switched off"]
    );
    let json = on(&project, &[&invoke[..], &off, &["--json"]].concat()).expect(0);
    assert_eq!((json.lines().len(), json.err.as_str()), (1, ""), "{json:#?}");
}

#[test]
fn a_hand_over_is_held_against_the_destinations_that_are_configured() {
    let project = Project::of(FUNCTION);
    let found = |project: &Project| -> Value {
        let report = on(project, &["check", "PROJECT", "--json"]).expect(0).json();
        let one = &report["findings"][0];
        json!([one["level"], one["code"], one["line"]])
    };
    assert_eq!(found(&project), json!(["warning", "AC0254", 2]));
    let raises = on(&project, &["invoke", "PROJECT", "CONVERSATION"]).expect(1);
    assert!(raises.out.contains("MissingHandoff"), "{raises:#?}");

    project.write("config/handoffs.yaml", b"handoffs: [{name: desk}]\n");
    assert_eq!(found(&project), json!(["note", "AC0258", 2]));
    on(&project, &["invoke", "PROJECT", "CONVERSATION"]).expect(0);
}

#[test]
fn an_interpreter_is_named_in_a_way_that_every_command_knows() {
    let project = Project::of("def end_function(conv):\n    pass\n");
    let nowhere = on(
        &project,
        &["check", "PROJECT", "--set", "python=/nowhere/python3"],
    )
    .expect(2);
    assert!(
        nowhere.err.contains("`--set python=PATH`") && !nowhere.err.contains("--python"),
        "{nowhere:#?}"
    );
}

#[test]
fn a_text_that_is_no_projects_name_is_told_with_what_one_is() {
    let project = Project::of("def end_function(conv):\n    pass\n");
    let named = on(&project, &["deploy", "PROJECT", "--project", "X Y"]).expect(2);
    assert!(
        named.err.contains("lower-case letters, digits, '-' and '_'") && named.err.contains("write it so"),
        "{named:#?}"
    );
}
