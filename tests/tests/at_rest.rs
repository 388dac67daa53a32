//! What callers said and who they are is sealed wherever it lies, even when the server is gone from one moment to the next.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;

use serde_json::json;
use system_tests::{Chance, Needle, Place, Project, conversation, search, until};

/// Leaves what it was given in every way that the run keeps: state, logs, prints, actions, exceptions.
const FUNCTION: &str = r#"
import sys
import time


def end_function(conv):
    text = conv.history[-1].text
    conv.log.info(text, number=conv.caller_number)
    print(conv.caller_number, text)
    print(text, file=sys.stderr)
    conv.write_metric("SAID", text)
    conv.send_sms(conv.caller_number, conv.callee_number, text)
    conv.state.said = {"text": text, conv.caller_number: text.encode()}
    if conv.state.then == "raises":
        raise ValueError(f"cannot cope with {text} of {conv.caller_number}: {conv.state.trouble}")
    if conv.state.then == "stays":
        open("begun", "w").close()
        time.sleep(600)
"#;

#[test]
fn after_kill_9_no_file_holds_a_number_a_text_an_id_or_an_exception_in_any_encoding() {
    let mut chance = Chance::new("at_rest");
    let place = Place::new();
    let setup = place
        .server()
        .set("log", "debug")
        .set("attempts", 2)
        .set("backoff.base_s", 0)
        .set("drain_s", 1);
    let server = setup.start();
    let project = Project::of(FUNCTION);
    server.deploy(project.path(), "sealed");

    let (number, id) = (chance.digits(12), format!("call-{}", chance.hex()));
    let (text, trouble) = (
        format!("Größe {} bitte", chance.hex()),
        format!("trouble {}", chance.hex()),
    );
    for then in ["returns", "raises", "stays"] {
        let mut document = conversation(
            &format!("{id}-{then}"),
            &json!({"then": then, "trouble": trouble}),
        );
        document["caller_number"] = json!(format!("+{number}"));
        document["turns"] = json!([{"role": "user", "text": text}]);
        document["note"] = json!(text);
        let accepted = server.send("sealed", &document).expect(202).json();
        match then {
            "stays" => until("it stays", || {
                place
                    .attempt_folders()
                    .iter()
                    .any(|one| one.join("begun").exists())
                    .then_some(())
            }),
            _ => drop(server.finished(accepted["run_id"].as_str().unwrap())),
        }
        // Refused ones must leave no more.
        document["turns"] = json!([{"role": "user", "text": format!("{text} again")}]);
        server.send("sealed", &document).expect(409);
        document["turns"] = json!(text);
        server.send("sealed", &document).expect(400);
    }
    // Looked up in every way.
    assert_eq!(server.runs(&format!("conversation={id}-raises")).len(), 1);
    assert_eq!(server.runs(&format!("number=%2B{number}")).len(), 3);
    let _ = server.get(&format!("/v1/conversations/{id}-raises"));
    let key = server
        .cli(&["keys", "create", "at rest", "--env", "live", "--json"])
        .expect(0)
        .json();
    let secret = key["secret"].as_str().unwrap().to_owned();
    server.kill();

    let needles = [
        Needle::new("the phone number", &number),
        Needle::new("the external id", &id),
        Needle::new("what the caller said", &text),
        Needle::new("a part of it", text.split(' ').nth(1).unwrap()),
        Needle::new("the exception's text", &trouble),
        Needle::new("the API key", &secret),
    ];
    let log = place.path("serve.log");
    let everywhere: [&Path; 3] = [place.data(), &log, place.tmp_root()];
    let (files, sightings) = search(&everywhere, &needles);
    println!("{files} files looked at");
    assert!(
        place.data().join("aftercall.db-wal").exists(),
        "the log of the database is part of it"
    );
    assert!(sightings.is_empty(), "{sightings:#?}");

    // What user code itself wrote into its folder is gone with the next start, and all is readable again.
    assert!(
        !place.attempt_folders().is_empty(),
        "the attempt that was cut off left its folder"
    );
    let server = setup.start();
    let again = until("it runs again", || {
        place
            .attempt_folders()
            .into_iter()
            .find(|one| one.join("begun").exists())
    });
    println!("its new folder: {}", again.display());
    assert_eq!(
        place.attempt_folders().len(),
        1,
        "the folder of the attempt that was cut off is gone"
    );
    let found = server.get(&format!("/v1/conversations/{id}-raises"));
    assert_eq!(found["document"]["note"], text);
    let error = &server.run(found["runs"][0]["run_id"].as_str().unwrap())["attempts"][1]["error"];
    assert!(error["message"].as_str().unwrap().contains(&trouble), "{error:#}");
    server.terminate();
    server.wait_until_ended();
    let (files, sightings) = search(&everywhere, &needles);
    println!("{files} files looked at after a stop in good order");
    assert!(sightings.is_empty(), "{sightings:#?}");
}
