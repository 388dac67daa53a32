//! What people are told, of whatever others wrote and of whatever they did themselves.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::Place;

/// Runs end at once, or fail twice within moments.
const QUICK: [&str; 4] = ["--set", "attempts=2", "--set", "backoff.base_s=0"];
const OVER: [&str; 3] = ["succeeded", "failed", "cancelled"];

fn is_over(runs: &Value) -> bool {
    let status = |run: &Value| OVER.contains(&run["status"].as_str().unwrap());
    runs["runs"]
        .as_array()
        .is_some_and(|runs| !runs.is_empty() && runs.iter().all(status))
}

#[test]
fn no_id_or_text_of_others_hides_or_turns_what_is_read() {
    const HIDING: [char; 5] = ['\u{202e}', '\u{2028}', '\u{200b}', '\u{feff}', '\u{200d}'];
    let place = Place::new();
    let _server = place.serve(&QUICK);
    place.write(
        "desk/functions/end_function.py",
        "def end_function(conv):\n    conv.log.info(conv.id)\n    conv.write_metric('ID', conv.id)\n    conv.state[conv.id] = conv.id\n    raise ValueError(conv.id)\n",
    );
    place.run(&["deploy", "desk"]).expect(0);
    let id = format!("{}id", HIDING.iter().collect::<String>());
    let shown = "\\u{202e}\\u{2028}\\u{200b}\\u{feff}\\u{200d}id";
    let document = serde_json::json!({ "id": id, "caller_number": id, "state": { &*id: id }, "turns": [{ "role": "user", "text": id }] });
    place.write("one.json", &document.to_string());
    place.run(&["send", "one.json"]).expect(0);
    let runs = place.until(&["runs", "list", "--json"], is_over);
    assert_eq!(runs["runs"][0]["external_id"], id, "programs have it as it is");
    let run = runs["runs"][0]["run_id"].as_str().unwrap();
    for (command, code) in [
        (&["runs", "list"][..], 0),
        (&["runs", "show", run], 1),
        (&["runs", "show", run, "--html", "-"], 1),
        (&["runs", "logs", run], 0),
        (&["conversations", "show", &id], 0),
        (&["conversations", "show", "not \u{202e}there"], 1),
        (&["invoke", "desk", "one.json"], 1),
    ] {
        let said = place.run(command).expect(code);
        let all = said.out + &said.err;
        assert!(!all.contains(HIDING), "{command:?}: {all:?}");
        assert!(all.contains("\\u{202e}"), "{command:?}: {all}");
        assert!(all.contains(shown) || code == 1, "{command:?}: {all}");
    }
    let document = place.run(&["conversations", "show", &id, "--document"]).expect(0);
    assert_eq!(document.json()["id"], id, "exactly as it was sent");
}

#[test]
fn what_people_did_to_a_run_is_told() {
    let place = Place::new();
    let _server = place.serve(&[
        "--set",
        "attempts=5",
        "--set",
        "backoff.base_s=300",
        "--set",
        "backoff.cap_s=600",
    ]);
    place.write(
        "desk/functions/end_function.py",
        "def end_function(conv):\n    raise ValueError('never')\n",
    );
    place.run(&["deploy", "desk"]).expect(0);
    place.run_with(&["send", "-"], "{\"id\": \"one\"}").expect(0);
    let attempted = |times: u32| {
        let waits = move |runs: &Value| {
            let run = &runs["runs"][0];
            run["status"] == "backoff" && run["attempts"] == times
        };
        let runs = place.until(&["runs", "list", "--json"], waits);
        runs["runs"][0]["run_id"].as_str().unwrap().to_owned()
    };
    let run = attempted(1);
    let show = |code: i32| place.run(&["runs", "show", &run]).expect(code).out;
    assert!(!show(0).contains("by hand"), "{}", show(0));
    place.run(&["runs", "cancel", &run]).expect(0);
    assert!(show(0).contains("It was cancelled by hand. ("), "{}", show(0));
    assert!(!show(0).contains("retried by hand"), "{}", show(0));

    place.run(&["runs", "retry", &run]).expect(0);
    attempted(2);
    let told = show(0);
    let (first, second) = told.split_once("attempt 2").unwrap();
    assert!(
        first.contains("  retried by hand\n") && !second.contains("  retried by hand\n"),
        "{told}"
    );
    let since =
        "It was retried by hand: 1 attempt failed since then, and what failed before counts no more. (";
    assert!(told.contains(since), "{told}");
    let page = place.run(&["runs", "show", &run, "--html", "-"]).expect(0).out;
    assert!(
        page.contains("Retried by hand.") && page.contains(since),
        "{page}"
    );
}

#[test]
fn a_run_is_known_by_the_beginning_of_its_id() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    place.write("desk/functions/end_function.py", "def end_function(conv): pass\n");
    place.run(&["deploy", "desk"]).expect(0);
    place
        .run_with(&["send", "-"], "{\"id\": \"one\"}\n{\"id\": \"two\"}\n")
        .expect(0);
    let list = ["runs", "list", "--json"];
    let runs = place.until(&list, |runs| {
        is_over(runs) && runs["runs"].as_array().unwrap().len() == 2
    });
    let id = |index: usize| runs["runs"][index]["run_id"].as_str().unwrap();
    // The two were accepted within a moment, which is what an id begins with.
    let shared = id(0)
        .bytes()
        .zip(id(1).bytes())
        .take_while(|(one, other)| one == other)
        .count();
    for run in [id(0), id(1)] {
        for beginning in [&run[..=shared], &run[..35]] {
            let told = place.run(&["runs", "show", beginning, "--json"]).expect(0).json();
            assert_eq!(told["run"]["run_id"], run, "{beginning}");
        }
    }
    let beginning = &id(0)[..=shared];
    place.run(&["runs", "logs", beginning]).expect(0);
    let told = place
        .run(&["runs", "retry", beginning, "--again", "--json"])
        .expect(0)
        .json();
    assert_eq!(told["run_id"], id(0));
    let said = place.run(&["runs", "show", &id(0)[..shared]]).expect(2);
    for told in ["AC0705", id(0), id(1)] {
        assert!(said.err.contains(told), "{}", said.err);
    }
    let said = place.run(&["runs", "show", "00000000"]).expect(1);
    assert!(said.err.contains("AC0704"), "{}", said.err);
}

#[test]
fn a_project_that_is_not_there_is_no_project_without_runs() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    place.write("desk/functions/end_function.py", "def end_function(conv): pass\n");
    place.run(&["deploy", "desk"]).expect(0);
    for more in [&[][..], &["--json"]] {
        let said = place
            .run(&[&["runs", "list", "--project", "nope"], more].concat())
            .expect(1);
        assert!(
            said.err.contains("AC0107") && said.err.contains("nope"),
            "{}",
            said.err
        );
        let said = place
            .run(&[&["runs", "list", "--project", "desk"], more].concat())
            .expect(0);
        assert!(said.err.is_empty(), "{}", said.err);
    }
    let said = place.run(&["runs", "list", "--limit", "0"]).expect(2);
    assert!(said.err.contains("--limit"), "{}", said.err);

    let create = |project| {
        place
            .run(&["keys", "create", "a key", "--env", "live", "--project", project])
            .expect(0)
    };
    let said = create("nope");
    assert!(said.out.starts_with("ac_"), "{}", said.out);
    assert!(
        said.err.contains("nothing is deployed yet of a project nope"),
        "{}",
        said.err
    );
    let said = create("desk");
    assert!(
        said.out.starts_with("ac_") && !said.err.contains("note:"),
        "{}",
        said.err
    );
}

#[test]
fn every_answer_names_the_ids_as_the_documentation_says() {
    let place = Place::new();
    let _server = place.serve(&QUICK);
    place.write("desk/functions/end_function.py", "def end_function(conv): pass\n");
    place.write("one.json", "{\"id\": \"one\"}");
    place.run(&["deploy", "desk"]).expect(0);
    let sent = place
        .run(&["send", "one.json", "--json"])
        .expect(0)
        .lines()
        .swap_remove(0);
    let runs = place.until(&["runs", "list", "--json"], is_over);
    let run = sent["run_id"].as_str().unwrap();
    let shown = place.run(&["runs", "show", run, "--json"]).expect(0).json();
    let conversation = place
        .run(&["conversations", "show", "one", "--json"])
        .expect(0)
        .json();
    for answer in [&sent, &runs["runs"][0], &shown["run"], &conversation["runs"][0]] {
        assert_eq!(answer["external_id"], "one", "{answer}");
        assert_eq!(
            answer["conversation_id"], conversation["conversation_id"],
            "{answer}"
        );
        assert_eq!(answer["run_id"], run, "{answer}");
    }
    assert_eq!(conversation["external_id"], "one");
    assert_ne!(conversation["conversation_id"], "one");
    let invoked = place
        .run(&["invoke", "desk", "one.json", "--json"])
        .expect(0)
        .lines()
        .swap_remove(0);
    assert_eq!(
        (&invoked["external_id"], &invoked["conversation_id"]),
        (&"one".into(), &"one".into())
    );
    assert!(invoked.get("run_id").is_none(), "{invoked}");
}
